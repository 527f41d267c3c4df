"""A picture of the feeling along a film, and of the segments that its music follows."""

from __future__ import annotations

import importlib.util
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from robotd.emotion import EMOTIONS, QUADRANT_OF, Quadrant
from robotd.errors import CommandError
from robotd.film.hindsight import STEP_S
from robotd.film.outputs import replacing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from robotd.emotion import Emotion, Feeling
    from robotd.film.compose import Passage
    from robotd.film.segments import Segment

#: A colour for each quadrant (Okabe & Ito, "Color Universal Design", 2008: told apart by colour-blind people, too).
COLOURS: dict[Quadrant, str] = {
    Quadrant.Q1: "#e69f00",
    Quadrant.Q2: "#d55e00",
    Quadrant.Q3: "#0072b2",
    Quadrant.Q4: "#009e73",
}
_QUADRANTS = {
    Quadrant.Q1: "Q1 happy, surprised",
    Quadrant.Q2: "Q2 angry, fearful, disgusted",
    Quadrant.Q3: "Q3 sad",
    Quadrant.Q4: "Q4 calm, neutral",
}
_INK, _FAINT, _NOBODY = "#222222", "#999999", "#e8e8e8"
_INCHES_A_MINUTE, _NARROWEST, _WIDEST = 3.0, 11.0, 40.0
_TALL = 6.4


def available() -> bool:
    """Return whether there is what draws it."""
    return importlib.util.find_spec("matplotlib") is not None


def draw(
    path: Path, title: str, told: Sequence[Feeling], segments: Sequence[Segment], passages: Sequence[Passage]
) -> None:
    """Draw valence and arousal, the probabilities, and the labels over time, with the segments behind them.

    Args:
        path: where to, a PNG; an older one is replaced.
        title: what stands above.
        told: the feeling every half second.
        segments: of the whole film.
        passages: the music of each; where it begins is marked. May be empty.

    Raises:
        CommandError: matplotlib is missing.
        MediaError: the file can't be written.
    """
    if not available():
        raise CommandError(f"{path.name} is drawn by matplotlib, which is missing: pip install 'robotd[score]'")
    # Neither pyplot nor a screen: a figure is drawn straight into a file.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    length_s = segments[-1].end_s
    width = min(max(length_s / 60 * _INCHES_A_MINUTE, _NARROWEST), _WIDEST)
    figure = Figure(figsize=(width, _TALL), facecolor="white")
    FigureCanvasAgg(figure)
    course, shares, labels = figure.subplots(
        3, 1, sharex=True, gridspec_kw={"height_ratios": [3.2, 2.2, 1.0], "hspace": 0.1}
    )
    figure.subplots_adjust(left=0.95 / width, right=1 - 1.05 / width, bottom=0.92 / _TALL, top=1 - 0.85 / _TALL)
    _segments(course, shares, segments, passages, length_s / width)
    _course(course, told)
    _shares(shares, told)
    _labels(labels, told)
    _times(labels, length_s)
    figure.text(0.95 / width, 1 - 0.32 / _TALL, title, fontsize=13, weight="bold", color=_INK)
    _quadrants(figure)
    with replacing(path) as unfinished:
        figure.savefig(unfinished, format="png", dpi=120)


def _segments(
    course: Any, shares: Any, segments: Sequence[Segment], passages: Sequence[Passage], seconds_an_inch: float
) -> None:
    """Shade each segment in the colour of its quadrant, name it, and mark where its music begins."""
    for segment in segments:
        colour = COLOURS[segment.quadrant]
        course.axvspan(segment.start_s, segment.end_s, color=colour, alpha=0.16, linewidth=0)
        course.axvspan(segment.start_s, segment.end_s, 0.955, 1.0, color=colour, linewidth=0)
        inches = (segment.end_s - segment.start_s) / seconds_an_inch
        # A narrow segment has room for its quadrant, or for nothing; its colour says the same.
        name = f"{segment.quadrant.value} {segment.label.value}"
        text = name if inches > 0.085 * len(name) else segment.quadrant.value if inches > 0.25 else ""  # noqa: PLR2004
        middle_s = (segment.start_s + segment.end_s) / 2
        course.annotate(
            text, (middle_s, 1), (0, 3), ("data", "axes fraction"), "offset points",
            ha="center", fontsize=9, color=_INK, annotation_clip=False,
        )  # fmt: skip
    for segment in segments[1:]:
        for axes in (course, shares):
            axes.axvline(segment.start_s, color=_INK, linewidth=0.9)
    for passage in passages[1:]:
        course.plot(passage.start_s, -1, marker="^", markersize=7, color=_INK, clip_on=False, zorder=5)


def _course(axes: Any, told: Sequence[Feeling]) -> None:
    times = [feeling.time_s for feeling in told]
    axes.axhline(0, color=_FAINT, linewidth=0.8)
    for name, style in (("valence", "-"), ("arousal", "--")):
        values = [math.nan if (value := getattr(feeling, name)) is None else value for feeling in told]
        axes.plot(times, values, style, color=_INK, linewidth=1.8, label=name)
    axes.set_ylim(-1, 1)
    axes.set_yticks([-1, -0.5, 0, 0.5, 1])
    axes.set_ylabel("valence, arousal")
    axes.legend(
        loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9, handlelength=1.6, borderpad=0.3
    )
    _bare(axes)


def _shares(axes: Any, told: Sequence[Feeling]) -> None:
    """Stack the probabilities, those of a quadrant beside one another and in its colour."""
    order = sorted(EMOTIONS, key=lambda emotion: (QUADRANT_OF[emotion].value, EMOTIONS.index(emotion)), reverse=True)
    values = np.array([feeling.probabilities if feeling.known else [math.nan] * len(EMOTIONS) for feeling in told])
    stacked = np.stack([values[:, EMOTIONS.index(emotion)] for emotion in order])
    times = [feeling.time_s for feeling in told]
    axes.set_facecolor(_NOBODY)
    axes.stackplot(times, np.nan_to_num(stacked), colors=[_tint(emotion) for emotion in order], linewidth=0)
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.5, 1])
    axes.set_ylabel("probability")
    from matplotlib.patches import Patch

    handles = [Patch(color=_tint(emotion), label=emotion.value) for emotion in reversed(order)]
    axes.legend(
        handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8,
        handlelength=1.0, labelspacing=0.15, borderpad=0.3,
    )  # fmt: skip
    _bare(axes)


def _labels(axes: Any, told: Sequence[Feeling]) -> None:
    """Draw what the feeling, the face and the voice say at each moment, as strips of colour."""
    rows = ("feeling", "face", "voice")
    for row, name in enumerate(rows):
        axes.axhspan(row - 0.4, row + 0.4, color=_NOBODY, linewidth=0)
        spans: dict[str, list[tuple[float, float]]] = {}
        for feeling in told:
            colour = _said(feeling, name)
            if colour is not None:
                spans.setdefault(colour, []).append((feeling.time_s - STEP_S / 2, STEP_S))
        for colour, places in spans.items():
            axes.broken_barh(places, (row - 0.4, 0.8), color=colour, linewidth=0)
    axes.set_ylim(2.5, -0.5)
    axes.set_yticks(range(3), rows)
    axes.tick_params(axis="y", length=0)
    _bare(axes)


def _said(feeling: Feeling, row: str) -> str | None:
    """Return the colour of what is said in a row at a moment; readings that are far away are not shown."""
    if row == "feeling":
        return _tint(next(e for e in EMOTIONS if e.value == feeling.label)) if feeling.known else None
    reading = feeling.readings.get("face" if row == "face" else "voice")
    if reading is None or feeling.time_s - reading.time_s > STEP_S:
        return None
    return _tint(reading.label)


def _tint(emotion: Emotion) -> str:
    """Return the colour of an emotion: that of its quadrant, the second and third of it paler."""
    from matplotlib.colors import to_hex, to_rgb

    alike = [other for other in EMOTIONS if QUADRANT_OF[other] is QUADRANT_OF[emotion]]
    # Neutral is the palest of the calm ones.
    if QUADRANT_OF[emotion] is Quadrant.Q4:
        alike.reverse()
    pale = 0.32 * alike.index(emotion)
    return str(to_hex([c + (1 - c) * pale for c in to_rgb(COLOURS[QUADRANT_OF[emotion]])]))


def _times(axes: Any, length_s: float) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_xlim(0, length_s)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=16, steps=[1, 1.5, 2, 3, 6, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda time_s, _: f"{int(time_s) // 60}:{time_s % 60:02.0f}"))
    axes.set_xlabel("time in the film (▲ above: where the music changes)")


def _quadrants(figure: Any) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(color=COLOURS[quadrant], label=words) for quadrant, words in _QUADRANTS.items()]
    handles.append(Patch(color=_NOBODY, label="nobody seen or heard"))
    figure.legend(handles=handles, loc="lower center", ncols=5, frameon=False, fontsize=8.5, handlelength=1.2)


def _bare(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_FAINT)
    axes.tick_params(colors=_INK, labelsize=9)

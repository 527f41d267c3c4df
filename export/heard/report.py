"""What was measured, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .figures import FIGURES, kolmogorov_smirnov, overlapping_area
from .listeners import JUDGE
from .measure import QUADRANTS, wilson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .figures import Figure
    from .measure import Answers, Heard, Setting

CONFUSION, DISTRIBUTIONS = "composer_confusion.png", "composer_distributions.png"

_HOW = """\
# What listeners hear in composed music

Made by `{command}`.

{pieces} pieces of {bars} bars for each quadrant, each at a point of its own within 0.2 of the quadrant's in valence and
arousal, from a seed of its own; drums are left out, and every part is heard as a piano.

EMOPIA's songs at hand ({songs} songs, {clips} clips) were dealt into two halves, so that each has as many songs of
every quadrant and no song is in both. From the one half learnt the judge that composing may ask. From the other
learnt three listeners of different kinds, which take no part in composing: a piece that has only found a weak spot of
one model would not please all three. It is the listeners that are new to the pieces, not the composer to the songs:
its nets learn from EMOPIA too, and how a feeling is played was chosen with EMOPIA's figures of each quadrant in view.

## Who listens, and how well

{listeners}

Share of real clips that each names as people do. They are clips of songs that it has not learnt from: the judge's half
for the listeners, the listeners' half for the judge. A composer whose pieces were like such clips in all that a
listener can hear would be heard rightly about as often: more than that is music that is plainer in its feeling than
real music. Intervals are Wilson's, of 95 %; clips of a song are alike, so those of real clips are too narrow.
"""

_SHARES = """\
## Heard as composed

Share of the pieces that are heard in the quadrant that they were composed for.

{shares}

`valence` and `arousal`: share heard on the right side of each.

![Confusions]({confusion})

Rows are what was composed, columns what the {who} hears, in per cent; the counts:

{counts}
"""

_TRIES = """\
## How composing went

Composing asks its judge about every stretch of four bars, with up to twelve bars before it, and composes again what is
not heard in the wanted quadrant; the best try is played.

{tries}
"""

_FIGURES = """\
## Beside people's music

Pieces of the last way of composing ({setting}) beside all of EMOPIA's clips, mean ± standard deviation. `KS` is the
Kolmogorov-Smirnov distance of both distributions, 0 (alike) to 1 (apart). `overlap` is the overlapping area of Yang &
Lerch (2020): of the distances between EMOPIA's clips with the distances from those to the composed pieces, 1 (alike) to
0. In brackets the same between the two halves of EMOPIA's songs: nearer than that is chance.

{figures}

![Distributions]({distributions})

{meanings}

All are computed in seconds, as the beat of performed music is not known; groove takes bars of 2 s for both. EMOPIA's
lengths were transcribed with the pedal.
"""


def report(heard: Heard, command: str) -> str:
    """Return the report.

    Args:
        heard: what was measured.
        command: by which.
    """
    last = heard.settings[-1]
    who = heard.listeners[0].name
    pieces = len(last.pieces) // len(QUADRANTS)
    songs = int(heard.songs.songs.max()) + 1
    parts = [
        _HOW.format(
            command=command,
            pieces=pieces,
            bars=heard.bars,
            songs=songs,
            clips=len(heard.songs.labels),
            listeners="\n".join(_listeners(heard)),
        ),
        _SHARES.format(
            shares="\n".join(_shares(heard)),
            confusion=CONFUSION,
            who=who,
            counts="\n".join(_counts(heard, who)),
        ),
    ]
    if any(piece.tally.judged for piece in last.pieces):
        parts.append(_TRIES.format(tries="\n".join(_tries(last))))
    parts.append(
        _FIGURES.format(
            setting=last.name,
            figures="\n".join(_figures(heard)),
            distributions=DISTRIBUTIONS,
            meanings="\n".join(f"- {of.name}: {of.meaning} (`{of.feature}`)" for of in FIGURES),
        )
    )
    return "\n".join(parts)


def told(answers: Answers) -> str:
    """Return a share with its interval."""
    low, high = wilson(answers.right, len(answers.wanted))
    return f"{answers.share:.2f} ({low:.2f} to {high:.2f})"


def _cells(answers: Answers) -> str:
    each = " | ".join(f"{answers.of(quadrant).share:.2f}" for quadrant in range(len(QUADRANTS)))
    return f"{told(answers)} | {each} | {answers.sign('valence'):.2f} | {answers.sign('arousal'):.2f} |"


_HEAD = "| all | Q1 | Q2 | Q3 | Q4 | valence | arousal |"
_RULE = "---|---|---|---|---|---|---|"


def _listeners(heard: Heard) -> Iterator[str]:
    yield f"| listener {_HEAD}"
    yield f"|---|{_RULE}"
    for one in heard.listeners:
        yield f"| {one.name} | {_cells(heard.real[one.name])}"
    yield ""
    for one in heard.listeners:
        yield f"- `{one.name}`: {one.kind}"


def _shares(heard: Heard) -> Iterator[str]:
    yield f"| composed with | listener {_HEAD}"
    yield f"|---|---|{_RULE}"
    for setting in heard.settings:
        for one in heard.listeners:
            name = f"{one.name} (composing asks it)" if one.name == JUDGE else one.name
            yield f"| {setting.name} | {name} | {_cells(setting.answers[one.name])}"


def _counts(heard: Heard, who: str) -> Iterator[str]:
    yield f"| composed with | for | {' | '.join(QUADRANTS)} |"
    yield f"|---|---{'|---' * len(QUADRANTS)}|"
    for setting in heard.settings:
        for quadrant, row in zip(QUADRANTS, setting.answers[who].confusion.tolist(), strict=True):
            yield f"| {setting.name} | {quadrant} | {' | '.join(map(str, row))} |"


def _tries(setting: Setting) -> Iterator[str]:
    yield "| quadrant | stretches | tries a stretch | heard as wanted at last |"
    yield "|---|---|---|---|"
    rows = [(name, setting.of(quadrant)) for quadrant, name in enumerate(QUADRANTS)]
    for name, pieces in (*rows, ("all", list(setting.pieces))):
        judged, tries, accepted = (
            sum(getattr(piece.tally, count) for piece in pieces) for count in ("judged", "tries", "accepted")
        )
        yield f"| {name} | {judged} | {tries / judged:.2f} | {accepted / judged:.2f} |"


def _figures(heard: Heard) -> Iterator[str]:
    yield "| figure | quadrant | EMOPIA | composed | KS | overlap |"
    yield "|---|---|---|---|---|---|"
    last = heard.settings[-1]
    wanted = last.answers[heard.listeners[0].name].wanted
    for of in FIGURES:
        for quadrant, name in enumerate(QUADRANTS):
            there = heard.songs.labels == quadrant
            own = of.of(heard.songs.calibration)
            sets = own[there], of.of(last.features)[wanted == quadrant]
            halves = own[there & heard.first], own[there & ~heard.first]
            spreads = " | ".join(f"{values.mean():{_places(of)}} ± {values.std():{_places(of)}}" for values in sets)
            yield (
                f"| {of.name} | {name} | {spreads} "
                f"| {kolmogorov_smirnov(*sets):.2f} ({kolmogorov_smirnov(*halves):.2f}) "
                f"| {overlapping_area(*sets):.2f} ({overlapping_area(*halves):.2f}) |"
            )


def _places(of: Figure) -> str:
    return ".1f" if of.feature in {"pitch_range_80", "note_density_mean", "polyphony", "velocity_mean"} else ".2f"

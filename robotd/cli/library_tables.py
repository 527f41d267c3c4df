"""How `robotd library` shows songs to a person."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from robotd.cli.printable import printable
from robotd.emotion import EMOTIONS
from robotd.music.table import GEMS, MID_LEVEL, MOODS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from robotd.music.scan.explanation import Effect, Reason
    from robotd.music.song import Song

_BARS = "▁▂▃▄▅▆▇█"
_CURVE_WIDTH = 60
#: So many effects are told of each mood, if they are at least so great.
_EFFECTS, _LEAST_POINTS = 3, 0.1


def songs_table(songs: Iterable[Song]) -> Table:
    """Return songs as a table; those whose files have vanished are marked."""
    table = Table("id", "title", "artist", "valence", "arousal", "source")
    for song in songs:
        source = f"{song.source}, vanished" if song.missing else song.source
        point = (f"{song.valence:+.2f}", f"{song.arousal:+.2f}")
        title, artist, whence = (Text(printable(text)) for text in (song.title, song.artist, source))
        table.add_row(str(song.id), title, artist, *point, whence)
    return table


def song_tables(song: Song, curve: NDArray[np.float32] | None, reasons: Mapping[str, Reason]) -> Iterator[Table]:
    """Give what is known of a song, what is unknown being left out."""
    facts = Table(show_header=False)
    minutes = "" if song.duration_s is None else f"{int(song.duration_s) // 60}:{int(song.duration_s) % 60:02}"
    shown = {
        "title": song.title,
        "artist": song.artist,
        "album": song.album,
        "year": song.year,
        "genre": song.genre,
        "language": song.language,
        "explicit": None if song.explicit is None else ("yes" if song.explicit else "no"),
        "length": minutes,
        "tempo": song.tempo_bpm and f"{song.tempo_bpm:.0f} beats a minute",
        "key": song.key,
        "valence": f"{song.valence:+.2f}",
        "arousal": f"{song.arousal:+.2f}",
        "keywords": ", ".join(f"{word} {weight:.2f}" for word, weight in song.keywords),
        "source": song.source,
        "uri": song.uri,
        "file": "has vanished" if song.missing else "",
    }
    for name, value in shown.items():
        if value not in {None, ""}:
            facts.add_row(name, Text(printable(str(value))))
    if curve is not None:
        for axis, name in enumerate(("valence", "arousal")):
            facts.add_row(f"{name} by time", _bars(curve[:, axis]))
    yield facts
    if song.moods:
        table = Table("mood, 1..9", "heard", *(("by features alone", "because of") if reasons else ()))
        for name, value in zip(MOODS, song.moods, strict=True):
            reason = reasons.get(name)
            why = (f"{reason.rating:.1f}", _because(reason.effects)) if reason else ()
            table.add_row(name, f"{value:.1f}", *why)
        yield table
    for title, names, values in (
        ("perceived, 1..9", MID_LEVEL, song.mid_level),
        ("felt by a share of listeners", GEMS, song.gems),
        ("emotions of the lyrics", [emotion.value for emotion in EMOTIONS], song.lyrics_emotions),
    ):
        if values:
            table = Table(title, "")
            for name, value in zip(names, values, strict=True):
                table.add_row(name, f"{value:.2f}")
            yield table


def _because(effects: Sequence[Effect]) -> str:
    told = [effect for effect in effects[:_EFFECTS] if abs(effect.points) >= _LEAST_POINTS]
    return ", ".join(f"{effect.feature} {effect.value:.1f} ({effect.points:+.1f})" for effect in told)


def _bars(values: NDArray[np.float32]) -> str:
    """Draw -1..1 by time in at most 60 letters."""
    count = min(_CURVE_WIDTH, len(values))
    edges = [len(values) * n // count for n in range(count + 1)]
    means = [float(values[start:end].mean()) for start, end in itertools.pairwise(edges)]
    return "".join(_BARS[min(len(_BARS) - 1, int((mean + 1) / 2 * len(_BARS)))] for mean in means)

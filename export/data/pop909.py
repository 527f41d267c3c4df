"""POP909's Chinese pop songs, arranged for piano in three parts, with their beats (Wang et al. 2020, ISMIR).

"POP909: a pop-song dataset for music arrangement generation". The layout: `music/midi/pretrain/pop909.tar` with a file
`NNN.mid` for each song (tracks MELODY, BRIDGE and PIANO), `pop909_chord_beat_key.tar.gz` with `NNN_beat_midi.txt` (time
in s, whether a bar of the shorter metre begins, whether one of the longer metre begins) and `pop909_index.csv`
(columns song_id, num_beats_per_measure, num_quavers_per_beat).
"""

from __future__ import annotations

import csv
import io
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from mido import MidiFile, MidiTrack

from robotd.perceive.features.score import Notes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

#: The tracks, the melody first.
TRACKS = ("MELODY", "BRIDGE", "PIANO")
_TIME, _LONGER_BAR = 0, 2


@dataclass(frozen=True, slots=True, eq=False)
class Song:
    """An arrangement with its beats.

    Attributes:
        name: its number in the set, three digits.
        parts: the notes of the melody, of the bridge (a second melody) and of the accompaniment.
        beats_s: [n] rising.
        bar_begins: [n] whether a bar of four beats (six in a triple metre) begins at this beat.
        beats_a_bar: of the shorter metre: 2 or 3.
        quavers_a_beat: 2, or 3 in a compound metre.
    """

    name: str
    parts: tuple[Notes, Notes, Notes]
    beats_s: NDArray[np.float64]
    bar_begins: NDArray[np.bool_]
    beats_a_bar: int
    quavers_a_beat: int

    @property
    def is_common_time(self) -> bool:
        """Whether its bars are in 4/4 (or in 2/4, two and two read as one)."""
        return (self.beats_a_bar, self.quavers_a_beat) == (2, 2)


def read_pop909(data: Path) -> Iterator[Song]:
    """Read the songs in the order of their numbers.

    Raises:
        FileNotFoundError: the set, or the file or the beats of a listed song, are missing.
    """
    folder = data / "music" / "midi" / "pretrain"
    with (folder / "pop909_index.csv").open(encoding="utf-8", newline="") as file:
        metres = {
            f"{int(row['song_id']):03d}": (int(row["num_beats_per_measure"]), int(row["num_quavers_per_beat"]))
            for row in csv.DictReader(file)
        }
    with tarfile.open(folder / "pop909_chord_beat_key.tar.gz") as tar:
        beats = {
            member.name.removesuffix("_beat_midi.txt"): np.loadtxt(io.BytesIO(_content(tar, member.name)), ndmin=2)
            for member in tar.getmembers()
            if member.name.endswith("_beat_midi.txt")
        }
    with tarfile.open(folder / "pop909.tar") as tar:
        present = set(tar.getnames())
        for name, metre in sorted(metres.items()):
            if f"{name}.mid" not in present:
                raise FileNotFoundError(f"{folder}: pop909.tar has no {name}.mid")
            if name not in beats:
                raise FileNotFoundError(f"{folder}: pop909_chord_beat_key.tar.gz has no {name}_beat_midi.txt")
            table = beats[name]
            parts = read_parts(MidiFile(file=io.BytesIO(_content(tar, f"{name}.mid")), clip=True))
            yield Song(name, parts, table[:, _TIME], table[:, _LONGER_BAR] > 0, *metre)


def read_parts(midi: MidiFile) -> tuple[Notes, Notes, Notes]:
    """Return the notes of a song's three tracks; a track that isn't there has none."""
    tracks = {track.name: track for track in midi.tracks}
    melody, bridge, piano = (_notes_of(midi, tracks[name]) if name in tracks else _notes([]) for name in TRACKS)
    return melody, bridge, piano


def _content(tar: tarfile.TarFile, name: str) -> bytes:
    content = tar.extractfile(name)
    assert content is not None
    return content.read()


def _notes_of(midi: MidiFile, track: MidiTrack) -> Notes:
    """Read a track at the tempo of the first one; a note that is struck again ends there."""
    both = MidiFile(ticks_per_beat=midi.ticks_per_beat)
    both.tracks = [track] if track is midi.tracks[0] else [midi.tracks[0], track]
    now_s = 0.0
    held: dict[int, tuple[float, int]] = {}
    rows: list[tuple[float, float, int, int]] = []
    for message in both:
        now_s += message.time
        if message.type not in {"note_on", "note_off"}:
            continue
        if message.note in held:
            onset_s, velocity = held.pop(message.note)
            rows.append((onset_s, now_s - onset_s, message.note, velocity))
        if message.type == "note_on" and message.velocity:
            held[message.note] = (now_s, message.velocity)
    return _notes([row for row in rows if row[1] > 0])


def _notes(rows: list[tuple[float, float, int, int]]) -> Notes:
    columns = np.array(sorted(rows), np.float64).reshape(-1, 4).T
    return Notes(columns[0], columns[1], columns[2].astype(np.int64), columns[3].astype(np.int64))

"""Pieces on a grid of sixteenths in C major or A minor, which the composer's networks learn from.

Three sources: POP909 with the beats that its makers give, EMOPIA and VGMIDI with beats found by `beats.py`. A song is
cut where its metre or its key changes, so that a `Grid` has one of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
from rich.progress import track

from robotd.music.compose.grid import BEATS_PER_BAR, STEPS_PER_BAR, STEPS_PER_BEAT, STRETCH_BARS
from robotd.perceive.features.score import OCTAVE, key_fits

from .beats import find_beats
from .emopia import read_emopia
from .pop909 import read_pop909
from .vgmidi import read_vgmidi

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from robotd.perceive.features.score import Notes

Source = Literal["pop909", "emopia", "vgmidi"]
Split = Literal["train", "val"]

#: The keys of a piano.
LOWEST, HIGHEST = 21, 108
#: For validation: songs of POP909 whose number leaves this rest, and VGMIDI's games in the order of their names.
_VAL_DIVISOR, _VAL_REST, _VAL_GAMES, _VAL_GAME = 20, 7, 8, 3
_MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
_RELATIVE_MINOR = 9
#: A key's own scale holds about this share of the notes of pop music; the rest is borrowed.
_IN_SCALE = 0.95
#: How unlikely a change of key at a bar line is, in nats: some fifteen notes have to speak for it.
_CHANGE_NATS = 40.0
#: A longer note says no more about the key than one of this length, in steps.
_LONGEST_VOTE = STEPS_PER_BEAT
#: A melody found in a performance lies above the G below middle C, and not a sixth below its usual height.
_MELODY_LOWEST, _MELODY_FALL = 55, 9
#: A higher note of the melody may sound on for less than this many steps when the next begins, as legato does.
_MELODY_OVERLAP = 2
#: A performance farther from the grid is left out: mean distance of its notes from their steps, in steps.
WORST_MISFIT = 0.15
#: The columns of notes on steps.
_START, _END, _PITCH, _VELOCITY, _MELODY = range(5)


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A piece, or the part of one between two changes of metre or key.

    Attributes:
        song: what it is a part of; parts of a song never lie on both sides of a split.
        start: [n] the step at which each note begins, rising (then by pitch).
        end: [n] the step at which it has ended, above `start`.
        pitch: [n] MIDI note numbers 21..108, transposed to C major or A minor.
        velocity: [n] 1..127.
        melody: [n] whether it belongs to the melody, of which one note sounds at a time.
        steps: the length, a multiple of 16; step 0 is a bar line.
        minor: whether it is in A minor.
        tempo_bpm: its mean tempo.
        quadrant: index of its mood in Q1..Q4, or None where nobody has labelled it.
        source: the set that it is from.
        split: which side of the split its song is on.
    """

    song: str
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    pitch: NDArray[np.int64]
    velocity: NDArray[np.int64]
    melody: NDArray[np.bool_]
    steps: int
    minor: bool
    tempo_bpm: float
    quadrant: int | None
    source: Source
    split: Split

    @property
    def bars(self) -> int:
        """Its length in bars."""
        return self.steps // STEPS_PER_BAR


def read_grids(data: Path, cache: Path | None = None) -> list[Grid]:
    """Read all three sources, or what was read before.

    Args:
        data: the folder of the data sets.
        cache: a file .npz: read if it is there, else written.

    Raises:
        FileNotFoundError: a set is not there, or incomplete.
    """
    if cache is not None and cache.is_file():
        return load_grids(cache)
    grids = read_pop909_grids(data)
    for split in ("train", "val"):
        grids += read_emopia_grids(data, split)
    grids += read_vgmidi_grids(data)
    if cache is not None:
        save_grids(cache, grids)
    return grids


def read_pop909_grids(data: Path) -> list[Grid]:
    """Read POP909's 857 songs in 4/4 (or in 2/4, two bars as one) of 909; one in twenty is for validation.

    Raises:
        FileNotFoundError: it is not there, or incomplete.
    """
    grids: list[Grid] = []
    for song in track(read_pop909(data), "POP909 on the grid", total=909, transient=True):
        if not song.is_common_time:
            continue
        melody, *others = (on_steps(notes, song.beats_s) for notes in song.parts)
        rows = merged(np.concatenate([monophonic(melody), *others]))
        split: Split = "val" if int(song.name) % _VAL_DIVISOR == _VAL_REST else "train"
        origin = _Origin(f"pop909/{song.name}", None, "pop909", split)
        grids += pieces(rows, song.beats_s, np.flatnonzero(song.bar_begins), origin)
    return grids


def read_emopia_grids(data: Path, split: Split) -> list[Grid]:
    """Read EMOPIA's performances, with the authors' split.

    Raises:
        FileNotFoundError: it is not there, or incomplete.
    """
    grids: list[Grid] = []
    for clip in track(read_emopia(data, split), f"EMOPIA {split} on the grid", transient=True):
        grids += performed(clip.notes, _Origin(f"emopia/{clip.song}", clip.quadrant, "emopia", split))
    return grids


def read_vgmidi_grids(data: Path) -> list[Grid]:
    """Read VGMIDI's phrases; of the games in the order of their names every eighth is for validation.

    The files have lost their tempo and their metre (all say 4/4 at 120 beats a minute, which few notes follow), so
    they are read as performances are.

    Raises:
        FileNotFoundError: it is not there, or incomplete.
    """
    clips = read_vgmidi(data)
    kept_back = sorted({clip.song for clip in clips})[_VAL_GAME::_VAL_GAMES]
    grids: list[Grid] = []
    for clip in track(clips, "VGMIDI on the grid", transient=True):
        split: Split = "val" if clip.song in kept_back else "train"
        grids += performed(clip.notes, _Origin(f"vgmidi/{clip.song}", clip.quadrant, "vgmidi", split))
    return grids


def performed(notes: Notes, origin: _Origin) -> list[Grid]:
    """Put a performance on the grid: none where it has no beat, or falls on no sixteenths (triplets do not)."""
    beats = find_beats(notes)
    if beats is None or beats.misfit > WORST_MISFIT:
        return []
    rows = highest_line(merged(on_steps(notes, beats.time_s)))
    # Beyond the known beats a bar goes on, so that the last one is whole.
    bar_beats = np.arange(beats.first_bar, len(beats.time_s) + BEATS_PER_BAR, BEATS_PER_BAR)
    return list(pieces(rows, beats.time_s, bar_beats, origin))


@dataclass(frozen=True, slots=True)
class _Origin:
    song: str
    quadrant: int | None
    source: Source
    split: Split


def on_steps(notes: Notes, beats_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Move notes to the nearest sixteenths.

    Args:
        notes: in s.
        beats_s: [n] at least two, rising; notes that begin outside of them by more than a bar are left out.

    Returns:
        [n, 5] start and end in steps from the first beat (at least one step long), pitch, velocity and melody (0).
    """
    onset = beats_at(notes.onset_s, beats_s)
    start = np.rint(onset * STEPS_PER_BEAT)
    end = np.maximum(np.rint(beats_at(notes.onset_s + notes.length_s, beats_s) * STEPS_PER_BEAT), start + 1)
    rows = np.stack([start, end, notes.pitch, notes.velocity, np.zeros(len(notes))], axis=1).astype(np.int64)
    return rows[(onset >= -BEATS_PER_BAR) & (onset < len(beats_s) + BEATS_PER_BAR)]


def highest_line(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Mark the melody of a performance, as it is heard: the highest note of each step, within reason.

    Left out are notes below the G under middle C, those a sixth or more below the usual height of the line (upper
    quartile of a bar before and after), and those that begin well before a higher note of the melody ends. The rest
    of the skyline (Uitdenbogerd & Zobel 1998, "Manipulation of music for melody matching", ACM Multimedia) is it.

    Args:
        rows: [n, 5] as of `merged`.
    """
    rows = rows.copy()
    starts, firsts = np.unique(rows[:, _START], return_index=True)
    # Rows that begin together are in the order of their pitches.
    tops = np.append(firsts[1:], len(rows)) - 1
    pitches = rows[tops, _PITCH]
    line: list[int] = []
    for top, start, pitch in zip(tops.tolist(), starts.tolist(), pitches.tolist(), strict=True):
        usual = np.percentile(pitches[np.abs(starts - start) <= STEPS_PER_BAR], 75)
        if pitch < max(_MELODY_LOWEST, usual - _MELODY_FALL):
            continue
        held = rows[line[-1]] if line else None
        if held is None or pitch > held[_PITCH] or held[_END] - start < _MELODY_OVERLAP:
            line.append(top)
    rows[line, _MELODY] = 1
    rows[line[:-1], _END] = np.minimum(rows[line[:-1], _END], rows[line[1:], _START])
    return rows


def beats_at(time_s: NDArray[np.float64], beats_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many beats have passed at a time; beyond the first and the last the tempo goes on."""
    count = len(beats_s)
    first_s, last_s = beats_s[1] - beats_s[0], beats_s[-1] - beats_s[-2]
    inside = np.interp(time_s, beats_s, np.arange(count))
    before = np.minimum(time_s - beats_s[0], 0.0) / first_s
    after = np.maximum(time_s - beats_s[-1], 0.0) / last_s
    return np.asarray(inside + before + after, np.float64)


def monophonic(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Mark notes as a melody: of those that begin together the highest stays, and it ends where the next begins."""
    rows = rows[np.lexsort((-rows[:, _PITCH], rows[:, _START]))]
    line = rows[np.unique(rows[:, _START], return_index=True)[1]]
    line[:-1, _END] = np.minimum(line[:-1, _END], line[1:, _START])
    line[:, _MELODY] = 1
    return line


def merged(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Make one note of those of a pitch that begin together; a note ends where its pitch is struck again.

    While the melody holds a pitch, accompaniment does not strike it.
    """
    kept: list[NDArray[np.int64]] = []
    for pitch in np.unique(rows[:, _PITCH]):
        line: list[NDArray[np.int64]] = []
        voice = rows[rows[:, _PITCH] == pitch]
        for row in voice[np.lexsort((-voice[:, _MELODY], voice[:, _START]))].copy():
            last = line[-1] if line else None
            if last is not None and row[_START] < last[_END]:
                if row[_START] == last[_START] or (last[_MELODY] and not row[_MELODY]):
                    last[_VELOCITY] = max(last[_VELOCITY], row[_VELOCITY])
                    if not last[_MELODY]:
                        last[_END] = max(last[_END], row[_END])
                    continue
                last[_END] = row[_START]
            line.append(row)
        kept += line
    notes = np.array(kept, np.int64).reshape(-1, 5)
    return notes[np.lexsort((notes[:, _PITCH], notes[:, _START]))]


def pieces(
    rows: NDArray[np.int64], beats_s: NDArray[np.float64], bar_beats: NDArray[np.int64], origin: _Origin
) -> Iterator[Grid]:
    """Cut a song where a bar has not four beats and where the key changes; what is shorter than four bars is left out.

    Args:
        rows: [n, 5] notes on steps, as of `merged`.
        beats_s: [m] when the beats are; step 0 is at the first.
        bar_beats: at which beats bars begin.
        origin: where it is from.
    """
    for first_beat, bars in regular_bars(bar_beats):
        run = _cut(rows, first_beat * STEPS_PER_BEAT, bars * STEPS_PER_BAR)
        scales = scale_of_bars(chroma_of_bars(run, bars))
        edges = [0, *(np.flatnonzero(np.diff(scales)) + 1).tolist(), bars]
        for begin, end in pairwise(edges):
            part = _cut(run, begin * STEPS_PER_BAR, (end - begin) * STEPS_PER_BAR)
            if not len(part):
                continue
            # Bars of silence at both ends say nothing.
            skipped = int(part[0, _START]) // STEPS_PER_BAR
            length = -(-int(part[:, _END].max()) // STEPS_PER_BAR) - skipped
            if length < STRETCH_BARS:
                continue
            part = _cut(part, skipped * STEPS_PER_BAR, length * STEPS_PER_BAR)
            last = len(beats_s) - 1
            from_beat = min(first_beat + (begin + skipped) * BEATS_PER_BAR, last - 1)
            to_beat = min(from_beat + length * BEATS_PER_BAR, last)
            tempo_bpm = 60.0 * (to_beat - from_beat) / float(beats_s[to_beat] - beats_s[from_beat])
            yield _grid(part, int(scales[begin]), length, tempo_bpm, origin)


def _grid(rows: NDArray[np.int64], scale: int, bars: int, tempo_bpm: float, origin: _Origin) -> Grid:
    major, minor = key_fits(chroma_of_bars(rows, bars).sum(axis=0))
    rows = rows.copy()
    rows[:, _PITCH] += -scale if scale <= OCTAVE // 2 else OCTAVE - scale
    rows = rows[(rows[:, _PITCH] >= LOWEST) & (rows[:, _PITCH] <= HIGHEST)]
    start, end, pitch, velocity, melody = rows.T
    is_minor = bool(minor[(scale + _RELATIVE_MINOR) % OCTAVE] > major[scale])
    piece = (bars * STEPS_PER_BAR, is_minor, tempo_bpm, origin.quadrant)
    return Grid(origin.song, start, end, pitch, velocity, melody > 0, *piece, origin.source, origin.split)


def _cut(rows: NDArray[np.int64], begin: int, steps: int) -> NDArray[np.int64]:
    """Return the notes that begin within some steps, counted from there, and ended there."""
    inside: NDArray[np.int64] = rows[(rows[:, _START] >= begin) & (rows[:, _START] < begin + steps)].copy()
    inside[:, _START] -= begin
    inside[:, _END] = np.minimum(inside[:, _END] - begin, steps)
    return inside


def regular_bars(bar_beats: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return the runs of bars with four beats: the beat at which each run begins, and how many bars it has."""
    runs: list[tuple[int, int]] = []
    for beat, gap in zip(bar_beats[:-1].tolist(), np.diff(bar_beats).tolist(), strict=True):
        if gap != BEATS_PER_BAR:
            continue
        if runs and runs[-1][0] + runs[-1][1] * BEATS_PER_BAR == beat:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((beat, 1))
    return runs


def chroma_of_bars(rows: NDArray[np.int64], bars: int) -> NDArray[np.float64]:
    """Return [bars, 12] the steps that notes of each pitch class last, at most a beat each, by where they begin."""
    votes = np.minimum(rows[:, _END] - rows[:, _START], _LONGEST_VOTE)
    place = rows[:, _START] // STEPS_PER_BAR * OCTAVE + rows[:, _PITCH] % OCTAVE
    return np.bincount(place, votes, bars * OCTAVE).astype(np.float64).reshape(bars, OCTAVE)


def scale_of_bars(chroma: NDArray[np.float64]) -> NDArray[np.int64]:
    """Find the major scale (or that of its relative minor) of each bar: [n] pitch class of the major tonic.

    The likeliest path (Viterbi 1967) of a model in which a scale holds 95 % of the notes and seldom changes. Scales
    are safer than keys: a key and its dominant differ in one note, which profiles weigh little.

    Args:
        chroma: [n, 12] as of `chroma_of_bars`.
    """
    inside = np.zeros((OCTAVE, OCTAVE), np.bool_)
    for tonic in range(OCTAVE):
        inside[tonic, [(tonic + degree) % OCTAVE for degree in _MAJOR_SCALE]] = True
    size = len(_MAJOR_SCALE)
    chance = inside * (_IN_SCALE / size) + ~inside * ((1.0 - _IN_SCALE) / (OCTAVE - size))
    heard: NDArray[np.float64] = chroma @ np.log(chance).T / _LONGEST_VOTE
    best = heard[0]
    came_from = np.zeros(heard.shape, np.int64)
    for bar in range(1, len(heard)):
        stay, move = best, best.max() - _CHANGE_NATS
        came_from[bar] = np.where(stay >= move, np.arange(OCTAVE), best.argmax())
        best = np.maximum(stay, move) + heard[bar]
    path = [int(best.argmax())]
    for bar in range(len(heard) - 1, 0, -1):
        path.append(int(came_from[bar, path[-1]]))
    return np.array(path[::-1], np.int64)


def save_grids(file: Path, grids: Sequence[Grid]) -> None:
    """Write pieces into a .npz, which `load_grids` reads in a moment."""
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        file,
        notes=np.concatenate(
            [np.stack([g.start, g.end, g.pitch, g.velocity, g.melody.astype(np.int64)], axis=1) for g in grids]
        ).astype(np.int32),
        lengths=np.array([len(grid.start) for grid in grids]),
        numbers=np.array([(g.steps, g.minor, g.tempo_bpm, -1 if g.quadrant is None else g.quadrant) for g in grids]),
        names=np.array([(grid.song, grid.source, grid.split) for grid in grids]),
    )


def load_grids(file: Path) -> list[Grid]:
    """Read what `save_grids` wrote.

    Raises:
        FileNotFoundError: there is no such file.
    """
    with np.load(file) as stored:
        notes, lengths, numbers, names = (stored[name] for name in ("notes", "lengths", "numbers", "names"))
    grids = []
    ends = np.cumsum(lengths).tolist()
    for begin, end, (steps, minor, tempo_bpm, quadrant), (song, source, split) in zip(
        [0, *ends[:-1]], ends, numbers.tolist(), names.tolist(), strict=True
    ):
        start, until, pitch, velocity, melody = notes[begin:end].T.astype(np.int64)
        label = None if quadrant < 0 else int(quadrant)
        piece = (int(steps), bool(minor), float(tempo_bpm), label)
        grids.append(Grid(song, start, until, pitch, velocity, melody > 0, *piece, source, split))
    return grids

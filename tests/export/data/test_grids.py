from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mido import Message, MidiFile, MidiTrack

from export.data.grids import (
    beats_at,
    highest_line,
    load_grids,
    merged,
    monophonic,
    on_steps,
    read_emopia_grids,
    read_grids,
    read_pop909_grids,
    read_vgmidi_grids,
    regular_bars,
    scale_of_bars,
)
from robotd.perceive.features.score import Notes

from .test_beats import performance
from .test_pop909 import beat_lines, song_of, track_of, write_pop909

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from export.data.grids import Grid

SCALE = (0, 2, 4, 5, 7, 9, 11)
#: Degrees of a tune of a bar, and the roots of its chords: with the leading note and the fourth, so that no other
#: scale has all of them.
TUNE = (0, 4, 7, 11, 12, 5, 2, 7)
ROOTS = (0, 9, 5, 7)


def rows(*notes: tuple[int, int, int], melody: int = 0) -> NDArray[np.int64]:
    """Make notes on steps of (start, end, pitch)."""
    return np.array([(start, end, pitch, 80, melody) for start, end, pitch in notes], np.int64).reshape(-1, 5)


def lines(grid_rows: NDArray[np.int64]) -> list[tuple[int, ...]]:
    """Return (start, end, pitch, melody) of each note."""
    return [tuple(row) for row in grid_rows[:, [0, 1, 2, 4]].tolist()]


def pop_song(bars: int, tonic: int = 0, from_bar: int = 0) -> tuple[list[tuple[float, float, int]], ...]:
    """Compose a tune in quavers and chords of whole bars, in beats, in the major key of a tonic."""
    tune, chords = [], []
    for bar in range(from_bar, from_bar + bars):
        tune += [(bar * 4 + n / 2, 0.5, 72 + tonic + degree) for n, degree in enumerate(TUNE)]
        place = SCALE.index(ROOTS[bar % 4])
        for third in (0, 2, 4):
            octave, degree = divmod(place + third, 7)
            chords.append((bar * 4.0, 4.0, 48 + tonic + 12 * octave + SCALE[degree]))
    return tune, chords


def write_song(
    tmp_path: Path, *parts: tuple[list[tuple[float, float, int]], ...], beats: str, name: str = "001"
) -> Path:
    """Write POP909 with a song of tunes and chords."""
    tune, chords = ([note for part in parts for note in part[n]] for n in (0, 1))
    midi = song_of(track_of("MELODY", *tune), track_of("PIANO", *chords))
    return write_pop909(tmp_path, {name: midi}, {name: beats}, {name: "2,2"})


def white(grid: Grid) -> bool:
    """Whether all notes are in C major or A minor."""
    return bool(np.isin(grid.pitch % 12, SCALE).all())


@pytest.mark.parametrize(("tonic", "moved"), [(0, 0), (3, -3), (6, -6), (7, 5), (11, 1)])
def test_a_song_is_moved_to_c_major_the_nearer_way(tmp_path: Path, tonic: int, moved: int) -> None:
    (grid,) = read_pop909_grids(write_song(tmp_path, pop_song(8, tonic), beats=beat_lines(33)))
    assert white(grid)
    assert not grid.minor
    assert grid.pitch.min() == 48 + tonic + moved
    assert (grid.bars, grid.steps, grid.quadrant, grid.source) == (8, 128, None, "pop909")
    assert grid.tempo_bpm == pytest.approx(120.0)
    assert grid.pitch[grid.melody].tolist() == [72 + tonic + moved + degree for degree in TUNE] * 8
    assert grid.start[grid.melody].tolist() == list(range(0, 128, 2))


def test_a_minor_song_is_in_a_minor(tmp_path: Path) -> None:
    tune = [(n / 2, 0.5, 60 + pitch) for n, pitch in enumerate((2, 5, 9, 5, 2, 4, 5, 4) * 8)]
    chords = [(4.0 * bar, 4.0, pitch) for bar in range(8) for pitch in ((50, 53, 57), (55, 58, 62))[bar % 2]]
    (grid,) = read_pop909_grids(write_song(tmp_path, (tune, chords), beats=beat_lines(33)))
    assert grid.minor
    assert white(grid)
    assert grid.pitch[grid.melody][0] == 57


def test_a_song_is_cut_where_the_key_changes(tmp_path: Path) -> None:
    written = write_song(tmp_path, pop_song(8), pop_song(8, 1, from_bar=8), beats=beat_lines(65))
    first, second = read_pop909_grids(written)
    assert (first.bars, second.bars) == (8, 8)
    assert white(first)
    assert white(second)
    assert first.pitch.tolist() == second.pitch.tolist()
    assert first.song == second.song


def test_a_song_is_cut_at_an_odd_bar(tmp_path: Path) -> None:
    # The sixth bar has two beats.
    bars = [*range(0, 21, 4), *range(22, 63, 4)]
    beats = "".join(f"{0.5 * n} 0.0 {float(n in bars)}\n" for n in range(63))
    first, second = read_pop909_grids(write_song(tmp_path, pop_song(16), beats=beats))
    assert (first.bars, second.bars) == (5, 10)
    assert second.start[0] == 0


def test_silent_bars_at_the_ends_are_left_out(tmp_path: Path) -> None:
    (grid,) = read_pop909_grids(write_song(tmp_path, pop_song(6, from_bar=4), beats=beat_lines(81)))
    assert (grid.bars, grid.start[0]) == (6, 0)


def test_songs_in_other_metres_and_short_ones_are_left_out(tmp_path: Path) -> None:
    tune, chords = pop_song(8)
    midi = song_of(track_of("MELODY", *tune), track_of("PIANO", *chords))
    short = song_of(track_of("MELODY", *pop_song(3)[0]))
    beats = dict.fromkeys(("001", "002", "003"), beat_lines(33))
    written = write_pop909(tmp_path, {"001": midi, "002": midi, "003": short}, beats,
                           {"001": "3,2", "002": "2,3", "003": "2,2"})  # fmt: skip
    assert read_pop909_grids(written) == []


def test_one_song_in_twenty_is_for_validation(tmp_path: Path) -> None:
    midi = song_of(track_of("MELODY", *pop_song(4)[0]))
    names = [f"{number:03d}" for number in range(1, 41)]
    write_pop909(
        tmp_path, dict.fromkeys(names, midi), dict.fromkeys(names, beat_lines(17)), dict.fromkeys(names, "2,2")
    )
    grids = read_pop909_grids(tmp_path)
    assert [grid.song for grid in grids if grid.split == "val"] == ["pop909/007", "pop909/027"]
    assert len(grids) == 40


def midi_bytes(notes: Notes) -> bytes:
    """Write a performance as MIDI with a tick of a millisecond."""
    events = [(round(1000 * t), 0, p, 0) for t, p in zip(notes.onset_s + notes.length_s, notes.pitch, strict=True)]
    events += [(round(1000 * t), 1, p, v) for t, p, v in zip(notes.onset_s, notes.pitch, notes.velocity, strict=True)]
    midi, track, now = MidiFile(ticks_per_beat=500), MidiTrack(), 0
    for at, _, pitch, velocity in sorted(events):
        track.append(Message("note_on", note=int(pitch), velocity=int(velocity), time=at - now))
        now = at
    midi.tracks.append(track)
    content = io.BytesIO()
    midi.save(file=content)
    return content.getvalue()


def write_tar(file: Path, contents: dict[str, bytes]) -> None:
    """Write an archive of files."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "w") as tar:
        for name, content in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def write_performances(root: Path) -> Path:
    """Write EMOPIA and VGMIDI: the same steady performance of 12 bars in each, and one without a beat."""
    steady = midi_bytes(performance(np.arange(49) * 60.0 / 84.0, deviation_s=0.01))
    rng = np.random.default_rng(4)
    anyhow = Notes(np.sort(rng.uniform(0, 30, 200)), np.full(200, 0.2), rng.integers(40, 90, 200), np.full(200, 70))
    emopia, vgmidi = root / "music" / "midi" / "emopia", root / "music" / "midi" / "vgmidi"
    write_tar(emopia / "emopia_train.tar", {"Q1_a_0.mid": steady, "Q3_b_0.mid": midi_bytes(anyhow)})
    write_tar(emopia / "emopia_val.tar", {"Q4_c_0.mid": steady})
    (emopia / "labels.csv").write_text(
        "id,song,quadrant,split\nQ1_a_0,a,Q1,train\nQ3_b_0,b,Q3,train\nQ4_c_0,c,Q4,val\n"
    )
    games = [f"Game {letter}" for letter in "ABCDE"]
    write_tar(vgmidi / "phrases.tar", {f"{game}_0.mid": steady for game in games})
    (vgmidi / "labels.csv").write_text("file,game,quadrant\n" + "".join(f"{game}_0.mid,{game},Q2\n" for game in games))
    return root


def test_a_performance_is_put_on_the_grid(tmp_path: Path) -> None:
    write_performances(tmp_path)
    (grid,) = read_emopia_grids(tmp_path, "train")
    assert (grid.song, grid.quadrant, grid.source, grid.split) == ("emopia/a", 0, "emopia", "train")
    assert grid.tempo_bpm == pytest.approx(84.0, rel=0.01)
    assert grid.bars == 12
    assert white(grid)
    # The bass begins the bars and the line moves in half beats, an octave and more above it.
    assert (grid.start[grid.pitch < 45] % 16 == 0).all()
    assert (np.diff(grid.start[grid.melody]) == 2).mean() > 0.95
    assert grid.pitch[grid.melody].min() >= 65


def test_the_splits_are_kept(tmp_path: Path) -> None:
    write_performances(tmp_path)
    assert [(grid.song, grid.split) for grid in read_emopia_grids(tmp_path, "val")] == [("emopia/c", "val")]
    games = {grid.song: grid.split for grid in read_vgmidi_grids(tmp_path)}
    assert games == {f"vgmidi/Game {letter}": "val" if letter == "D" else "train" for letter in "ABCDE"}


def test_what_was_read_is_kept_in_a_cache(tmp_path: Path) -> None:
    write_song(write_performances(tmp_path), pop_song(8), beats=beat_lines(33))
    cache = tmp_path / "cache" / "grids.npz"
    read = read_grids(tmp_path, cache)
    assert {grid.source for grid in read} == {"pop909", "emopia", "vgmidi"}
    for again in (load_grids(cache), read_grids(tmp_path / "nowhere", cache)):
        for one, other in zip(read, again, strict=True):
            for name in ("song", "steps", "minor", "tempo_bpm", "quadrant", "source", "split"):
                assert getattr(one, name) == getattr(other, name)
            for name in ("start", "end", "pitch", "velocity", "melody"):
                np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_a_missing_set_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_grids(tmp_path, tmp_path / "grids.npz")
    assert not (tmp_path / "grids.npz").exists()


def test_notes_move_to_the_nearest_sixteenth() -> None:
    notes = Notes(
        np.array([0.02, 0.61, 1.4]), np.array([0.5, 0.02, 1.0]), np.array([60, 64, 67]), np.array([50, 60, 70])
    )
    assert lines(on_steps(notes, np.array([0.0, 0.5, 1.0, 2.0]))) == [(0, 4, 60, 0), (5, 6, 64, 0), (10, 14, 67, 0)]


def test_beats_go_on_beyond_those_known() -> None:
    time_s = np.array([-1.0, 0.0, 0.25, 1.0, 2.0])
    assert beats_at(time_s, np.array([0.0, 0.5, 1.5])).tolist() == [-2.0, 0.0, 0.5, 1.5, 2.5]


def test_a_melody_has_one_note_at_a_time() -> None:
    line = monophonic(rows((0, 8, 60), (0, 4, 64), (2, 6, 62), (8, 9, 65)))
    assert lines(line) == [(0, 2, 64, 1), (2, 6, 62, 1), (8, 9, 65, 1)]


def test_equal_notes_are_one_and_the_melody_goes_first() -> None:
    melody, others = rows((0, 8, 72), melody=1), rows((0, 4, 60), (0, 6, 60), (4, 8, 60), (0, 2, 72), (4, 6, 72))
    assert lines(merged(np.concatenate([others, melody]))) == [(0, 4, 60, 0), (0, 8, 72, 1), (4, 8, 60, 0)]


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(1, 9), st.integers(40, 45), st.integers(1, 127), st.integers(0, 1)),
        min_size=1,
    )
)
def test_merged_notes_never_overlap_on_a_pitch(notes: list[tuple[int, int, int, int, int]]) -> None:
    made = np.array([(start, start + length, *rest) for start, length, *rest in notes], np.int64)
    melody = monophonic(made[made[:, 4] > 0])
    whole = merged(np.concatenate([melody, made[made[:, 4] == 0]]))
    assert (whole[:, 1] > whole[:, 0]).all()
    for pitch in range(40, 46):
        voice = whole[whole[:, 2] == pitch]
        assert (voice[1:, 0] >= voice[:-1, 1]).all()
    assert (whole[:, 4] > 0).sum() == len(melody)


def test_the_line_on_top_is_the_melody() -> None:
    accompaniment = [(step, step + 2, pitch) for step in range(0, 32, 4) for pitch in (48, 55, 60)]
    tune = [(step, step + 8, pitch) for step, pitch in zip(range(0, 32, 8), (76, 74, 72, 71), strict=True)]
    line = highest_line(merged(rows(*accompaniment, *tune)))
    assert [(start, end, pitch) for start, end, pitch, melody in lines(line) if melody] == tune


def test_bars_without_four_beats_part_a_song() -> None:
    assert regular_bars(np.array([0, 4, 8, 10, 14, 18])) == [(0, 2), (10, 2)]
    assert regular_bars(np.array([3])) == []


def test_a_borrowed_chord_changes_no_scale() -> None:
    chroma = np.zeros((8, 12))
    chroma[:, SCALE] = 8.0
    chroma[3] = 0.0
    chroma[3, [5, 8, 0]] = 8.0
    assert scale_of_bars(chroma).tolist() == [0] * 8

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest
from mido import Message, MetaMessage, MidiFile, MidiTrack

from export.data.pop909 import read_parts, read_pop909

if TYPE_CHECKING:
    from pathlib import Path

INDEX = "song_id,name,artist,num_beats_per_measure,num_quavers_per_beat\n"
#: A file's tempo: a beat of half a second has this many ticks.
TICKS = 480


def track_of(name: str, *notes: tuple[float, float, int]) -> MidiTrack:
    """Make a track of notes (start and length in beats, pitch)."""
    events = [(begin, 1, pitch) for begin, _, pitch in notes] + [(begin + length, 0, p) for begin, length, p in notes]
    track, now = MidiTrack([MetaMessage("track_name", name=name)]), 0
    for at, on, pitch in sorted(events):
        tick = round(at * TICKS)
        track.append(Message("note_on", note=pitch, velocity=80 * on, time=tick - now))
        now = tick
    return track


def song_of(*tracks: MidiTrack) -> MidiFile:
    """Make a file with a conductor's track at 120 beats a minute."""
    midi = MidiFile(ticks_per_beat=TICKS)
    midi.tracks = [MidiTrack([MetaMessage("set_tempo", tempo=500_000)]), *tracks]
    return midi


def beat_lines(count: int, bar_of: int = 4) -> str:
    """Write a table of beats of half a second."""
    return "".join(f"{0.5 * n} {float(n % 2 == 0)} {float(n % bar_of == 0)}\n" for n in range(count))


def write_pop909(root: Path, songs: dict[str, MidiFile], beats: dict[str, str], metres: dict[str, str]) -> Path:
    """Write a set in the published layout; `metres` are as "2,2" by the song's name."""
    folder = root / "music" / "midi" / "pretrain"
    folder.mkdir(parents=True)
    rows = [f"{int(name)},a song,somebody,{metre}\n" for name, metre in metres.items()]
    (folder / "pop909_index.csv").write_text(INDEX + "".join(rows))
    with tarfile.open(folder / "pop909.tar", "w") as tar:
        for name, midi in songs.items():
            content = io.BytesIO()
            midi.save(file=content)
            _add(tar, f"{name}.mid", content.getvalue())
    with tarfile.open(folder / "pop909_chord_beat_key.tar.gz", "w:gz") as tar:
        for name, text in beats.items():
            _add(tar, f"{name}_beat_midi.txt", text.encode())
            _add(tar, f"{name}_key_audio.txt", b"0.0 9.0 C:maj\n")
    return root


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def test_reads_parts_beats_and_metre(tmp_path: Path) -> None:
    midi = song_of(track_of("MELODY", (0, 1, 72), (1, 2, 74)), track_of("PIANO", (0, 4, 48)))
    write_pop909(tmp_path, {"007": midi, "012": midi}, {"007": beat_lines(9), "012": beat_lines(9)},
                 {"007": "2,2", "012": "2,3"})  # fmt: skip
    first, second = read_pop909(tmp_path)
    melody, bridge, piano = first.parts
    assert first.name == "007"
    assert melody.onset_s.tolist() == [0.0, 0.5]
    assert melody.length_s.tolist() == pytest.approx([0.5, 1.0])
    assert (len(bridge), piano.pitch.tolist()) == (0, [48])
    assert first.beats_s.tolist() == [0.5 * n for n in range(9)]
    assert first.bar_begins.nonzero()[0].tolist() == [0, 4, 8]
    assert (first.is_common_time, second.is_common_time) == (True, False)


def test_a_note_struck_again_ends_there() -> None:
    track = MidiTrack([MetaMessage("track_name", name="MELODY")])
    track += [Message("note_on", note=60, velocity=70), Message("note_on", note=60, velocity=90, time=TICKS)]
    track.append(Message("note_off", note=60, time=TICKS))
    melody, _, _ = read_parts(song_of(track))
    assert melody.onset_s.tolist() == [0.0, 0.5]
    assert melody.length_s.tolist() == [0.5, 0.5]
    assert melody.velocity.tolist() == [70, 90]


@pytest.mark.parametrize(
    ("songs", "beats", "message"),
    [((), ("007",), r"pop909\.tar has no 007\.mid"), (("007",), (), r"key\.tar\.gz has no 007_beat_midi\.txt")],
)
def test_what_is_missing_is_told(tmp_path: Path, songs: tuple[str, ...], beats: tuple[str, ...], message: str) -> None:
    midi = song_of(track_of("MELODY", (0, 1, 72)))
    write_pop909(tmp_path, dict.fromkeys(songs, midi), dict.fromkeys(beats, beat_lines(4)), {"007": "2,2"})
    with pytest.raises(FileNotFoundError, match=message):
        list(read_pop909(tmp_path))

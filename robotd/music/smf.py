"""Bars as MIDI messages, and messages as a standard MIDI file (SMF 1.0)."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mido import Message, MetaMessage, MidiFile, MidiTrack, bpm2tempo

from robotd.errors import MediaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from robotd.emotion import Quadrant
    from robotd.music.bar import Bar, Part

TICKS_PER_BEAT = 480


def set_tempo(tempo_bpm: float) -> MetaMessage:
    """Return the event that sets a tempo, in quarter notes a minute."""
    return MetaMessage("set_tempo", tempo=bpm2tempo(tempo_bpm))


def note_messages(bar: Bar, channels: Mapping[Part, int]) -> list[tuple[float, Message]]:
    """Return (beat, message) of all notes of a bar in the order of time, ends before starts.

    Args:
        bar: what to play.
        channels: of each part, counted from 0.
    """
    events: list[tuple[float, Message]] = []
    for note in bar.notes:
        voice = {"note": note.pitch, "channel": channels[note.part]}
        events.append((note.start_beats, Message("note_on", velocity=note.velocity, **voice)))
        events.append((note.start_beats + note.duration_beats, Message("note_off", **voice)))
    return sorted(events, key=lambda event: (event[0], event[1].type == "note_on"))


def write_smf(path: Path, events: Iterable[tuple[int, Message | MetaMessage]], *, name: str) -> None:
    """Write a MIDI file of one track, all of it or nothing.

    Args:
        path: where to; an older file is replaced.
        events: (tick, message) in the order of time, 480 ticks a quarter note.
        name: the name of the track.

    Raises:
        MediaError: the file can't be written.
    """
    track = MidiTrack([MetaMessage("track_name", name=name)])
    now = 0
    for tick, message in events:
        track.append(message.copy(time=tick - now))
        now = tick
    # A player stops at the end of the track: one beat lets the last sound fade.
    track.append(MetaMessage("end_of_track", time=TICKS_PER_BEAT))
    file = MidiFile(type=0, ticks_per_beat=TICKS_PER_BEAT, tracks=[track])
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as part:
            try:
                file.save(file=part)
                part.flush()
                os.fsync(part.fileno())
                Path(part.name).chmod(0o644)
                Path(part.name).replace(path)
            except BaseException:
                Path(part.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise MediaError(f"can't write {path}: {error.strerror}") from error


def bars_to_ticks(
    bars: Sequence[Bar],
    *,
    channels: Mapping[Part, int],
    programs: Mapping[Quadrant, Mapping[Part, int]],
) -> list[tuple[int, Message | MetaMessage]]:
    """Return the events of a whole piece, each bar at its own tempo, on the instruments of its quadrant.

    Args:
        bars: in the order of playing.
        channels: of each part, counted from 0.
        programs: General MIDI programs, 0..127, of each part for each quadrant.
    """
    events: list[tuple[int, Message | MetaMessage]] = []
    told: dict[Part, int] = {}
    start = 0.0
    for bar in bars:
        at = round(start * TICKS_PER_BEAT)
        for part in sorted({note.part for note in bar.notes}):
            program = programs[bar.quadrant][part]
            if told.get(part) != program:
                events.append((at, Message("program_change", program=program, channel=channels[part])))
                told[part] = program
        events.append((at, set_tempo(bar.tempo_bpm)))
        events += [(at + round(beat * TICKS_PER_BEAT), message) for beat, message in note_messages(bar, channels)]
        start += bar.beats
    # Sorting keeps the order of what falls on one tick, except that notes end before others begin.
    return sorted(events, key=lambda event: (event[0], event[1].type == "note_on"))

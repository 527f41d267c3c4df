"""The score as a standard MIDI file: a track of tempos and markers, and a track for every part."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mido import Message, MetaMessage, MidiFile, MidiTrack

from robotd.film.outputs import replacing
from robotd.music.bar import PARTS
from robotd.music.smf import TICKS_PER_BEAT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from robotd.config import Midi
    from robotd.emotion import Quadrant
    from robotd.film.compose import Passage
    from robotd.music.bar import Part

#: The instrument of all parts where only a piano plays.
_PIANO = 0


class _Sound(NamedTuple):
    """A note in ticks since the beginning."""

    start: int
    end: int
    pitch: int
    velocity: int


def write_score(path: Path, passages: Sequence[Passage], midi: Midi, *, piano: bool = False) -> None:
    """Write the music of a film; the file ends where its last bar does.

    Args:
        path: where to; an older file is replaced.
        passages: the music, from the film's beginning to its end.
        midi: its channels and programs.
        piano: every part is played on a piano.

    Raises:
        MediaError: the file can't be written.
    """
    end = _ticks(sum(placed.bar.beats for passage in passages for placed in passage.bars))
    tracks = [_track("score", _conducting(passages), end)]
    for part in PARTS:
        sounds = list(_sounding(passages, part))
        if sounds:
            changes = [(0, _PIANO)] if piano else _programs(passages, part, midi.programs.by_quadrant)
            tracks.append(_track(part, _playing(sounds, changes, midi.channels.from_zero[part]), end))
    file = MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT, tracks=tracks)
    with replacing(path) as unfinished:
        file.save(unfinished)


def _ticks(beats: float) -> int:
    return round(beats * TICKS_PER_BEAT)


def _conducting(passages: Sequence[Passage]) -> Iterator[tuple[int, MetaMessage]]:
    """Yield metre, tempos, and a marker at every joint."""
    beats = 0.0
    metre = 0.0
    tempo_us = 0
    for passage in passages:
        segment = passage.segment
        yield _ticks(beats), MetaMessage("marker", text=f"{segment.quadrant.value} {segment.label.value}")
        for placed in passage.bars:
            if placed.bar.beats != metre:
                metre = placed.bar.beats
                yield _ticks(beats), MetaMessage("time_signature", numerator=max(1, round(metre)), denominator=4)
            if placed.beat_us != tempo_us:
                tempo_us = placed.beat_us
                yield _ticks(beats), MetaMessage("set_tempo", tempo=tempo_us)
            beats += placed.bar.beats


def _sounding(passages: Sequence[Passage], part: Part) -> Iterator[_Sound]:
    """Yield the notes of a part; none is held over a joint, and none is struck while its key is down."""
    down: dict[int, _Sound] = {}
    beats = 0.0
    for passage in passages:
        joint = _ticks(beats + sum(placed.bar.beats for placed in passage.bars))
        for placed in passage.bars:
            for note in placed.bar.notes:
                if note.part != part:
                    continue
                start = _ticks(beats + note.start_beats)
                end = min(max(_ticks(beats + note.start_beats + note.duration_beats), start + 1), joint)
                before = down.get(note.pitch)
                if end <= start or (before is not None and before.start >= start):
                    continue
                if before is not None:
                    yield before._replace(end=min(before.end, start))
                down[note.pitch] = _Sound(start, end, note.pitch, note.velocity)
            beats += placed.bar.beats
    yield from down.values()


def _programs(
    passages: Sequence[Passage], part: Part, programs: Mapping[Quadrant, Mapping[Part, int]]
) -> Iterator[tuple[int, int]]:
    """Yield (tick, program) wherever the instrument changes."""
    told = None
    beats = 0.0
    for passage in passages:
        program = programs[passage.segment.quadrant][part]
        if program != told:
            yield _ticks(beats), program
            told = program
        beats += sum(placed.bar.beats for placed in passage.bars)


def _playing(
    sounds: Sequence[_Sound], changes: Iterable[tuple[int, int]], channel: int
) -> Iterator[tuple[int, Message]]:
    for tick, program in changes:
        yield tick, Message("program_change", program=program, channel=channel)
    for sound in sounds:
        yield sound.start, Message("note_on", note=sound.pitch, velocity=sound.velocity, channel=channel)
        yield sound.end, Message("note_off", note=sound.pitch, channel=channel)


def _track(name: str, events: Iterator[tuple[int, Message | MetaMessage]], end: int) -> MidiTrack:
    """Return a track that ends at a tick; where things fall together notes end, instruments change, notes begin."""
    order = {"note_off": 0, "note_on": 2}
    track = MidiTrack([MetaMessage("track_name", name=name)])
    now = 0
    for tick, message in sorted(events, key=lambda event: (event[0], order.get(event[1].type, 1))):
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(MetaMessage("end_of_track", time=end - now))
    return track

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mido import Message
from pydantic import ValidationError

from robotd.config import Band, Channels, Midi, Programs, VelocityCurve
from robotd.emotion import Quadrant
from robotd.express.midi.instruments import Instruments
from robotd.express.midi.shaping import Shaping, folded, velocity_table
from robotd.music.bar import Bar, Note

velocities = st.integers(1, 127)


def bar(*notes: Note, index: int = 0, quadrant: Quadrant = Quadrant.Q1) -> Bar:
    return Bar(index, notes, 120, 0, "major", quadrant)


def test_without_settings_everything_is_sent_as_it_was_composed() -> None:
    composed = bar(*(Note(0, 1, pitch, velocity) for pitch, velocity in zip(range(128), range(1, 128), strict=False)))
    assert Shaping(Midi()).shaped(composed) == composed


@given(st.floats(0.1, 10) | st.sampled_from(["linear", "soft", "hard"]), velocities, velocities)
def test_a_curve_goes_from_the_softest_to_the_hardest_and_never_back(shape: float | str, one: int, other: int) -> None:
    low, high = sorted((one, other))
    table = velocity_table(VelocityCurve.model_validate({"shape": shape, "min": low, "max": high}))
    assert (table[1], table[127]) == (low, high)
    assert list(table) == sorted(table)


def test_soft_makes_a_light_touch_louder_and_hard_softer() -> None:
    soft, linear, hard = (velocity_table(VelocityCurve(shape=shape))[40] for shape in ("soft", "linear", "hard"))
    assert soft > linear == 40 > hard
    assert velocity_table(VelocityCurve(shape=2.0)) == velocity_table(VelocityCurve(shape="hard"))


def test_a_curve_upside_down_is_a_mistake() -> None:
    with pytest.raises(ValidationError, match="min must not be above max"):
        VelocityCurve(min=100, max=20)


@given(st.integers(-200, 300))
def test_what_is_beyond_the_keys_is_folded_by_octaves(pitch: int) -> None:
    key = folded(pitch)
    assert 0 <= key <= 127
    assert (key - pitch) % 12 == 0
    assert key == pitch or min(key, 127 - key) < 12


def test_drums_are_never_transposed() -> None:
    shaped = Shaping(Midi(transpose=-5)).shaped(bar(Note(0, 1, 60, 64), Note(0, 1, 38, 64, "drums")))
    assert [(note.pitch, note.part) for note in shaped.notes] == [(55, "melody"), (38, "drums")]


def test_each_part_plays_on_its_channel_with_its_program() -> None:
    config = Midi(channels=Channels(melody=2, bass=5), programs=Programs(Q2=Band(melody=40, bass=33)))
    messages = Instruments(config).messages(bar(Note(0, 1, 60, 70), Note(0, 2, 40, 60, "bass"), quadrant=Quadrant.Q2))
    assert [message for _, message in messages] == [
        Message("program_change", program=33, channel=4),
        Message("program_change", program=40, channel=1),
        Message("note_on", note=60, velocity=70, channel=1),
        Message("note_on", note=40, velocity=60, channel=4),
        Message("note_off", note=60, channel=1),
        Message("note_off", note=40, channel=4),
    ]
    assert [beat for beat, _ in messages] == [0, 0, 0, 0, 1, 2]


def test_programs_are_told_when_they_change_and_with_every_phrase() -> None:
    instruments = Instruments(Midi(programs=Programs(Q1=Band(melody=1), Q3=Band(melody=3))))
    told = []
    for index, quadrant in enumerate([Quadrant.Q1] * 6 + [Quadrant.Q3] * 3):
        messages = instruments.messages(bar(Note(0, 1, 60, 64), index=index, quadrant=quadrant))
        told += [(index, message.program) for _, message in messages if message.type == "program_change"]
    assert told == [(0, 1), (4, 1), (6, 3), (8, 3)]

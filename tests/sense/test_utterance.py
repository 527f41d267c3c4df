from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from robotd.config import Speech
from robotd.paths import shipped
from robotd.sense.media import decode, look_into
from robotd.sense.sample import RATE_HZ, Sound
from robotd.sense.utterance import LAST_PIECE_S, PIECE_S, Utterance, UtteranceCutter

Samples = NDArray[np.float32]

SCENE = shipped("scene") / "scene.mp4"
#: Of the scene's sentence that begins at 17.7 s: 1.5 s without a pause in it.
BEGIN_S, SPOKEN_S = 17.7, 1.5


@cache
def scene() -> Samples:
    """Return the sound of the built-in scene."""
    sounds = decode(SCENE, look_into(SCENE), 1)
    return np.concatenate([sound.samples for sound in sounds if isinstance(sound, Sound)])


def speech(seconds: float) -> Samples:
    """Return so much speech without a pause."""
    words = scene()[int(BEGIN_S * RATE_HZ) : int((BEGIN_S + SPOKEN_S) * RATE_HZ)]
    count = int(seconds * RATE_HZ)
    return np.tile(words, count // len(words) + 1)[:count]


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE_HZ), np.float32)


def cut(*parts: Samples, settings: Speech | None = None, block: int = 480, begin_s: float = 0.0) -> list[Utterance]:
    """Feed sound in blocks and return all utterances."""
    cutter = UtteranceCutter(settings or Speech())
    sound = np.concatenate(parts)
    found = []
    for start in range(0, len(sound), block):
        found += cutter.feed(Sound(begin_s + start / RATE_HZ, sound[start : start + block]))
    return found + cutter.flush()


def final(utterances: list[Utterance]) -> list[Utterance]:
    return [utterance for utterance in utterances if utterance.final]


def length_s(utterance: Utterance) -> float:
    return len(utterance.samples) / RATE_HZ


def test_one_utterance_with_a_little_before_and_after() -> None:
    (utterance,) = final(cut(silence(1), speech(1.5), silence(2)))
    assert 0.6 <= utterance.start_s <= 1.0
    assert 2.5 <= utterance.end_s <= 3.3
    assert utterance.end_s == utterance.start_s + length_s(utterance)


def test_time_is_that_of_the_input() -> None:
    (early,) = final(cut(silence(1), speech(1.5), silence(2)))
    (late,) = final(cut(silence(1), speech(1.5), silence(2), begin_s=100))
    assert late.start_s == pytest.approx(100 + early.start_s)


def test_a_pause_divides() -> None:
    first, second = final(cut(silence(1), speech(1.5), silence(1.5), speech(1.2), silence(1)))
    assert first.end_s < 3.5 < second.start_s


def test_sound_that_ends_in_speech_ends_the_utterance() -> None:
    (utterance,) = final(cut(silence(1), speech(1.5)))
    assert utterance.end_s == pytest.approx(2.5, abs=0.05)


@pytest.mark.parametrize("aggressiveness", [0, 1, 2, 3])
def test_silence_gives_none(aggressiveness: int) -> None:
    assert cut(silence(10), settings=Speech(aggressiveness=aggressiveness)) == []


def test_the_noise_of_a_quiet_room_gives_none() -> None:
    noise = np.random.default_rng(1).normal(0, 0.0008, 10 * RATE_HZ).astype(np.float32)
    assert cut(noise) == []


def test_a_click_is_no_utterance() -> None:
    click = silence(2)
    click[RATE_HZ : RATE_HZ + 800] = 0.9
    assert cut(click) == []


def test_soft_speech_is_heard_too() -> None:
    assert final(cut(silence(1), speech(1.5) * 0.02, silence(2)))


@pytest.mark.parametrize(
    ("spoken_s", "pieces"),
    [(7, [7]), (9, [8]), (12, [8, 4]), (17, [8, 8]), (20, [8, 8, 4])],
    ids=["short", "short rest dropped", "two", "two and a short rest", "three"],
)
def test_long_speech_is_cut_in_pieces_of_8_s(spoken_s: float, pieces: list[float]) -> None:
    found = final(cut(silence(0.5), speech(spoken_s), silence(1.5)))
    assert [length_s(piece) for piece in found] == pytest.approx(pieces, abs=1.0)
    assert [length_s(piece) for piece in found[:-1]] == [PIECE_S] * (len(found) - 1)
    for earlier, later in pairwise(found):
        assert later.start_s == pytest.approx(earlier.end_s, abs=1e-6)


def test_the_pieces_are_the_sound_itself() -> None:
    sound = np.concatenate([silence(0.5), speech(20), silence(1.5)])
    for piece in final(cut(sound)):
        start = round(piece.start_s * RATE_HZ)
        assert (piece.samples == sound[start : start + len(piece.samples)]).all()


def test_a_long_utterance_is_given_while_it_grows() -> None:
    found = cut(silence(0.5), speech(7), silence(1.5), settings=Speech(interim_s=2))
    interim = [utterance for utterance in found if not utterance.final]
    assert [length_s(utterance) for utterance in interim] == pytest.approx([2, 4, 6], abs=0.1)
    assert {utterance.start_s for utterance in interim} == {final(found)[0].start_s}
    for utterance in interim:
        assert (utterance.samples == final(found)[0].samples[: len(utterance.samples)]).all()


def test_whether_somebody_is_speaking() -> None:
    cutter = UtteranceCutter(Speech())
    states = []
    for sound in (Sound(0, silence(1)), Sound(1, speech(1)), Sound(2, silence(2))):
        cutter.feed(sound)
        states.append(cutter.speaking)
    assert states == [False, True, False]


def test_a_gap_in_the_sound_ends_what_was_being_said() -> None:
    cutter = UtteranceCutter(Speech())
    assert not final(cutter.feed(Sound(0, np.concatenate([silence(1), speech(1.5)]))))
    (utterance,) = final(cutter.feed(Sound(60, silence(1))))
    assert utterance.end_s == pytest.approx(2.5, abs=0.05)
    cutter.feed(Sound(61, speech(1.5)))
    (after,) = final(cutter.flush())
    assert 60.5 < after.start_s <= 61.2


def told(utterances: list[Utterance]) -> list[tuple[float, bool, bytes]]:
    return [(round(each.start_s, 6), each.final, each.samples.tobytes()) for each in utterances]


@cache
def of_the_scene() -> list[tuple[float, bool, bytes]]:
    return told(cut(scene()))


@settings(deadline=None, max_examples=15)
@given(block=st.integers(1, 40_000))
def test_the_size_of_the_blocks_does_not_matter(block: int) -> None:
    assert told(cut(scene(), block=max(block, 50))) == of_the_scene()


@settings(deadline=None, max_examples=25)
@given(
    parts=st.lists(st.tuples(st.booleans(), st.floats(0.1, 12)), min_size=1, max_size=4),
    aggressiveness=st.integers(0, 3),
    hangover_ms=st.integers(60, 2000),
)
def test_whatever_is_heard(parts: list[tuple[bool, float]], aggressiveness: int, hangover_ms: int) -> None:
    sound = [speech(seconds) if spoken else silence(seconds) for spoken, seconds in parts]
    heard = Speech(aggressiveness=aggressiveness, hangover_ms=hangover_ms)
    found = final(cut(*sound, settings=heard))
    end_s = sum(map(len, sound)) / RATE_HZ
    for piece in found:
        assert piece.start_s >= -1e-6
        assert piece.end_s <= end_s + 1e-6
        assert length_s(piece) <= PIECE_S
    for earlier, later in pairwise(found):
        assert later.start_s >= earlier.end_s - 1e-6
        continues = abs(later.start_s - earlier.end_s) < 1e-6 and length_s(earlier) == PIECE_S
        assert not continues or length_s(later) >= LAST_PIECE_S

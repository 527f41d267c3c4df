from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.config import Fusion
from robotd.emotion import EMOTIONS, Emotion, Modality, Reading
from robotd.feel.fusion import fuse, weight

FUSION = Fusion()


def sure(modality: Modality, emotion: Emotion, time_s: float = 0.0, share: float = 0.9) -> Reading:
    rest = (1 - share) / 7
    return Reading(modality, time_s, tuple(share if e is emotion else rest for e in EMOTIONS))


def share_of(fused: tuple[float, ...] | None, emotion: Emotion) -> float:
    assert fused is not None
    return fused[EMOTIONS.index(emotion)]


probabilities = st.lists(st.floats(0.001, 1.0), min_size=8, max_size=8).map(
    lambda raw: tuple(p / sum(raw) for p in raw)
)
readings = st.builds(Reading, st.sampled_from(["face", "voice", "words", "both"]), st.floats(0, 100), probabilities)


def test_a_fresh_face_and_voice_are_mixed_75_to_25() -> None:
    fused = fuse([sure("face", Emotion.HAPPY), sure("voice", Emotion.SAD)], 0.0, FUSION)
    assert share_of(fused, Emotion.HAPPY) == pytest.approx(0.75 * 0.9 + 0.25 * 0.1 / 7)
    assert share_of(fused, Emotion.SAD) == pytest.approx(0.25 * 0.9 + 0.75 * 0.1 / 7)


def test_a_voice_alone_speaks_for_itself() -> None:
    voice = sure("voice", Emotion.ANGRY)
    assert fuse([voice], 0.0, FUSION) == pytest.approx(voice.probabilities)


def test_a_stale_face_loses_to_a_fresh_voice() -> None:
    fused = fuse([sure("face", Emotion.HAPPY, 0.0), sure("voice", Emotion.SAD, 9.0)], 9.0, FUSION)
    assert share_of(fused, Emotion.SAD) > share_of(fused, Emotion.HAPPY)


def test_a_reading_counts_half_after_its_half_life() -> None:
    face = sure("face", Emotion.HAPPY, 10.0)
    assert weight(face, 12.0, FUSION) == pytest.approx(0.5 * weight(face, 10.0, FUSION))


def test_an_unsure_modality_counts_nothing() -> None:
    unsure = sure("face", Emotion.HAPPY, share=0.2)
    voice = sure("voice", Emotion.SAD)
    assert fuse([unsure, voice], 0.0, FUSION) == pytest.approx(voice.probabilities)
    assert fuse([unsure], 0.0, FUSION) is None


def test_weights_can_be_configured() -> None:
    fusion = Fusion.model_validate({"weights": {"face": 0.2, "voice": 0.8}})
    fused = fuse([sure("face", Emotion.HAPPY), sure("voice", Emotion.SAD)], 0.0, fusion)
    assert share_of(fused, Emotion.SAD) == pytest.approx(0.8 * 0.9 + 0.2 * 0.1 / 7)


def test_what_face_and_voice_say_together_stands_for_what_each_said() -> None:
    alone = [sure("face", Emotion.HAPPY, 5.0), sure("voice", Emotion.HAPPY, 5.0)]
    together = sure("both", Emotion.SAD, 5.0)
    assert fuse([*alone, together], 5.0, FUSION) == pytest.approx(together.probabilities)


def test_a_newer_face_counts_beside_what_was_said_together() -> None:
    together = sure("both", Emotion.SAD, 5.0)
    fused = fuse([sure("face", Emotion.HAPPY, 11.0), together], 11.0, FUSION)
    # The face has 0.75; both had 1 and have halved once, as an utterance does in 6 s.
    assert share_of(fused, Emotion.HAPPY) == pytest.approx((0.75 * 0.9 + 0.5 * 0.1 / 7) / 1.25)


def test_words_count_beside_what_was_said_together() -> None:
    fusion = Fusion.model_validate({"weights": {"words": 1.0}})
    fused = fuse([sure("words", Emotion.HAPPY, 4.0), sure("both", Emotion.SAD, 5.0)], 5.0, fusion)
    assert share_of(fused, Emotion.HAPPY) > 0.4


@given(st.lists(readings, max_size=4, unique_by=lambda reading: reading.modality))
def test_what_is_fused_sums_to_one_and_stays_between_its_parts(parts: list[Reading]) -> None:
    fused = fuse(parts, 100.0, Fusion.model_validate({"weights": {"words": 0.3}}))
    if fused is None:
        return
    assert sum(fused) == pytest.approx(1.0)
    for n, share in enumerate(fused):
        given_shares = [reading.probabilities[n] for reading in parts]
        assert min(given_shares) - 1e-9 <= share <= max(given_shares) + 1e-9

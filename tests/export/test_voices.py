"""What the voice recipes share: how sounds are changed, how people are split, how folds are measured."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from pathlib import Path

torch = pytest.importorskip("torch", reason="torch is not installed (pip install robotd[export])")

from export.recipes import recipe_named  # noqa: E402 - after the check for torch
from export.train.folds import measured_in_folds  # noqa: E402
from export.train.loop import logits  # noqa: E402
from export.train.sound import changed, cut, noisy, recording, shifted, stretched  # noqa: E402
from export.train.voices import ACTORS, BATCH, FOLDS, Voices, made_up, voices  # noqa: E402
from robotd.perceive.features.prosody import prosody  # noqa: E402
from robotd.perceive.features.spectral import frame_features  # noqa: E402
from robotd.perceive.features.speech_statistics import statistics  # noqa: E402

Sound = np.ndarray[tuple[int], np.dtype[np.float32]]


def voice(hz: float = 150.0, seconds: float = 1.5) -> Sound:
    """A steady tone with overtones."""
    time_s = np.arange(int(seconds * 16000)) / 16000
    sound = np.zeros(len(time_s))
    for k in range(1, 6):
        sound += 0.1 * np.cos(2 * np.pi * hz * k * time_s) / k
    return sound.astype(np.float32)


def pitch_hz(sound: Sound) -> float:
    found = prosody(sound).f0_hz[10:-10]
    return float(np.median(found[found > 0]))


@pytest.mark.parametrize("factor", [0.8, 0.95, 1.0, 1.1, 1.3])
def test_a_stretched_sound_is_longer_at_the_same_pitch(factor: float) -> None:
    sound = stretched(voice(), factor)
    assert len(sound) == pytest.approx(factor * len(voice()), rel=0.01)
    assert pitch_hz(sound) == pytest.approx(150, rel=0.01)
    assert np.abs(sound).max() == pytest.approx(np.abs(voice()).max(), rel=0.15)


@pytest.mark.parametrize("semitones", [-3.0, 0.0, 2.0])
def test_a_shifted_sound_moves_pitch_and_tempo(semitones: float) -> None:
    sound = shifted(voice(), semitones)
    pace = 2 ** (semitones / 12)
    assert len(sound) == pytest.approx(len(voice()) / pace, rel=0.01)
    assert pitch_hz(sound) == pytest.approx(150 * pace, rel=0.01)


@pytest.mark.parametrize("snr_db", [0.0, 20.0, 40.0])
def test_noise_has_the_level_that_was_asked_for(snr_db: float) -> None:
    noise = noisy(voice(), snr_db, 1.0, np.random.default_rng(0)) - voice()
    assert 10 * np.log10(np.mean(voice() ** 2) / np.mean(noise**2)) == pytest.approx(snr_db, abs=0.1)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000))
def test_a_changed_recording_is_sound_of_at_most_eight_seconds(seed: int) -> None:
    one = made_up(8)[seed % 8]
    rng = np.random.default_rng(seed)
    part, sound = cut(one, rng), changed(one, rng)
    assert 8000 <= len(part) <= len(one.clip.samples)
    assert 0 < len(sound) <= 8 * 16000
    assert np.isfinite(sound).all()
    assert sound.dtype == np.float32


def test_a_recording_is_cut_as_the_daemon_cuts() -> None:
    pause = 0.0005 * np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    said = np.concatenate([pause, voice(seconds=1.0), pause, pause])
    one = recording(replace(made_up(1)[0].clip, samples=said))
    assert one.start == pytest.approx(16000 - 4800, abs=2500)
    assert one.end == pytest.approx(32000 + 9600, abs=2500)
    assert len(one.whole) == len(said)


def test_each_actor_is_in_one_fold() -> None:
    assert sorted(actor for fold in FOLDS for actor in fold) == list(ACTORS)


@pytest.mark.parametrize(("of", "shape"), [(frame_features, (27,)), (statistics, ())])
def test_batches_hold_each_recording_once(of: object, shape: tuple[int, ...]) -> None:
    data = voices(made_up(), of, lambda features, _rng: features, 1)  # type: ignore[arg-type]
    batches = list(data.batches(np.random.default_rng(0)))
    assert len(batches) == data.steps == 4
    for inputs, targets in batches:
        assert inputs.dtype == np.float32
        assert len(inputs) == len(targets) == BATCH
        assert inputs.shape[2:] == shape
    assert sum(targets.sum(axis=0) for _, targets in batches).tolist() == [8.0] * 8


def test_who_is_left_out_is_tested_and_not_trained_on() -> None:
    data = voices(made_up(), statistics, lambda features, _rng: features, 1)
    rest = data.without([1, 2])
    assert set(rest.speakers) == {5, 6}
    (test,) = rest.tests.values()
    assert test.groups is not None
    assert set(test.groups) == {1, 2}
    assert len(rest.targets) + len(test) == len(data.targets)
    assert [len(version) for version in rest.versions] == [len(rest.targets)] * 3


def test_folds_are_measured_by_nets_that_did_not_hear_them(tmp_path: Path) -> None:
    recipe = recipe_named("voice_prosody")
    recipe = replace(recipe, schedule=replace(recipe.schedule, epochs=2))
    data = recipe.generate()
    assert isinstance(data, Voices)
    measured = measured_in_folds(recipe, data, tmp_path, FOLDS)
    checkpoints = sorted(file.name for file in tmp_path.iterdir())
    assert checkpoints == ["voice_prosody_without_1_to_4.pt", "voice_prosody_without_5_to_8.pt"]
    for name, test in measured.tests.items():
        assert test.unseen is not None
        assert test.unseen.shape == (len(data.tests[name]), 8)
    first = measured.tests["voiced"]
    assert first.groups is not None
    assert first.unseen is not None
    left_out = np.isin(first.groups, FOLDS[0])
    net = recipe.net()
    net.load_state_dict(torch.load(tmp_path / checkpoints[0], weights_only=True)["best"])
    np.testing.assert_allclose(first.unseen[left_out], logits(net, first.inputs[left_out]), atol=1e-4)


def test_padding_does_not_matter_to_the_frame_net() -> None:
    net = recipe_named("voice_features").net()
    frames = np.stack([frame_features(one.voiced) for one in made_up(4)])
    shorter = frames[:, : 16 * 12]
    assert not frames[:, 16 * 12 :].any()
    np.testing.assert_allclose(logits(net, shorter), logits(net, frames), atol=1e-4)


def test_both_paths_of_the_prosodic_net_count() -> None:
    net = recipe_named("voice_prosody").net()
    values = np.stack([statistics(one.voiced) for one in made_up(2)])
    before = logits(net, values)
    for path in (net.prosodic, net.spectral):
        kept = path[1].weight.clone()
        with torch.no_grad():
            path[1].weight.zero_()
        assert np.abs(logits(net, values) - before).max() > 1e-3
        with torch.no_grad():
            path[1].weight.copy_(kept)

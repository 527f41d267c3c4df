"""How the song models learn: keys, windows, and ratings of several sets at once."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (pip install robotd[export])")

from export.data.songs import folds  # noqa: E402 - after the check for torch
from export.train.checkpoint import read_variables  # noqa: E402
from export.train.musicnn import Musicnn, Vgg  # noqa: E402
from export.train.song_midlevel import folding  # noqa: E402
from export.train.song_nets import (  # noqa: E402
    FRAMES,
    STEP_FEATURES,
    STEPS,
    Attention,
    Context,
    Listener,
    Mode,
    band_features,
    steps_of,
)
from export.train.song_va import made_up  # noqa: E402
from export.train.songs import RATED, Heard, columns_of, fit_linear, learn, rated  # noqa: E402
from robotd.perceive.features.song_mel import log_band_hz  # noqa: E402

MAJOR, MINOR = (0, 4, 7), (0, 3, 7)


def scale(tonic: int, triad: tuple[int, ...]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Pitch classes of 9 s that hold a triad above a tonic, and a little of everything."""
    classes = np.full((70, 12), 0.05, np.float32)
    classes[:, [(tonic + step) % 12 for step in triad]] = 1.0
    return classes


def test_the_mode_of_a_triad_is_told_whatever_its_tonic() -> None:
    mode = Mode().eval()
    features = np.stack([scale(tonic, triad) for triad in (MAJOR, MINOR) for tonic in range(12)])
    told = mode(torch.from_numpy(features)).numpy().reshape(2, 12, -1)
    np.testing.assert_allclose(told, np.repeat(told[:, :1], 12, axis=1), atol=1e-4)
    # The first two features are how well Temperley's major and minor keys fit.
    assert told[0, 0, 0] > told[0, 0, 1]
    assert told[1, 0, 1] > told[1, 0, 0]


def test_silence_has_no_key_but_is_no_error() -> None:
    told = Context()(torch.zeros(1, 70, 12), torch.zeros(1, STEPS, 48))
    assert torch.isfinite(told).all()


def test_attention_keeps_the_shape_and_weighs_channels_and_moments() -> None:
    attention = Attention(32).eval()
    maps = torch.rand(2, 32, 10)
    share = attention(maps) / maps
    assert share.shape == maps.shape
    assert (share > 0.0).all()
    assert (share < 4.0).all()
    # One weight a channel times one a moment: the matrix of shares has rank 1.
    assert torch.linalg.matrix_rank(share[0], rtol=1e-3) == 1


def test_steps_and_bands_agree_in_time() -> None:
    mel = torch.zeros(1, FRAMES + 5, 96)
    mel[:, 160:] = 1.0
    bands = band_features(mel)
    steps = steps_of(mel.transpose(1, 2))
    assert bands.shape == (1, STEPS, 48)
    assert steps.shape == (1, STEPS, 192)
    np.testing.assert_array_equal(bands[0, :, 0].numpy(), steps[0, :, 0].numpy())
    assert bands[0, 9, 0] == 0.0
    assert bands[0, 10, 0] == 1.0


def test_the_trunks_have_the_shapes_of_the_papers() -> None:
    mel = torch.rand(2, 64, 96)
    with torch.inference_mode():
        assert Musicnn().eval()(mel).shape == (2, 192, 64)
        assert Vgg().eval()(mel).shape == (2, 128, 4, 6)


def test_bands_are_folded_into_the_pitch_class_of_their_frequency() -> None:
    fold = folding()
    a = int(np.abs(log_band_hz() - 880.0).argmin())
    assert int(fold[:, a].argmax()) == 9
    assert not fold[:, log_band_hz() > 1_500.0].any()


def heard_at_random(count: int) -> list[Heard]:
    rng = np.random.default_rng(0)
    return [
        Heard(
            rng.standard_normal((20 + n % 30, STEP_FEATURES)).astype(np.float32),
            rng.random((2 * (20 + n % 30), 12)).astype(np.float32),
            rng.random((20 + n % 30, 48)).astype(np.float32),
        )
        for n in range(count)
    ]


def test_short_clips_are_repeated_and_long_ones_have_windows_to_their_end() -> None:
    clips = made_up(4)
    data = rated(clips, heard_at_random(len(clips)), folds(clips, 2), STEPS)
    steps, contexts = data.windows(0)
    assert steps.shape == (2, STEPS, STEP_FEATURES)  # 20 steps twice over: at 0 and at 5
    assert contexts.shape == (2, 98)
    np.testing.assert_array_equal(data.steps[0][:20], data.steps[0][20:])


def test_each_set_keeps_its_own_ratings() -> None:
    clips = made_up(4)
    data = rated(clips, heard_at_random(len(clips)), folds(clips, 2), STEPS)
    places = data.of("emotify")
    assert [clips[n].source for n in places] == ["emotify"] * 4
    there = ~np.isnan(data.ratings[places])
    assert np.flatnonzero(there.any(axis=0)).tolist() == columns_of("emotify")


def test_a_listener_learns_what_can_be_heard() -> None:
    clips = made_up(12)
    heard = heard_at_random(len(clips))
    for one, clip in zip(heard, clips, strict=True):
        if clip.source == "grekow324":
            one.steps[:, 0] = clip.ratings["arousal"]
    data = rated(clips, heard, folds(clips, 2), STEPS)
    everyone = np.arange(len(clips))
    torch.manual_seed(0)
    net = Listener(len(RATED))
    learn(net, data, everyone, lambda told: [(told.mean(dim=1), np.arange(len(RATED)), 1.0)], epochs=30)
    fit_linear(net.linear, data, everyone, net.linear_features)
    column = RATED.index(("grekow324", "arousal"))
    songs = data.of("grekow324")
    with torch.inference_mode():
        told = [float(net(*data.windows(int(n)))[..., column].mean()) for n in songs]
    assert np.corrcoef(told, data.ratings[songs, column])[0, 1] > 0.8


def test_a_compressed_checkpoint_is_refused() -> None:
    # A footer that says: the table's own index begins at 0 and is 4 bytes long; then a byte says it is compressed.
    index = bytes([0, 0, 0, 0, 1]) + bytes(4) + bytes([0, 0, 0, 4]) + bytes(44)
    with pytest.raises(ValueError, match="compressed"):
        read_variables(index, b"")

from __future__ import annotations

import numpy as np
import pytest

from robotd.config import Runtime
from robotd.errors import ModelError
from robotd.music.scan.hearing import Ear
from robotd.perceive.manifest import Manifest, load_manifest
from robotd.perceive.song import SongReader
from tests.music.scan.sounds import RATE_HZ, music, noise


@pytest.fixture(scope="module")
def ear() -> Ear:
    return Ear(load_manifest(), Runtime())


def test_a_song_is_heard_as_the_song_reader_hears_it(ear: Ear) -> None:
    sound = music(25.0)
    heard = ear.hear(sound)
    reading = SongReader("song_va", load_manifest(), Runtime()).read(sound, RATE_HZ)
    assert (heard.valence, heard.arousal) == pytest.approx((reading.valence, reading.arousal), abs=1e-5)
    assert heard.curve == pytest.approx(np.array([(one.valence, one.arousal) for one in reading.curve]), abs=1e-5)
    gems = SongReader("song_gems", load_manifest(), Runtime()).read(sound, RATE_HZ)
    assert heard.gems == pytest.approx(tuple(gems.ratings.values()), abs=1e-5)


def test_moods_and_mid_level_features_are_those_of_the_song_reader_on_ten_seconds(ear: Ear) -> None:
    sound = music(10.0)
    heard = ear.hear(sound)
    straight = SongReader("song_a2e", load_manifest(), Runtime()).read(sound, RATE_HZ)
    assert heard.moods == pytest.approx(tuple(straight.ratings.values()), abs=0.02)
    assert heard.mid_level == pytest.approx(tuple(straight.mid_level.values()), abs=0.02)
    assert heard.key == "C major"
    assert heard.tempo_bpm == pytest.approx(120, abs=1)


def test_a_short_song_is_heard_and_a_pause_does_not_matter(ear: Ear) -> None:
    short = ear.hear(music(1.5))
    assert len(short.curve) == 2
    sound = music(9.0)
    paused = ear.hear(np.concatenate([sound, np.zeros(30 * RATE_HZ, np.float32)]))
    assert len(paused.curve) == 39
    assert np.isfinite(paused.curve).all()
    assert paused.valence == pytest.approx(ear.hear(sound).valence, abs=0.25)


def test_what_is_told_of_windows_leaves_out_those_at_the_end_of_a_scale(ear: Ear) -> None:
    told = ear.hear(music(31.0) + 0.1 * noise(31.0)).told
    assert told.shape == (3, 15)
    assert ((told[:, :7] > 1) & (told[:, :7] < 9)).all()
    ratings = told[:, 7:][np.isfinite(told[:, 7:])]
    assert ((ratings > 1) & (ratings < 9)).all()


def test_models_for_something_else_are_refused() -> None:
    manifest = load_manifest()
    other = manifest.models["song_gems"].model_copy(update={"labels": ("joy",)})
    with pytest.raises(ModelError, match="song_gems: must tell amazement"):
        Ear(Manifest(manifest.folders, manifest.models | {"song_gems": other}), Runtime())
    swapped = manifest.models | {"song_va": manifest.models["song_midlevel"]}
    with pytest.raises(ModelError, match="song_va: has no output va, curve, gems"):
        Ear(Manifest(manifest.folders, swapped), Runtime())

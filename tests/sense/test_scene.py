from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from robotd.config import Speech
from robotd.paths import shipped
from robotd.sense.clip import ClipSenses
from robotd.sense.sample import Frame, Sound, Tick
from robotd.sense.scene import SceneSenses
from robotd.sense.utterance import Utterance, UtteranceCutter
from tests.sense.collected import collect, collecting, until

if TYPE_CHECKING:
    from robotd.sense.sample import Sample

SCENE = shipped("scene") / "scene.mp4"


async def test_the_scene_plays_at_once() -> None:
    async with collecting(SceneSenses(0.1, 10)) as got:
        await until(lambda: len(got.frames) > 3 and len(got.sounds) > 3 and len(got.ticks) > 3)
    assert got.frames[0].image.shape == (480, 640, 3)


def test_the_scene_is_small() -> None:
    assert SCENE.stat().st_size < 1_000_000


async def test_four_things_are_said_in_the_scene() -> None:
    cutter = UtteranceCutter(Speech())
    said: list[Utterance] = []
    for sound in (await collect(ClipSenses(SCENE, 0.5, 10, fast=True))).sounds:
        said += [utterance for utterance in cutter.feed(sound) if utterance.final]
    said += cutter.flush()
    # A pause between two sentences may cut what one says in two.
    assert 4 <= len(said) <= 7
    loudness = [float(np.abs(utterance.samples).max()) for utterance in said]
    assert max(loudness) > 2.5 * min(loudness)


async def test_a_repeated_clip_begins_again_and_its_time_goes_on() -> None:
    got: list[Sample] = []
    async with ClipSenses(SCENE, 0.7, 2, fast=True, repeat=True) as senses:
        async for sample in senses:
            got.append(sample)
            if sample.time_s > 50:
                break
    times_s = [sample.time_s for sample in got]
    assert times_s == sorted(times_s)
    ticks = [sample.time_s for sample in got if isinstance(sample, Tick)]
    assert np.allclose(np.diff(ticks), 0.7)
    frames = [sample for sample in got if isinstance(sample, Frame)]
    again = next(frame for frame in frames[1:] if (frame.image == frames[0].image).all())
    assert 24 <= again.time_s <= 24.2
    assert max(np.diff([sample.time_s for sample in got if isinstance(sample, Sound)])) < 0.2

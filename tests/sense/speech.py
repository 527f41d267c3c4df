"""Real speech for the tests: what the voice of the built-in scene says."""

from __future__ import annotations

from functools import lru_cache

from robotd.config import Speech
from robotd.paths import shipped
from robotd.sense.media import decode, look_into
from robotd.sense.sample import Sound
from robotd.sense.utterance import Utterance, UtteranceCutter

#: What pocketsphinx makes of the second utterance, and that is what is said.
TIRED = "i am so tired"


@lru_cache(maxsize=1)
def utterances() -> tuple[Utterance, ...]:
    """Return the utterances of the scene, whole."""
    cutter = UtteranceCutter(Speech())
    scene, found = shipped("scene") / "scene.mp4", list[Utterance]()
    for sample in decode(scene, look_into(scene), 5.0):
        if isinstance(sample, Sound):
            found += cutter.feed(sample)
    return tuple(one for one in [*found, *cutter.flush()] if one.final)


def tired() -> Utterance:
    """Return the utterance in which the voice says that it is tired."""
    return utterances()[1]

"""The models that can be made, by name."""

from __future__ import annotations

import importlib

from .recipe import Recipe

#: A model's name and the module of `export.train` that holds its RECIPE.
NAMES = (
    *("face_image", "face_image_fer2013", "face_landmarks"),
    *("voice_mel", "voice_features", "voice_prosody"),
    *("fusion_mid", "fusion_joint"),
    *("words", "lyrics"),
    *("song_va", "song_midlevel"),
    *("judge", "judge_notes"),
    *("melody_rnn", "melody_rnn_q1", "melody_rnn_q2", "melody_rnn_q3", "melody_rnn_q4"),
    *("polyphony_rnn", "polyphony_rnn_q1", "polyphony_rnn_q2", "polyphony_rnn_q3", "polyphony_rnn_q4"),
)
#: Modules that hold the RECIPES of several models, by the beginning of their names.
_FAMILIES = ("melody_rnn", "polyphony_rnn")


def recipe_named(name: str) -> Recipe:
    """Return a model's recipe.

    Raises:
        KeyError: there is none of that name.
    """
    if name not in NAMES:
        raise KeyError(f"there is no recipe {name!r}; there are: {', '.join(NAMES)}")
    family = next((one for one in _FAMILIES if name.startswith(one)), None)
    module = importlib.import_module(f".train.{family or name}", __package__)
    recipe = module.RECIPES[name] if family else module.RECIPE
    assert isinstance(recipe, Recipe)
    return recipe

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
)


def recipe_named(name: str) -> Recipe:
    """Return a model's recipe.

    Raises:
        KeyError: there is none of that name.
    """
    if name not in NAMES:
        raise KeyError(f"there is no recipe {name!r}; there are: {', '.join(NAMES)}")
    recipe = importlib.import_module(f".train.{name}", __package__).RECIPE
    assert isinstance(recipe, Recipe)
    return recipe

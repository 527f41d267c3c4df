"""The composers that can be listened to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robotd.config import Config
from robotd.music.compose.composer import SongComposer
from robotd.music.compose.opening import load_source
from robotd.music.compose.sources import RuleSource
from robotd.music.compose.studio import Studio
from robotd.music.compose.supply import AtOnce

if TYPE_CHECKING:
    from robotd.music.compose.judge import Judge

    from .pieces import Factory


def factory_of(style: str, nets: str) -> Factory:
    """Return what makes composers with the models that ship.

    Args:
        style: `band`, `piano`, or `rules`: a band whose melodies no net wrote.
        nets: `conditioned` or `quadrant`, as in the configuration.

    Raises:
        ModelError: a net can't be used.
    """
    chosen = {"composer": "rules"} if style == "rules" else {"style": style, "nets": nets}
    config = Config.model_validate({"compose": chosen})
    source = load_source(config)

    def factory(seed: int, judge: Judge | None) -> SongComposer:
        studio = Studio(source, RuleSource(), judge, config.compose.tries)
        return SongComposer(studio, AtOnce(studio), seed)

    return factory

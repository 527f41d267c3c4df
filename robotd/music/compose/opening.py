"""A composer as it is configured."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from robotd.emotion import Quadrant
from robotd.errors import ModelError
from robotd.music.compose.composer import SongComposer
from robotd.music.compose.judge import Judge
from robotd.music.compose.sources import NetSource, RuleSource
from robotd.music.compose.studio import Studio
from robotd.music.compose.supply import Ahead, AtOnce
from robotd.perceive.manifest import load_manifest

if TYPE_CHECKING:
    from robotd.config import Config
    from robotd.music.compose.sources import Net
    from robotd.music.compose.studio import Source
    from robotd.perceive.manifest import Task

log = logging.getLogger(__name__)


def open_composer(config: Config, seed: int, *, ahead: bool) -> SongComposer:
    """Return a composer; where a model can't be used it composes by rules, or without a judge, and says so.

    Args:
        config: how to compose.
        seed: of the music, where the configuration does not say one.
        ahead: compose in a worker, for music that is played meanwhile; else when it is asked for.
    """
    rules = RuleSource()
    source: Source = rules
    try:
        source = load_source(config)
    except ModelError as error:
        log.error("%s; composing by rules alone", error)
    studio = Studio(source, rules, open_judge(config), config.compose.tries)
    supply = Ahead(studio) if ahead else AtOnce(studio)
    fixed = config.compose.seed
    return SongComposer(studio, supply, seed if fixed is None else fixed, config.compose.parts)


def rule_composer(seed: int = 0) -> SongComposer:
    """Return a composer that needs no model and has no judge: everything by rules, when it is asked for."""
    rules = RuleSource()
    studio = Studio(rules, rules, None, 1)
    return SongComposer(studio, AtOnce(studio), seed)


def open_judge(config: Config) -> Judge | None:
    """Return the judge; None where none is wanted, or its model can't be used, which is said."""
    if config.compose.judge is None:
        return None
    try:
        return load_judge(config)
    except ModelError as error:
        log.error("%s; composing without a judge", error)
        return None


def load_judge(config: Config) -> Judge:
    """Return the judge that is configured, the default one where none is.

    Raises:
        ModelError: its model can't be used.
    """
    from robotd.perceive.score import ScoreReader

    return Judge(ScoreReader(config.compose.judge or config.score.model, load_manifest(), config.runtime))


def load_source(config: Config) -> Source:
    """Return where material comes from, as configured.

    Raises:
        ModelError: a net can't be used.
    """
    compose = config.compose
    if compose.composer == "rules":
        return RuleSource()
    from robotd.music.compose.melody import Melodist
    from robotd.music.compose.polyphony import Polyphonist
    from robotd.music.compose.stepnet import StepNet

    task: Task = "melody" if compose.style == "band" else "polyphony"
    names = dict.fromkeys(Quadrant, f"{task}_rnn")
    if compose.nets == "quadrant":
        names = {quadrant: f"{task}_rnn_{quadrant.value.lower()}" for quadrant in Quadrant}
    manifest = load_manifest()
    nets: dict[str, Net[Any]] = {}
    for name in set(names.values()):
        net = StepNet(name, task, manifest, config.runtime)
        nets[name] = Melodist(net) if task == "melody" else Polyphonist(net)
    return NetSource({quadrant: nets[name] for quadrant, name in names.items()}, compose)

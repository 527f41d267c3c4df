"""The studio: composes a stretch of four bars and has it heard before anybody else hears it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol

from robotd.emotion import Quadrant
from robotd.errors import ModelError
from robotd.music.bar import Bar
from robotd.music.compose.arrangement import Voices
from robotd.music.compose.expression import express
from robotd.music.compose.grid import STRETCH_BARS
from robotd.music.compose.rendering import pivoted, render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from robotd.music.bar import Mode
    from robotd.music.compose.chord import Chord
    from robotd.music.compose.expression import Expression
    from robotd.music.compose.judge import Judge, Verdict
    from robotd.music.compose.material import Material

log = logging.getLogger(__name__)

#: Quadrants of unpleasant feelings, whose music is in minor or dorian.
_UNPLEASANT = {Quadrant.Q2, Quadrant.Q3}
_MINOR_MODES: frozenset[Mode] = frozenset({"minor", "dorian"})


@dataclass(frozen=True, slots=True)
class Mood:
    """What music is to sound like.

    Attributes:
        quadrant: in which a listener should hear it.
        valence: -1..1.
        arousal: -1..1.
    """

    quadrant: Quadrant
    valence: float
    arousal: float

    @property
    def minor(self) -> bool:
        """Whether it is composed in A minor, else in C major."""
        return self.quadrant in _UNPLEASANT

    @property
    def expression(self) -> Expression:
        """How it is played; the mode is one of its quadrant's also where the point lies just outside of it."""
        how = express(self.valence, self.arousal)
        if (how.mode in _MINOR_MODES) == self.minor:
            return how
        return replace(how, mode="dorian" if self.minor else "mixolydian")


@dataclass(frozen=True, slots=True)
class Order:
    """A stretch that is wanted.

    Attributes:
        key: the same for the same stretch; also what its chances are drawn from.
        mood: what it is to sound like.
        tonic: pitch class of its key.
        kind: `theme`: something new; `answer`: the beginning of `of` with another end; `contrast`: goes on from `of`.
        of: the material that it follows.
        final: whether it ends a song.
        pivots: chords that lead over from another key, in the frame of the new material.
        before: what is played before it, which the judge hears too.
        voices: where that left the parts.
    """

    key: str
    mood: Mood
    tonic: int
    kind: Literal["theme", "answer", "contrast"] = "theme"
    of: Material | None = None
    final: bool = False
    pivots: tuple[Chord, ...] = ()
    before: tuple[Bar, ...] = ()
    voices: Voices = field(default_factory=Voices)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Four bars that were composed.

    Attributes:
        material: the notes before they are played.
        mood: what it was composed for.
        tonic: pitch class of its key.
        tries: how often it was composed.
        accepted: whether the judge heard the wanted quadrant; False without a judge.
    """

    material: Material
    mood: Mood
    tonic: int
    tries: int = 1
    accepted: bool = False


class Source(Protocol):
    """Where material comes from."""

    @property
    def model(self) -> str:
        """The models that it uses, in words."""

    def material(self, order: Order, attempt: int) -> Material:
        """Return the material of an order; every attempt begins otherwise.

        Raises:
            ModelError: a net gave nonsense.
        """


@dataclass(slots=True)
class Tally:
    """How composing went.

    Attributes:
        stretches: how many were composed.
        judged: how many of them a judge heard.
        accepted: in how many of these it heard the wanted quadrant at last.
        tries: how often it was asked.
    """

    stretches: int = 0
    judged: int = 0
    accepted: int = 0
    tries: int = 0


class Studio:
    """Composes stretches; the same order gives the same notes.

    Args:
        source: gives the material.
        rules: gives material at once, without a net; also where the source fails.
        judge: hears it; None: everything is played as it was composed first.
        tries: how often a stretch is composed at most; the best one is played then.
    """

    def __init__(self, source: Source, rules: Source, judge: Judge | None, tries: int) -> None:
        self._source = source
        self._rules = rules
        self._judge = judge
        self._tries = tries
        self.tally = Tally()

    def compose(self, order: Order) -> Stretch:
        """Return a stretch that the judge hears in the wanted quadrant, or the one nearest to that."""
        best: tuple[float, Stretch] | None = None
        for attempt in range(self._tries if self._judge else 1):
            material = pivoted(self._material(order, attempt), order.pivots)
            stretch = Stretch(material, order.mood, order.tonic, attempt + 1)
            verdict = self._heard(order, material)
            if verdict is None:
                best = best or (0.0, stretch)
                break
            if verdict.quadrant == order.mood.quadrant:
                best = 1.0, replace(stretch, accepted=True)
                break
            share = verdict.probability(order.mood.quadrant)
            if best is None or share > best[0]:
                best = share, stretch
        assert best is not None, "there is at least one try"
        chosen = replace(best[1], tries=attempt + 1)
        self._count(chosen)
        return chosen

    def at_once(self, order: Order) -> Stretch:
        """Return a stretch made by rules, in a few milliseconds, that nobody has heard before."""
        return Stretch(pivoted(self._rules.material(order, 0), order.pivots), order.mood, order.tonic)

    def _material(self, order: Order, attempt: int) -> Material:
        try:
            return self._source.material(order, attempt)
        except ModelError as error:
            log.error("%s; composing by rules alone", error)
            self._source = self._rules
            return self._rules.material(order, attempt)

    def _heard(self, order: Order, material: Material) -> Verdict | None:
        if self._judge is None:
            return None
        try:
            return self._judge.hear((*order.before, *played(material, order)))
        except ModelError as error:
            log.error("%s; composing without a judge", error)
            self._judge = None
            return None

    def _count(self, stretch: Stretch) -> None:
        self.tally.stretches += 1
        if self._judge is not None:
            self.tally.judged += 1
            self.tally.accepted += stretch.accepted
            self.tally.tries += stretch.tries


def played(material: Material, order: Order) -> Sequence[Bar]:
    """Return the bars of a stretch as they sound at the mood of its order."""
    how, voices, bars = order.mood.expression, order.voices, []
    for number in range(STRETCH_BARS):
        rendered = render(material, number, how, order.tonic, voices)
        voices = rendered.voices
        bars.append(Bar(number, rendered.notes, how.tempo_bpm, order.tonic, how.mode, order.mood.quadrant))
    return bars

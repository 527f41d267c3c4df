"""Music for a piano, composed step by step by the polyphony RNN.

The net gives the probabilities of the next event; rules leave out those that would break the encoding or the music:
notes outside the key, too many at once, notes that never end, silence for longer than a bar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from robotd.music.bar import LOWEST_PITCH

from .chord import frame_notes
from .grid import STEPS_PER_BAR, STRETCH_BARS, GridNote
from .polyphony_encoding import (
    CONTINUED,
    EVENTS,
    FEATURES,
    LEGAL,
    LOOKS,
    NEW,
    PAST,
    PITCHES,
    START,
    STEP_END,
    ages,
    decode,
    encode_ages,
    features,
    lessons,
    looks,
)
from .stepnet import Composed, draws, sample, spread, take

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .stepnet import Condition, States, StepNet

#: The logit of what may not come is below all others by about this.
_NEVER = 1e4


@dataclass(frozen=True, slots=True)
class Bounds:
    """What composed music keeps to, whatever the net would like.

    Attributes:
        voices: at most so many notes sound at once.
        longest_steps: no note is longer.
        silence_steps: after so many steps of silence a note begins.
    """

    voices: int = 8
    longest_steps: int = 2 * STEPS_PER_BAR
    silence_steps: int = STEPS_PER_BAR


@dataclass(frozen=True, slots=True, eq=False)
class Continuation:
    """Where a piece stands at a bar line, to go on from there as often as one likes.

    Attributes:
        states: of the net, for one piece, before it is told of the last event.
        rows: [PAST, pitches] ages of the steps before.
        last: the last event.
        bar: how many bars there have been.
    """

    states: States
    rows: NDArray[np.uint8]
    last: int
    bar: int


class Polyphonist:
    """Composes stretches of piano music in C major or A minor.

    Args:
        net: a polyphony RNN.
        bounds: what the music keeps to.

    Raises:
        ModelError: the net takes other features or tells other events.
    """

    def __init__(self, net: StepNet, bounds: Bounds | None = None) -> None:
        net.expect(FEATURES, EVENTS)
        self._net = net
        self._bounds = bounds or Bounds()

    @property
    def model(self) -> str:
        """The net's name."""
        return self._net.name

    def listen(self, primer: Sequence[GridNote], bars: int, *, condition: Condition) -> Continuation:
        """Return where a piece stands after so many bars of these notes; of 0 bars, at its beginning.

        Raises:
            ModelError: the net gave nonsense.
        """
        rows = ages(primer, bars * STEPS_PER_BAR)
        states, last = self._net.start(1), START
        if bars:
            events, before, steps = lessons(rows)
            for told in features(looks(rows, steps), before, steps, condition.array):
                _, states = self._net.step(told[None], states)
            last = int(events[-1])
        known = np.concatenate((np.zeros((PAST, PITCHES), np.uint8), rows))
        return Continuation(states, known[-PAST:], last, bars)

    def compose(
        self,
        start: Continuation,
        bars: int = STRETCH_BARS,
        *,
        condition: Condition,
        seed: int,
        candidates: int = 1,
        temperature: float = 1.0,
        density: float = 0.0,
    ) -> tuple[Composed[Continuation], ...]:
        """Compose candidates for the next bars side by side; the same arguments give the same notes.

        Notes that sound at the start are not held beyond it.

        Args:
            start: where the piece stands; it is left as it is.
            bars: how many.
            condition: the feeling to follow.
            seed: of all choices.
            candidates: how many.
            temperature: of the choice of a new note's pitch; below 1 what is probable becomes more so. Whether a note
                comes at all is left to the net, or cool music would be empty music.
            density: by how many nats a new note is made more probable; below 0 there are fewer notes.

        Raises:
            ModelError: the net gave nonsense.
        """
        walk = _Walk(start, bars * STEPS_PER_BAR, candidates, self._bounds, minor=condition.minor)
        dice = draws(seed, candidates)
        states = spread(start.states, candidates)
        found: list[Composed[Continuation] | None] = [None] * candidates
        while not walk.arrived.all():
            told = walk.features(condition.array)
            logits, states = self._net.step(told, states)
            allowed = walk.allowed(told)
            chances = np.array([one.random() for one in dice])
            wishes = _tempered(logits, allowed, temperature, density)
            for number in walk.go(sample(wishes, allowed, temperature=1.0, chances=chances)):
                # The others go on; what the net makes of this one from here on counts no more.
                rows = walk.rows[number]
                after = Continuation(take(states, number), rows[-PAST:].copy(), STEP_END, start.bar + bars)
                found[number] = Composed(decode(encode_ages(rows[PAST:])), after)
        return tuple(stretch for stretch in found if stretch is not None)


def _tempered(
    logits: NDArray[np.float32], allowed: NDArray[np.bool_], temperature: float, density: float
) -> NDArray[np.float32]:
    """Return logits with the pitches of new notes at a temperature; new notes together are told by `density` more."""
    new = np.where(allowed[:, NEW:CONTINUED], logits[:, NEW:CONTINUED], -_NEVER).astype(np.float64)
    sharp = new / temperature
    tempered: NDArray[np.float32] = logits.copy()
    tempered[:, NEW:CONTINUED] = sharp + _log_sum(new) - _log_sum(sharp) + density
    return tempered


def _log_sum(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return [n, 1] the logarithm of the sum of the exponentials of [n, events]."""
    highest = logits.max(axis=1, keepdims=True)
    total: NDArray[np.float64] = highest + np.log(np.exp(logits - highest).sum(axis=1, keepdims=True))
    return total


class _Walk:
    """Several candidates on their way through the same steps."""

    def __init__(self, start: Continuation, steps: int, candidates: int, bounds: Bounds, *, minor: bool) -> None:
        #: [candidates, PAST + steps, pitches] ages, those of the steps before first.
        self.rows = np.zeros((candidates, PAST + steps, PITCHES), np.uint8)
        self.rows[:, :PAST] = start.rows
        self._bounds = bounds
        self._first = start.bar * STEPS_PER_BAR
        self._steps = steps
        self._step = np.zeros(candidates, np.int64)
        self._last = np.full(candidates, start.last, np.int64)
        sounding = np.flatnonzero(start.rows.any(axis=1))
        self._quiet = np.full(candidates, PAST - 1 - (sounding[-1] if sounding.size else -1))
        self._every = np.arange(candidates)
        self._in_key = np.isin((LOWEST_PITCH + np.arange(PITCHES)) % 12, frame_notes(minor=minor))

    @property
    def arrived(self) -> NDArray[np.bool_]:
        """Which candidates have no step before them."""
        there: NDArray[np.bool_] = self._step >= self._steps
        return there

    @property
    def _place(self) -> NDArray[np.int64]:
        """In which row each is."""
        return PAST + np.minimum(self._step, self._steps - 1)

    def features(self, condition: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return [candidates, FEATURES] what the net is told of each."""
        shown = self.rows[self._every[:, None], self._place[:, None] - np.array(LOOKS)]
        return features(shown, self._last, self._first + self._step, condition)

    def allowed(self, told: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return [candidates, EVENTS] what may come next where that was told; something always may."""
        may = told[:, LEGAL : LEGAL + EVENTS] > 0
        voices = np.count_nonzero(self.rows[self._every, self._place], axis=1)
        before = self.rows[self._every, self._place - 1]
        may[:, NEW:CONTINUED] &= self._in_key
        may[:, CONTINUED:] &= (before < self._bounds.longest_steps) & (self._step > 0)[:, None]
        may[:, NEW:] &= (voices < self._bounds.voices)[:, None]
        may[:, STEP_END] = (voices > 0) | (self._quiet < self._bounds.silence_steps)
        return may

    def go(self, events: NDArray[np.int64]) -> list[int]:
        """Let each candidate that hasn't arrived take its event; return those that now have."""
        arriving = []
        for number in np.flatnonzero(~self.arrived):
            event, place = int(events[number]), PAST + self._step[number]
            self._last[number] = event
            if event == STEP_END:
                self._quiet[number] = 0 if self.rows[number, place].any() else self._quiet[number] + 1
                self._step[number] += 1
                if self._step[number] == self._steps:
                    arriving.append(int(number))
            else:
                key = (event - NEW) % PITCHES
                held = self.rows[number, place - 1, key] if event >= CONTINUED else 0
                self.rows[number, place, key] = held + 1
        return arriving

"""Melodies, composed sixteenth by sixteenth by the melody RNN.

The net gives the probabilities of the next event; rules leave out those that would break the music: notes outside the
key, a rest longer than a bar, a note that never ends, a pitch or a bar repeated on and on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .chord import frame_notes
from .grid import STEPS_PER_BAR, STRETCH_BARS, GridNote
from .melody_encoding import (
    EVENTS,
    FEATURES,
    HIGHEST,
    LOWEST,
    NOTE_OFF,
    NOTE_ON,
    NOTHING,
    PAST,
    decode,
    encode,
    features,
    histories,
    into_range,
    legato,
)
from .stepnet import Composed, draws, sample, spread, take

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .stepnet import Condition, States, StepNet

_PITCHES = 128
#: Of a melody so many of the last events are kept: more than the net and the bounds look back.
_KEPT = 64 * STEPS_PER_BAR


@dataclass(frozen=True, slots=True)
class Bounds:
    """What composed melodies keep to, whatever the net would like.

    Attributes:
        lowest: MIDI note number.
        highest: MIDI note number.
        longest_steps: no note is longer.
        rest_steps: after so long a rest a note begins.
        same_pitch: no pitch is struck more often on end.
        same_bar: no bar is played more often on end.
        any_bar: no bar is played more often, of the last 64.
        widest: no step from one note to the next is wider, in semitones.
    """

    lowest: int = 55
    highest: int = HIGHEST
    longest_steps: int = STEPS_PER_BAR
    rest_steps: int = STEPS_PER_BAR
    same_pitch: int = 5
    same_bar: int = 3
    any_bar: int = 6
    widest: int = 12


@dataclass(frozen=True, slots=True, eq=False)
class Continuation:
    """Where a melody stands at a bar line, to go on from there as often as one likes.

    Attributes:
        states: of the net, for one melody, before it is told of the last event.
        events: of the last bars, or all of them.
        bar: how many bars there have been.
    """

    states: States
    events: NDArray[np.int64]
    bar: int


class Melodist:
    """Composes stretches of melody in C major or A minor.

    Args:
        net: a melody RNN.
        bounds: what the music keeps to.

    Raises:
        ModelError: the net has other inputs or events.
    """

    def __init__(self, net: StepNet, bounds: Bounds | None = None) -> None:
        net.expect(FEATURES, EVENTS)
        self._net = net
        self._bounds = bounds or Bounds()

    @property
    def model(self) -> str:
        """The net's name."""
        return self._net.name

    def listen(
        self, primer: Sequence[GridNote], bars: int, condition: Condition, after: Continuation | None = None
    ) -> Continuation:
        """Return where a melody stands that begins, or goes on, with so many bars of these notes.

        Args:
            primer: their steps are counted from the bar line at which they begin. They may be of any pitch; as in
                training, octaves bring them into the net's range, and gaps of up to an eighth are closed.
            bars: how many; 0 is the beginning of a melody.
            condition: the feeling to follow.
            after: where the melody stands before; none begins with the primer.

        Raises:
            ModelError: the net gave nonsense.
        """
        heard = encode(into_range(legato(primer)), bars * STEPS_PER_BAR)
        if after is None:
            after = Continuation(self._net.start(1), np.zeros(0, np.int64), 0)
        events = np.concatenate([after.events, heard])
        steps = after.bar * STEPS_PER_BAR + np.arange(len(heard))
        states = after.states
        for row in features(histories(events)[len(after.events) : len(events)], steps, condition.array):
            _, states = self._net.step(row[None], states)
        return Continuation(states, events[-_KEPT:], after.bar + bars)

    def compose(
        self,
        start: Continuation,
        bars: int = STRETCH_BARS,
        *,
        condition: Condition,
        seed: int,
        candidates: int = 1,
        temperature: float = 1.0,
        allowed: NDArray[np.bool_] | None = None,
    ) -> tuple[Composed[Continuation], ...]:
        """Compose candidates for the next bars side by side; each depends on its own number and the seed only.

        Args:
            start: where the melody stands; it is left as it is.
            bars: how many.
            condition: the feeling to follow.
            seed: of all choices.
            candidates: how many.
            temperature: of the pitches, above 0; below 1 the likely becomes likelier, above 1 the unlikely. When a
                note begins is as likely as the net says.
            allowed: which MIDI note numbers may begin, [128] or [steps, 128]; without it those of the key.

        Raises:
            ModelError: the net gave nonsense.
            ValueError: nothing within the bounds is allowed at some step.
        """
        walk = _Walk(start, bars * STEPS_PER_BAR, candidates, self._bounds)
        pitches = _begin(allowed, bars * STEPS_PER_BAR, self._bounds, minor=condition.minor)
        chances = draws(seed, candidates)
        states = spread(start.states, candidates)
        for step in range(bars * STEPS_PER_BAR):
            told = features(walk.past, np.full(candidates, start.bar * STEPS_PER_BAR + step), condition.array)
            logits, states = self._net.step(told, states)
            may = walk.allowed(pitches[step])
            uniforms = np.array([chance.random() for chance in chances])
            walk.go(sample(_in_time(logits, may, temperature), may, 1.0, uniforms))
        return tuple(
            Composed(decode(walk.composed(n)), Continuation(take(states, n), walk.known(n), start.bar + bars))
            for n in range(candidates)
        )


def _in_time(logits: NDArray[np.float32], may: NDArray[np.bool_], temperature: float) -> NDArray[np.float64]:
    """Return [n, EVENTS] logits at a temperature that leaves the rhythm as it is.

    Most sixteenths bring nothing: cooled together with the pitches, this would come nearly always. And where only few
    pitches may begin, these share the probability with which some note does.
    """
    scores = np.where(may, logits.astype(np.float64), -np.inf)
    begin = _log_sum(logits[:, NOTE_ON:].astype(np.float64))
    cooled = scores[:, NOTE_ON:] / temperature
    scores[:, NOTE_ON:] = cooled - _log_sum(cooled) + begin
    return scores


def _log_sum(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return [n, 1] the logarithms of the sums of the exponentials."""
    highest = scores.max(axis=1, keepdims=True)
    logs: NDArray[np.float64] = highest + np.log(np.exp(scores - highest).sum(axis=1, keepdims=True))
    return logs


def _begin(allowed: NDArray[np.bool_] | None, steps: int, bounds: Bounds, *, minor: bool) -> NDArray[np.bool_]:
    """Return [steps, pitches of the net] which notes may begin."""
    if allowed is None:
        allowed = np.isin(np.arange(_PITCHES) % 12, frame_notes(minor=minor))
    pitches = np.arange(_PITCHES)
    inside = (pitches >= bounds.lowest) & (pitches <= bounds.highest)
    may: NDArray[np.bool_] = (np.broadcast_to(allowed, (steps, _PITCHES)) & inside)[:, LOWEST : HIGHEST + 1]
    if not may.any(axis=1).all():
        raise ValueError(f"no pitch of {bounds.lowest}..{bounds.highest} is allowed at some step")
    return may


class _Walk:
    """Several candidates on their way through the same steps, from a bar line on."""

    def __init__(self, start: Continuation, steps: int, count: int, bounds: Bounds) -> None:
        self._bounds = bounds
        known = np.concatenate([np.full(PAST, NOTHING), start.events])
        self._first = self._now = len(known)
        self._events = np.full((count, len(known) + steps), NOTHING)
        self._events[:, : len(known)] = known
        line = _Line()
        for event in start.events.tolist():
            line = line.after(event)
        self._lines = [line] * count

    @property
    def past(self) -> NDArray[np.int64]:
        """[n, PAST] the last events of each."""
        return self._events[:, self._now - PAST : self._now]

    def allowed(self, pitches: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return [n, EVENTS] what may come next, of the pitches that may begin; something always may."""
        may = np.zeros((len(self._lines), EVENTS), np.bool_)
        for n, line in enumerate(self._lines):
            bounds = self._bounds
            if line.sounds:
                # A note doesn't go on beyond the stretch in which it began.
                may[n, NOTHING] = line.steps < bounds.longest_steps and self._now > self._first
                may[n, NOTE_OFF] = True
            else:
                may[n, NOTHING] = line.steps < bounds.rest_steps
            near = pitches.copy()
            if line.pitch is not None:
                near &= np.abs(np.arange(len(near)) + LOWEST - line.pitch) <= bounds.widest
                near[line.pitch - LOWEST] &= line.struck < bounds.same_pitch
            may[n, NOTE_ON:] = near if near.any() else pitches
            fresh = may[n] & ~self._worn_out(n)
            if fresh[NOTE_ON:].any():
                may[n] = fresh
        return may

    def _worn_out(self, n: int) -> NDArray[np.bool_]:
        """Return [EVENTS] with which notes, the last ones of their bars, one would play a bar once too often."""
        worn = np.zeros(EVENTS, np.bool_)
        step = (self._now - self._first) % STEPS_PER_BAR
        line = self._now - step
        begin = line - (line - PAST) // STEPS_PER_BAR * STEPS_PER_BAR
        bars = self._events[n, begin:line].reshape(-1, STEPS_PER_BAR)
        alike = (bars[:, :step] == self._events[n, line : self._now]).all(axis=1)
        ends = np.where(alike & (bars[:, step + 1 :] < NOTE_ON).all(axis=1), bars[:, step], NOTHING)
        worn[np.bincount(ends, minlength=EVENTS) >= self._bounds.any_bar] = True
        latest = ends[-self._bounds.same_bar :]
        if len(latest) == self._bounds.same_bar and (latest == latest[0]).all():
            worn[latest[0]] = True
        worn[:NOTE_ON] = False
        return worn

    def go(self, events: NDArray[np.int64]) -> None:
        """Let each candidate take an event of [n]."""
        self._events[:, self._now] = events
        self._lines = [line.after(event) for line, event in zip(self._lines, events.tolist(), strict=True)]
        self._now += 1

    def composed(self, n: int) -> NDArray[np.int64]:
        """Return the events that a candidate has composed."""
        return self._events[n, self._first :]

    def known(self, n: int) -> NDArray[np.int64]:
        """Return the last events of a candidate, as many as it takes to go on."""
        known: NDArray[np.int64] = self._events[n, max(PAST, self._events.shape[1] - _KEPT) :].copy()
        return known


@dataclass(frozen=True, slots=True)
class _Line:
    """Where a single melody stands.

    Attributes:
        pitch: of the last note.
        sounds: whether that still sounds.
        steps: for how many steps it has sounded, or not.
        struck: how often its pitch has been struck on end.
    """

    pitch: int | None = None
    sounds: bool = False
    steps: int = 0
    struck: int = 0

    def after(self, event: int) -> _Line:
        """Return where it stands a step later, with this event at its beginning."""
        if event == NOTHING:
            return replace(self, steps=self.steps + 1)
        if event == NOTE_OFF:
            return replace(self, sounds=False, steps=1)
        pitch = event - NOTE_ON + LOWEST
        return _Line(pitch, sounds=True, steps=1, struck=self.struck + 1 if pitch == self.pitch else 1)

"""A composer whose bars tell what they answer, and a performer on a clock of the test's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mido import Message

from robotd.config import Midi
from robotd.emotion import Quadrant, quadrant_at
from robotd.express.midi import MediaClock, Performer, Playing, Scheduler
from robotd.express.midi.external_clock import ExternalClock
from robotd.music.bar import Bar, Composer, Note

HAPPY, SAD, CALM = (0.7, 0.6), (-0.6, -0.4), (0.6, -0.5)
#: The key that is played in each quadrant, and at the end.
KEYS = {Quadrant.Q1: 72, Quadrant.Q2: 60, Quadrant.Q3: 48, Quadrant.Q4: 66}
ENDING = 36


@dataclass
class PlainComposer:
    """Four quarter notes a bar, 2 s at 120 beats a minute, on the key of the quadrant; louder with arousal."""

    tempo_bpm: float = 120.0
    asked: list[tuple[int, Quadrant | None]] = field(default_factory=list)

    def bar(self, valence: float, arousal: float, index: int, quadrant: Quadrant | None = None) -> Bar:
        quadrant = quadrant or quadrant_at(valence, arousal)
        self.asked.append((index, quadrant))
        notes = tuple(Note(beat, 0.9, KEYS[quadrant], velocity_for(arousal)) for beat in range(4))
        return Bar(index, notes, self.tempo_bpm, 0, "major", quadrant)

    def ending(self, valence: float, arousal: float, index: int, quadrant: Quadrant | None = None) -> Bar:
        self.asked.append((index, None))
        quadrant = quadrant or quadrant_at(valence, arousal)
        return Bar(index, (Note(0, 4, ENDING, 50),), self.tempo_bpm, 0, "major", quadrant)


def velocity_for(arousal: float) -> int:
    """Return how hard the plain composer has its keys struck."""
    return 64 + round(50 * arousal)


class NotingScheduler(Scheduler):
    """Keeps when everything was due that it sends."""

    def __init__(self, now: MediaClock) -> None:
        self.sent: list[tuple[float, Message]] = []
        self._due_s = 0.0
        super().__init__(lambda message: self.sent.append((self._due_s, message)), now=now.now)

    def _carry_out(self, due_s: float, item: Any) -> None:
        # What is due at once, such as a panic, is due before all times.
        self._due_s = self._now() if due_s < 0 else due_s
        super()._carry_out(due_s, item)


class Clip:
    """A performer on a clock of the test's own, and all that it sends."""

    def __init__(
        self, composer: Composer | None = None, config: Midi | None = None, external: ExternalClock | None = None
    ) -> None:
        self.clock = MediaClock()
        self.composer = composer if isinstance(composer, PlainComposer) else PlainComposer()
        self.scheduler = NotingScheduler(self.clock)
        self.playing: list[tuple[float, Playing | None]] = []
        self.performer = Performer(
            composer or self.composer,
            self.scheduler,
            config or Midi(),
            self.clock,
            on_bar=lambda playing: self.playing.append((self.clock.now(), playing)),
            external=external,
        )

    async def go(self, until_s: float, step_s: float = 0.1) -> None:
        """Let time pass."""
        while self.clock.now() < until_s:
            self.clock.advance(min(self.clock.now() + step_s, until_s))
            await self.performer.catch_up()

    @property
    def sent(self) -> list[tuple[float, Message]]:
        """When everything was due that was sent."""
        return self.scheduler.sent

    def of(self, *kinds: str) -> list[tuple[float, Message]]:
        """What was sent of some kinds."""
        return [(t, message) for t, message in self.sent if message.type in kinds]

    def starts(self, key: int | None = None, after_s: float = 0.0, before_s: float = 1e9) -> list[float]:
        """When notes began."""
        return [t for t, m in self.of("note_on") if after_s <= t < before_s and key in {None, m.note}]

    @property
    def bars(self) -> list[Playing]:
        """The bars that have begun."""
        return [playing for _, playing in self.playing if playing is not None]

    @property
    def sounding(self) -> set[tuple[int, int]]:
        """The channels and keys of notes that have not ended."""
        sounding: set[tuple[int, int]] = set()
        for _, message in self.of("note_on", "note_off"):
            (sounding.add if message.type == "note_on" else sounding.discard)((message.channel, message.note))
        return sounding

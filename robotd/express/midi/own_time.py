"""A line of bars in the music's own time: each bar glides to the tempo that it asks for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from robotd.express.midi import beat_clock
from robotd.express.midi.timeline import Slot, Timeline
from robotd.music.smf import set_tempo
from robotd.music.tempo import Glide, approach

if TYPE_CHECKING:
    from mido import Message, MetaMessage

    from robotd.express.midi.instruments import Instruments
    from robotd.express.midi.scheduler import Scheduler
    from robotd.music.bar import Bar

    Event = tuple[float, Message | MetaMessage]

#: The first bar, or one that comes late, begins so long after it is there.
HEADROOM_S = 0.02
#: Messages can be handed over in so much time before they are due.
HANDOVER_S = 0.005


@dataclass(slots=True)
class _Paced(Slot):
    """A slot with the tempo reached at its end; its moments are seconds."""

    end_bpm: float = math.nan


class OwnTime(Timeline[_Paced]):
    """Places bars in seconds (see `Timeline`).

    Args:
        scheduler: plays.
        instruments: turns bars into messages.
        clock_out: whether to send MIDI clock, start, stop and song position.
    """

    def __init__(self, scheduler: Scheduler, instruments: Instruments, *, clock_out: bool = False) -> None:
        super().__init__(scheduler, instruments)
        self._clock_out = clock_out
        self._unheard = False
        self._over_s = -math.inf

    @property
    def state(self) -> str:
        """What beats the time, in words."""
        return "own, sent" if self._clock_out else "own"

    def seconds(self, moment: float) -> float:
        """Return the time of a moment, which is the moment itself."""
        return moment

    def tempo_bpm(self, slot: _Paced) -> float:
        """Return the tempo at the end of a slot, in quarter notes a minute."""
        return slot.end_bpm

    @property
    def replaceable_until_s(self) -> float:
        """Until when the last bar can be taken back, if it has not begun."""
        return self.ahead_s - HANDOVER_S

    def place(self, bar: Bar, now_s: float, *, final: bool = False) -> None:
        """Have a bar played after the last one, or as soon as possible if there is none."""
        before = self._slots[-1] if self._slots else None
        start_s = max(before.end if before else self._over_s, now_s + HEADROOM_S)
        # After an ending, another tempo is taken at once.
        before_bpm = bar.tempo_bpm if before is None or before.final else before.end_bpm
        glide = Glide(before_bpm, approach(before_bpm, bar.tempo_bpm), bar.beats)
        end_s = start_s + glide.duration_s
        if before is not None and not before.final and start_s > before.end:
            self.gaps += 1
        slot = _Paced(bar, start_s, end_s, self._scheduler.piece(), final, end_bpm=glide.end_bpm)
        self._slots.append(slot)
        self._over_s = end_s
        at = glide.seconds_at
        tempos = [(quarter, glide.tempo_at(min(quarter + 0.5, bar.beats))) for quarter in range(math.ceil(bar.beats))]
        events: list[Event] = [(start_s + at(quarter), set_tempo(tempo_bpm)) for quarter, tempo_bpm in tempos]
        events += [(start_s + at(beat), message) for beat, message in self._instruments.messages(bar)]
        if self._clock_out:
            events += self._clocks(slot, glide, anew=before is None or before.final)
        self._scheduler.play_all(events, slot.piece)
        self._scheduler.bar_line(start_s, slot.piece)

    def cut(self) -> None:
        """Drop everything, end every note and silence the instruments, at once."""
        super().cut()
        self._over_s = -math.inf

    def tell_again(self) -> None:
        """Tell with the next bar where the music is (see `Timeline`)."""
        self._unheard = True

    def _clocks(self, slot: Slot, glide: Glide, *, anew: bool) -> list[Event]:
        """Return the clock of a bar, and where it begins for those who don't know."""
        events: list[Event] = []
        if anew or self._unheard:
            self._unheard = False
            begins = beat_clock.beginning(slot.bar.index * slot.bar.beats)
            events += [(slot.start - beat_clock.START_LEAD_S, message) for message in begins]
        events += [(slot.start + glide.seconds_at(beat), clock) for beat, clock in beat_clock.clocks(slot.bar.beats)]
        if slot.final:
            # Early enough for music that begins anew right after it.
            events.append((slot.end - 2 * beat_clock.START_LEAD_S, beat_clock.end()))
        return events

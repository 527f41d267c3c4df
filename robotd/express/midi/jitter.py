"""Whose clock is it: times of another machine, as messages that came late now and then tell of them.

A message says when it was sent, by the sender's clock, and we see when it arrives, by ours. The difference is that
of the clocks, which nearly stands still, and the way's delay, which never falls below a certain least. So the
smallest difference of late is the best estimate (the minimum filter of NTP: D. L. Mills, RFC 5905, section 10), and
how far others lie above it is the jitter that a buffer has to bear (compare RFC 3550, section 6.4.1).
"""

from __future__ import annotations

import math
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Differences are remembered for so long: crystals that drift apart by 50 ppm drift 3 ms in it.
WINDOW_S = 60.0
#: A message that came late is reckoned with for so long.
WARY_S = 20.0
#: The buffer grows, when it was too short, to what would have been needed and so much more.
MARGIN_S = 0.02
#: It never grows beyond this: music that comes later than so is not music for now.
MOST_S = 2.0
#: A delay that is needed no longer shrinks with each message by this, which nobody hears, or by this share of it.
STEP_S, STEP_SHARE = 0.005, 0.05
#: A message that comes so much later than others tells of another clock, or of one that slept, or of a way that was
#: blocked; and so does one after which the buffer would be longer than it ever may be.
LEAP_S = 5.0


class Least:
    """The least of the latest values.

    Args:
        window_s: how long a value counts.
    """

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        #: Times and values; each value is below all that came after it.
        self._kept: deque[tuple[float, float]] = deque()

    def add(self, time_s: float, value: float) -> float:
        """Take a value at a time, not before the last one, and return the least."""
        while self._kept and self._kept[-1][1] >= value:
            self._kept.pop()
        self._kept.append((time_s, value))
        while self._kept[0][0] < time_s - self._window_s:
            self._kept.popleft()
        return self._kept[0][1]

    def clear(self) -> None:
        """Forget all values."""
        self._kept.clear()


class RemoteClock:
    """The sender's clock, put back so far that what it says of a time is here before that time.

    A scheduler that goes by this clock plays everything in the sender's order, however the estimate moves.

    Args:
        delay_s: how much later than there everything is played here, besides the way's least delay; more
            when the way proves to be worse, until it has been good again for a while.
        now: our own clock, in seconds.
    """

    def __init__(self, delay_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._floor_s = delay_s
        self._local = now
        self._transits = Least()
        #: How long before it is due, by our clock, the first of each message is here.
        self._leads = Least(WARY_S)
        self._least_s = 0.0
        self._shift_s = 0.0
        self._known = False

    @property
    def delay_s(self) -> float:
        """How much later than its sender's time something is played, besides the way's least delay."""
        return self._shift_s - self._least_s

    def now(self) -> float:
        """Return the sender's time that is to be played now, in seconds; any number before the first message."""
        return self._local() - self._shift_s

    def hear(self, sent_s: float, earliest_s: float | None) -> bool:
        """Learn from a message that has just arrived; returns whether all that was learned before is void.

        Args:
            sent_s: when it was sent, by the sender's clock.
            earliest_s: the first moment, by the sender's clock, at which something is to be played; None for
                none.
        """
        arrived_s = self._local()
        transit_s = arrived_s - sent_s
        too_long = self._shift_s - transit_s - self._floor_s > MOST_S
        leapt = self._known and (too_long or transit_s - self._least_s > LEAP_S)
        if leapt:
            self.forget()
        self._least_s = self._transits.add(arrived_s, transit_s)
        early_s = self._leads.add(arrived_s, math.inf if earliest_s is None else earliest_s - arrived_s)
        longest_s = max(self._floor_s, MOST_S)
        delay_s = min(max(self._floor_s, MARGIN_S - early_s - self._least_s), longest_s)
        wanted_s = self._least_s + delay_s
        # Back at once, as what is too late only gets later; ahead in small steps.
        excess_s = self._shift_s - wanted_s if self._known else 0.0
        self._shift_s = wanted_s + max(0.0, excess_s - max(STEP_S, STEP_SHARE * excess_s))
        self._known = True
        return leapt

    def forget(self) -> None:
        """Begin anew, for another sender."""
        self._transits.clear()
        self._leads.clear()
        self._known = False

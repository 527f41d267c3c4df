"""The pulse behind jittery clock ticks: when the latest was meant, and how far apart they are."""

from __future__ import annotations

import math

#: Gain of the time once the filter has settled: of 3 ms of jitter to either side (1.7 ms rms) 0.6 ms rms remain,
#: and behind a tempo that moves by 5 beats a minute every second it lags 0.8 ms.
GAIN = 0.18
#: Gain of the period that goes with it: Benedict and Bordner, "Synthesis of an optimal set of radar track-while-scan
#: smoothing equations", IRE Transactions on Automatic Control 7(4), 1962.
PERIOD_GAIN = GAIN**2 / (2 - GAIN)
#: A tick that is off by more than this part of a period is doubted until the next has come.
DOUBTED = 0.5
#: How near, in periods, to where they belong ticks must be for those between to count as lost.
LOST = 0.35


class TickFilter:
    """An alpha-beta filter over the times of ticks.

    It begins as a line of least squares through all ticks so far: the growing-memory gains
    `2(2n + 1) / ((n + 2)(n + 1))` and `6 / ((n + 2)(n + 1))` after n ticks (E. Brookner, "Tracking and Kalman
    filtering made easy", 1998, section 1.2), until these are as small as the lasting ones. A tick far from where it
    was expected is borne once; what the next shows is one late tick, lost ticks, or another tempo.

    Attributes:
        time_s: when the latest tick was meant.
        period_s: from one tick to the next; None before the second.
    """

    def __init__(self) -> None:
        self.time_s = -math.inf
        self.period_s: float | None = None
        self._ticks = 0
        self._off = 0.0
        #: Time of a tick that is doubted, and how many periods it was off.
        self._doubted: tuple[float, float] | None = None

    def restart(self) -> None:
        """Forget when ticks were; the period is kept as a guess."""
        self._ticks = 0
        self._doubted = None

    def add(self, time_s: float) -> int:
        """Take the time of a tick; returns how many ticks it stands for: more than one if some were lost."""
        if self._ticks < 2 or self.period_s is None:  # noqa: PLR2004 - two points make a line
            if self._ticks:
                self.period_s = time_s - self.time_s
            self.time_s = time_s
            self._ticks += 1
            return 1
        expected_s = self.time_s + self.period_s
        off = (time_s - expected_s) / self.period_s
        doubted, self._doubted = self._doubted, None
        if abs(off) <= DOUBTED:
            self._off = off
            self._correct(expected_s, time_s)
            return 1
        if doubted is None:
            self.time_s, self._doubted = expected_s, (time_s, off)
            return 1
        doubted_s, doubted_off = doubted
        lost = round(off)
        apart = (time_s - doubted_s) / self.period_s
        # Before ticks were lost nothing was amiss; towards another tempo each is further off than the one before.
        if lost > 0 and max(abs(self._off), abs(doubted_off - lost), abs(off - lost), abs(apart - 1)) <= LOST:
            self._correct(expected_s + lost * self.period_s, time_s)
            return 1 + lost
        self.period_s, self.time_s, self._ticks, self._off = time_s - doubted_s, time_s, 2, 0.0
        return 1

    def _correct(self, expected_s: float, time_s: float) -> None:
        assert self.period_s is not None
        ticks = self._ticks
        share = (ticks + 2) * (ticks + 1)
        residual_s = time_s - expected_s
        self.time_s = expected_s + max(2 * (2 * ticks + 1) / share, GAIN) * residual_s
        self.period_s += max(6 / share, PERIOD_GAIN) * residual_s
        self._ticks += 1

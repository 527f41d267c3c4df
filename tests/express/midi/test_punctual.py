from __future__ import annotations

import gc
import sys

from robotd.express.midi.punctual import TURN_S, punctual


def test_turns_are_short_and_what_exists_is_not_collected_again() -> None:
    before_s = sys.getswitchinterval()
    with punctual():
        assert sys.getswitchinterval() == TURN_S
        assert gc.get_freeze_count() > 1000
    assert sys.getswitchinterval() == before_s
    assert gc.get_freeze_count() == 0

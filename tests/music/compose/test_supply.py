from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from robotd.emotion import MOODS, Quadrant
from robotd.music.compose.sources import RuleSource
from robotd.music.compose.studio import Mood, Order, Studio
from robotd.music.compose.supply import Ahead, AtOnce

if TYPE_CHECKING:
    from collections.abc import Iterator

    from robotd.music.compose.material import BandMaterial

CALM = Mood(Quadrant.Q4, *MOODS[Quadrant.Q4])


class Gated(RuleSource):
    """Composes when it is let."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.composed: list[str] = []

    def material(self, order: Order, attempt: int) -> BandMaterial:
        self.begun.set()
        assert self.gate.wait(10)
        self.composed.append(order.key)
        return super().material(order, attempt)


def order(key: str) -> Order:
    return Order(key, CALM, tonic=5)


@pytest.fixture
def source() -> Gated:
    return Gated()


@pytest.fixture
def ahead(source: Gated) -> Iterator[Ahead]:
    supply = Ahead(Studio(source, RuleSource(), None, 1))
    yield supply
    source.gate.set()
    supply.close()


def test_nothing_is_waited_for_unless_that_is_asked_for(source: Gated, ahead: Ahead) -> None:
    assert ahead.take(order("a"), wait=False) is None
    ahead.prepare([order("a")])
    assert source.begun.wait(10)
    assert ahead.take(order("a"), wait=False) is None
    source.gate.set()
    stretch = ahead.take(order("a"), wait=True)
    assert stretch is not None
    assert stretch.material == RuleSource().material(order("a"), 0)
    assert source.composed == ["a"]


def test_what_is_no_longer_wanted_is_not_composed(source: Gated, ahead: Ahead) -> None:
    ahead.prepare([order("a"), order("b"), order("c")])
    assert source.begun.wait(10)
    ahead.prepare([order("c")])
    source.gate.set()
    assert ahead.take(order("c"), wait=True) is not None
    assert source.composed == ["a", "c"]


def test_at_once_composes_when_asked() -> None:
    supply = AtOnce(Studio(RuleSource(), RuleSource(), None, 1))
    taken = supply.take(order("x"), wait=False)
    assert taken is not None
    assert taken.material == RuleSource().material(order("x"), 0)

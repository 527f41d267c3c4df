"""Where material comes from: rules, the melody net with harmony, or the polyphony net."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from robotd.music.compose.grid import STEPS_PER_BAR, STRETCH_BARS, STRETCH_STEPS, GridNote
from robotd.music.compose.harmoniser import harmonise
from robotd.music.compose.material import BandMaterial, PianoMaterial
from robotd.music.compose.primers import melody_primer, piano_primer
from robotd.music.compose.stepnet import C, Condition
from robotd.music.compose.theme import dice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from robotd.config import Compose
    from robotd.emotion import Quadrant
    from robotd.music.compose.material import Material
    from robotd.music.compose.stepnet import Composed
    from robotd.music.compose.studio import Order


#: An answer repeats so much of a theme, and ends otherwise.
_KEPT_BARS = STRETCH_BARS - 1
_KEPT_STEPS = _KEPT_BARS * STEPS_PER_BAR


class RuleSource:
    """Melodies by rules (see `primers`), in a few milliseconds."""

    model = "rules"

    def material(self, order: Order, attempt: int) -> BandMaterial:
        """Return the material of an order."""
        seed = seed_of(order, attempt)
        mood = order.mood
        melody = melody_primer(mood.valence, mood.arousal, minor=mood.minor, seed=seed, bars=STRETCH_BARS)
        if order.kind == "answer" and isinstance(order.of, BandMaterial):
            melody = (*beginning(order.of.melody), *(note for note in melody if note.start >= _KEPT_STEPS))
        return with_chords(melody, order, seed)


class Net(Protocol[C]):
    """A melody or a polyphony net, which goes on from what it has heard."""

    @property
    def model(self) -> str:
        """Its name."""

    def listen(self, primer: Sequence[GridNote], bars: int, *, condition: Condition) -> C:
        """Return where a piece stands after these bars."""

    def compose(
        self, start: C, bars: int, *, condition: Condition, seed: int, temperature: float
    ) -> Sequence[Composed[C]]:
        """Return stretches that go on from there."""


class NetSource:
    """Notes by a net for each quadrant, in one of two styles.

    Args:
        nets: melody nets, whose chords and other parts follow by rules, or polyphony nets.
        compose: which style, and how daring.
    """

    def __init__(self, nets: Mapping[Quadrant, Net[Any]], compose: Compose) -> None:
        self._nets = nets
        self._style = compose.style
        self._temperature = compose.temperature

    @property
    def model(self) -> str:
        """The names of the nets."""
        return ", ".join(dict.fromkeys(net.model for net in self._nets.values()))

    def material(self, order: Order, attempt: int) -> Material:
        """Return the material of an order.

        Raises:
            ModelError: the net gave nonsense.
        """
        seed = seed_of(order, attempt)
        if self._style == "band":
            theme = order.of.melody if isinstance(order.of, BandMaterial) else ()
            return with_chords(self._composed(order, theme, melody_primer, attempt, seed), order, seed)
        theme = order.of.notes if isinstance(order.of, PianoMaterial) else ()
        return PianoMaterial(self._composed(order, theme, piano_primer, attempt, seed), order.mood.minor, seed)

    def _composed(
        self,
        order: Order,
        theme: tuple[GridNote, ...],
        primer: Callable[..., tuple[GridNote, ...]],
        attempt: int,
        seed: int,
    ) -> tuple[GridNote, ...]:
        mood = order.mood
        net, condition = self._nets[mood.quadrant], Condition(mood.valence, mood.arousal, minor=mood.minor)
        kept: tuple[GridNote, ...] = ()
        if not theme:
            start = net.listen(primer(mood.valence, mood.arousal, minor=mood.minor, seed=seed), 1, condition=condition)
        elif order.kind == "answer" and not attempt:
            kept = beginning(theme)
            start = net.listen(kept, _KEPT_BARS, condition=condition)
        else:
            # Where the same beginning was heard as another mood before, it is not tried again.
            start = net.listen(theme, STRETCH_BARS, condition=condition)
        bars = 1 if kept else STRETCH_BARS
        found = net.compose(start, bars, condition=condition, seed=seed, temperature=self._temperature)
        return joined(kept, found[0].notes)


def notes_of(material: Material | None) -> tuple[GridNote, ...]:
    """Return what a net has composed of some material."""
    if material is None:
        return ()
    return material.melody if isinstance(material, BandMaterial) else material.notes


def seed_of(order: Order, attempt: int) -> int:
    """Return the number that all chances of an attempt are drawn from."""
    return int(dice("material", order.key, attempt).random() * 2**31)


def beginning(notes: Sequence[GridNote]) -> tuple[GridNote, ...]:
    """Return the notes of all bars of a stretch but the last."""
    return tuple(
        note if note.end <= _KEPT_STEPS else replace(note, end=_KEPT_STEPS)
        for note in notes
        if note.start < _KEPT_STEPS
    )


def joined(kept: Sequence[GridNote], new: Sequence[GridNote]) -> tuple[GridNote, ...]:
    """Return new bars behind those that are kept."""
    offset = _KEPT_STEPS if kept else 0
    return (*kept, *(replace(note, start=note.start + offset, end=note.end + offset) for note in new))


def with_chords(melody: Sequence[GridNote], order: Order, seed: int) -> BandMaterial:
    """Return a melody with its chords; the last stretch of a song ends on a note of the tonic's chord."""
    mood = order.mood
    ending = order.kind == "answer"
    sung = settled(melody, minor=mood.minor) if order.final else tuple(melody)
    chords = harmonise(
        sung,
        minor=mood.minor,
        valence=mood.valence,
        arousal=mood.arousal,
        consequent=ending,
        seed=seed,
        first=order.pivots,
    )
    return BandMaterial(sung, chords, mood.minor, seed)


def settled(melody: Sequence[GridNote], *, minor: bool) -> tuple[GridNote, ...]:
    """Return a stretch of melody whose last note is the nearest one of the tonic's chord, held to the bar line."""
    if not melody or melody[-1].start < _KEPT_STEPS:
        return tuple(melody)
    last = melody[-1]
    home = {9, 0, 4} if minor else {0, 4, 7}
    near = (last.pitch + apart for apart in (0, -1, 1, -2, 2, -3, 3))
    pitch = next(pitch for pitch in near if pitch % 12 in home)
    return (*melody[:-1], replace(last, pitch=pitch, end=STRETCH_STEPS))

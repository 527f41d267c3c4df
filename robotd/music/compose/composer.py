"""The composer: songs of four stretches, in related keys, bar by bar in answer to the feeling."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from robotd.emotion import MOODS, Quadrant, quadrant_at
from robotd.music.bar import PARTS, Bar
from robotd.music.compose.arrangement import Voices
from robotd.music.compose.grid import STRETCH_BARS
from robotd.music.compose.keys import turn
from robotd.music.compose.rendering import pivoted, render, render_ending
from robotd.music.compose.studio import Mood, Order, Stretch
from robotd.music.compose.theme import dice
from robotd.music.compose.variation import vary

if TYPE_CHECKING:
    from collections.abc import Collection

    from robotd.music.bar import Part
    from robotd.music.compose.studio import Studio, Tally
    from robotd.music.compose.supply import Supply

#: A song: a theme, its answer, a contrast, the answer again. Then another song begins.
FORM = "AABA"
SONG_BARS = len(FORM) * STRETCH_BARS
_CONTRAST = FORM.index("B")
#: How many bars before a stretch the judge hears with it.
_HEARD_BARS = 12


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the music is.

    Attributes:
        song: counted from 0.
        section: which stretch of the form.
        bar: which bar of the stretch.
        stretch: what is being played; None before the beginning.
        theme: the stretch that the song began with.
        voices: where the last bar left the parts.
        history: the latest bars of this quadrant.
        last: the last bar; repeats are variations of it.
        repeats: how often it was repeated because nothing else was there.
        turns: how often the quadrant has changed.
    """

    song: int = 0
    section: int = 0
    bar: int = 0
    stretch: Stretch | None = None
    theme: Stretch | None = None
    voices: Voices = field(default_factory=Voices)
    history: tuple[Bar, ...] = ()
    last: Bar | None = None
    repeats: int = 0
    turns: int = 0


class SongComposer:
    """Composes songs (see `Composer`).

    Stretches come from a supply; each bar of them is played at the newest feeling. When the quadrant changes a new
    song begins at that bar, in a related key. A bar asked for again is composed anew in place of the first.

    Args:
        studio: composes at once what the supply does not have.
        supply: gives stretches.
        seed: every seed is another music, in another key.
        parts: who plays.

    Attributes:
        varied: how many bars repeated the one before, since composing had fallen behind.
        at_once: how many stretches were made by rules, since a feeling changed before another was there.
        seed: as given.
    """

    def __init__(self, studio: Studio, supply: Supply, seed: int = 0, parts: Collection[Part] = PARTS) -> None:
        self.varied = 0
        self.at_once = 0
        self._studio = studio
        self._supply = supply
        self.seed = seed
        self._parts = frozenset(parts)
        self._tonic = int(dice("tonic", seed).random() * 12)
        self._index = -1
        #: What was taken for the bar of this index: it may be asked for again.
        self._taken: dict[str, Stretch] = {}
        self._before = self._place = _Place()

    def bar(self, valence: float, arousal: float, index: int, quadrant: Quadrant | None = None) -> Bar:
        """Return one bar of four quarter notes."""
        if index == self._index:
            place = self._before
        elif index == self._index + 1:
            place = self._place
        else:
            # The music begins anew, and so does the song.
            place = replace(self._place, stretch=None, last=None)
        if index != self._index:
            self._taken.clear()
        mood = Mood(quadrant or quadrant_at(valence, arousal), valence, arousal)
        self._before, self._index = place, index
        self._place, bar = self._next(place, mood, index)
        self._supply.prepare(self._coming(self._place, mood))
        return bar

    def ending(self, valence: float, arousal: float, index: int, quadrant: Quadrant | None = None) -> Bar:
        """Return a bar that slows down on the chord of the tonic."""
        place = self._before if index == self._index else self._place
        mood = Mood(quadrant or quadrant_at(valence, arousal), valence, arousal)
        how = mood.expression
        tonic = place.stretch.tonic if place.stretch else self._tonic
        rendered = render_ending(how, tonic, place.voices, self._number("ending", index))
        self._before, self._index, self._place = place, index, replace(place, stretch=None, last=None)
        notes = tuple(note for note in rendered.notes if note.part in self._parts)
        return Bar(index, notes, 0.8 * how.tempo_bpm, tonic, how.mode, mood.quadrant)

    @property
    def tally(self) -> Tally:
        """How composing goes."""
        return self._studio.tally

    def diagnostics(self) -> dict[str, Any]:
        """Return how composing goes, JSON-able."""
        tally = self.tally
        rate = tally.accepted / tally.judged if tally.judged else None
        return {
            **asdict(tally),
            "accepted_share": None if rate is None else round(rate, 3),
            "varied_bars": self.varied,
            "at_once": self.at_once,
        }

    def close(self) -> None:
        """Compose no more."""
        self._supply.close()

    def _next(self, place: _Place, mood: Mood, index: int) -> tuple[_Place, Bar]:
        stretch = place.stretch
        if stretch is None:
            return self._begin(place, mood, index, self._take(self._theme(place, mood), wait=True))
        if mood.quadrant != stretch.mood.quadrant:
            return self._begin(place, mood, index, self._take(self._theme(place, mood), wait=False))
        if place.bar + 1 < STRETCH_BARS:
            return self._play(replace(place, bar=place.bar + 1), mood, index)
        following = self._take(self._following(place, mood), wait=False)
        if following is None:
            return self._repeat(place, mood, index)
        section = (place.section + 1) % len(FORM)
        theme = place.theme if section else following
        song = place.song + (section == 0)
        at = replace(place, song=song, section=section, bar=0, stretch=following, theme=theme, repeats=0)
        return self._play(at, mood, index)

    def _take(self, order: Order, *, wait: bool) -> Stretch | None:
        stretch = self._taken.get(order.key) or self._supply.take(order, wait=wait)
        if stretch is not None:
            self._taken[order.key] = stretch
        return stretch

    def _begin(self, place: _Place, mood: Mood, index: int, stretch: Stretch | None) -> tuple[_Place, Bar]:
        """Begin a song; its key and the chords that lead there are chosen now, whenever it was composed."""
        order = self._theme(place, mood)
        if stretch is None:
            stretch = self._studio.at_once(order)
            self.at_once += 1
        placed = replace(stretch, material=pivoted(stretch.material, order.pivots), tonic=order.tonic)
        song, turns = place.song + 1, place.turns + 1
        return self._play(_Place(song, stretch=placed, theme=placed, voices=place.voices, turns=turns), mood, index)

    def _play(self, place: _Place, mood: Mood, index: int) -> tuple[_Place, Bar]:
        """Play the bar of a place."""
        stretch = place.stretch
        assert stretch is not None, "something is being played"
        how = mood.expression
        rendered = render(stretch.material, place.bar, how, stretch.tonic, place.voices)
        notes = tuple(note for note in rendered.notes if note.part in self._parts)
        bar = Bar(index, notes, how.tempo_bpm, stretch.tonic, how.mode, mood.quadrant, judged=stretch.accepted)
        history = (*place.history, bar)[-_HEARD_BARS:]
        return replace(place, voices=rendered.voices, history=history, last=bar, repeats=0), bar

    def _repeat(self, place: _Place, mood: Mood, index: int) -> tuple[_Place, Bar]:
        """Play a variation of the last bar."""
        assert place.last is not None, "something was played"
        self.varied += 1
        repeats = place.repeats + 1
        bar = replace(vary(place.last, repeats, self.seed), index=index, tempo_bpm=mood.expression.tempo_bpm)
        return replace(place, repeats=repeats), bar

    def _coming(self, place: _Place, mood: Mood) -> list[Order]:
        """Return what may be needed after the next bars: how the song goes on, and a turn to each other quadrant."""
        orders = [self._following(place, mood)] if place.bar else []
        for quadrant, (valence, arousal) in MOODS.items():
            if quadrant != mood.quadrant:
                orders.append(self._theme(place, Mood(quadrant, valence, arousal)))
        return orders

    def _theme(self, place: _Place, mood: Mood) -> Order:
        """Return the order of a song that begins after this place."""
        key = f"{self.seed}/turn {place.turns}/{mood.quadrant.value}"
        mode = mood.expression.mode
        if place.stretch is None or place.last is None:
            return Order(key, mood, self._tonic)
        to = turn(place.stretch.tonic, place.last.mode, mode, self._number("turn", place.turns))
        return Order(key, mood, to.tonic, pivots=to.pivots)

    def _following(self, place: _Place, mood: Mood) -> Order:
        """Return the order of the stretch that comes after the one at this place."""
        assert place.stretch is not None, "something is being played"
        assert place.theme is not None, "a song begins with a theme"
        section = (place.section + 1) % len(FORM)
        order = Order(
            f"{self.seed}/song {place.song}/turn {place.turns}/{section}",
            mood,
            place.stretch.tonic,
            of=place.theme.material,
            final=section == len(FORM) - 1,
            before=place.history,
            voices=place.voices,
        )
        if section:
            return replace(order, kind="contrast" if section == _CONTRAST else "answer")
        mode = mood.expression.mode
        to = turn(place.stretch.tonic, mode, mode, self._number("song", place.song))
        return replace(order, tonic=to.tonic, of=None, pivots=to.pivots)

    def _number(self, *key: object) -> int:
        return int(dice(self.seed, *key).random() * 2**31)

"""A film's score, from the first look at the file to the last thing that is made of it."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from robotd.errors import RobotdError
from robotd.film import outputs, picture
from robotd.film.compose import compose
from robotd.film.hindsight import feelings
from robotd.film.midifile import write_score
from robotd.film.mux import mux
from robotd.film.payload import segment_payloads, timeline_payload
from robotd.film.probe import look
from robotd.film.segments import segments
from robotd.film.sound import render
from robotd.film.watch import watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from robotd.config import Config
    from robotd.emotion import Feeling
    from robotd.film.compose import Passage
    from robotd.film.probe import Film
    from robotd.film.segments import Segment
    from robotd.film.watch import Watched
    from robotd.music.bar import Composer


class Teller(Protocol):
    """Tells a person how it goes."""

    def begin(self, stage: str, length_s: float) -> None:
        """Something begins that goes once through the film."""

    def progress(self, time_s: float) -> None:
        """It has come to a time in the film."""

    def note(self, text: str) -> None:
        """Something that a person should know."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be made.

    Attributes:
        folder: where to.
        sound: whether the music is rendered.
        mux: whether the film gets a copy with its music.
        seed: of the music.
    """

    folder: Path
    sound: bool = True
    mux: bool = False
    seed: int = 0


@dataclass(slots=True)
class Scored:
    """What was made.

    Attributes:
        film: what it was made for.
        segments: of the whole film.
        passages: the music of each; empty if it could not be composed.
        files: what was written, in that order.
        failed: what could not be made, by the file's name, and why.
        notes: what there is to say about the film.
    """

    film: Film
    segments: list[Segment] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def payload(self) -> dict[str, Any]:
        """Return it, JSON-able."""
        return {
            "film": str(self.film.path),
            "length_s": self.film.length_s,
            "files": [str(path) for path in self.files],
            "failed": self.failed,
            "notes": self.notes,
            "segments": segment_payloads(self.segments, self.passages),
        }


def score(path: Path, config: Config, wanted: Wanted, composer: Callable[[int], Composer], tell: Teller) -> Scored:
    """Make the score of a film. What can't be made is told and left out; the rest is made all the same.

    Args:
        path: a video or sound file.
        config: of the whole chain; `midi` for channels, programs, soundfont and gain.
        wanted: what is to be made.
        composer: gives a composer for a seed.
        tell: how it goes.

    Raises:
        MediaError: the file is not media, or nothing can be written to the folder.
    """
    outputs.prepare(wanted.folder, path, film_too=wanted.mux)
    film = look(path)
    making = _Making(Scored(film), config, wanted, tell)
    with _overheard(making.note):
        for text in film.notes:
            making.note(text)
        watched = making.watch()
        told = feelings(watched.seen, film.length_s, config)
        making.scored.segments = segments(told, film.length_s)
        making.attempt(outputs.MUSIC, lambda: making.music(composer))
        making.attempt(outputs.TIMELINE, lambda: making.timeline(watched, told))
        making.attempt(outputs.PICTURE, lambda: making.picture(told))
        if wanted.sound:
            making.attempt(outputs.SOUND, making.sound)
        if wanted.mux:
            making.attempt(outputs.FILM, lambda: making.film(watched))
    return making.scored


@contextmanager
def _overheard(note: Callable[[str], None]) -> Iterator[None]:
    """Hand on what the chain warns of, which a daemon would log: damage, a model that can't be used."""

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            note(record.getMessage())

    ear, chain = Ear(logging.WARNING), logging.getLogger("robotd")
    chain.addHandler(ear)
    try:
        yield
    finally:
        chain.removeHandler(ear)


class _Making:
    """A score that is being made."""

    def __init__(self, scored: Scored, config: Config, wanted: Wanted, tell: Teller) -> None:
        self.scored = scored
        self._config = config
        self._wanted = wanted
        self._tell = tell
        self._music_db = 0.0

    def note(self, text: str) -> None:
        """Tell a person something and keep it."""
        self.scored.notes.append(text)
        self._tell.note(text)

    def attempt(self, name: str, work: Callable[[], Path]) -> None:
        """Make a file; if that can't be, say why and go on."""
        try:
            self.scored.files.append(work())
        except RobotdError as error:
            self.scored.failed[name] = str(error)
            self._tell.note(str(error))

    def watch(self) -> Watched:
        film = self.scored.film
        self._begin("watching")
        watched = asyncio.run(watch(film, self._config, self._tell.progress))
        if film.contents.pictures and "face" not in watched.seen:
            self.note("no face was seen")
        if film.contents.sound and not watched.utterances:
            self.note("nobody was heard speaking")
        if not watched.seen:
            self.note("no feeling was read anywhere in it: its music is neutral")
        return watched

    def music(self, composer: Callable[[int], Composer]) -> Path:
        self._begin("composing")
        scored, piano = self.scored, self._config.compose.style == "piano"
        passages = compose(scored.segments, scored.film.length_s, composer(self._wanted.seed), self._tell.progress)
        path = self._wanted.folder / outputs.MUSIC
        write_score(path, passages, self._config.midi, piano=piano)
        scored.passages = passages
        return path

    def timeline(self, watched: Watched, told: list[Feeling]) -> Path:
        scored = self.scored
        payload = timeline_payload(
            scored.film,
            watched,
            told,
            segments=scored.segments,
            passages=scored.passages,
            notes=scored.notes,
        )
        path = self._wanted.folder / outputs.TIMELINE
        with outputs.replacing(path) as unfinished:
            unfinished.write_text(_lines(payload), encoding="utf-8")
        return path

    def picture(self, told: list[Feeling]) -> Path:
        scored = self.scored
        path = self._wanted.folder / outputs.PICTURE
        picture.draw(path, scored.film.path.name, told, scored.segments, scored.passages)
        return path

    def sound(self) -> Path:
        self._needs(outputs.MUSIC, outputs.SOUND)
        self._begin("playing")
        path, midi = self._wanted.folder / outputs.SOUND, self._config.midi
        self._music_db = render(
            self._wanted.folder / outputs.MUSIC,
            path,
            self.scored.film.length_s,
            soundfont=midi.soundfont,
            gain=midi.gain,
            progress=self._tell.progress,
        )
        return path

    def film(self, watched: Watched) -> Path:
        self._needs(outputs.SOUND, "the film with its music")
        self._begin("mixing")
        return mux(
            self.scored.film,
            self._wanted.folder / outputs.SOUND,
            self._wanted.folder,
            speech_db=watched.speech_db,
            music_db=self._music_db,
            progress=self._tell.progress,
        )

    def _begin(self, stage: str) -> None:
        self._tell.begin(stage, self.scored.film.length_s)

    def _needs(self, name: str, what: str) -> None:
        """Raise unless a file was made just now; an older one of that name is another film's."""
        if all(path.name != name for path in self.scored.files):
            raise RobotdError(f"{what} can't be made without {name}")


def _lines(payload: dict[str, Any]) -> str:
    """Return JSON with a line for every entry, every feeling and every segment."""
    parts = []
    for key, value in payload.items():
        if isinstance(value, list) and value:
            inside = ",\n".join("  " + json.dumps(one, ensure_ascii=False, allow_nan=False) for one in value)
            parts.append(f" {json.dumps(key)}: [\n{inside}\n ]")
        else:
            parts.append(f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False, allow_nan=False)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"

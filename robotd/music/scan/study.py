"""The work on one file, which any process on any machine can do that sees the file: from a path to an entry."""

from __future__ import annotations

import hashlib
import logging
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from robotd.config import Runtime
from robotd.emotion import to_eight
from robotd.errors import MediaError, ModelError, RobotdError
from robotd.music.scan.decoding import duration_of, read_sound
from robotd.music.scan.hearing import GEMS_MODEL, MID_LEVEL_MODEL, MOODS_MODEL, VA_MODEL, Ear
from robotd.music.scan.lyrics import beside_of, lyrics_beside, plain_lyrics
from robotd.music.scan.tags import read_tags
from robotd.music.song import Entry
from robotd.perceive.keywords import Keyworder
from robotd.perceive.manifest import load_manifest
from robotd.perceive.words import WordsReader
from robotd.sense.sample import RATE_HZ

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from typing_extensions import Self

    from robotd.perceive.manifest import Manifest

LYRICS_MODEL, KEYWORDS_MODEL = "lyrics", "keywords"
#: So many keywords of a song are kept.
_KEYWORDS = 10
#: Raised when the same sound gives other figures than before, so that songs are heard again.
_EDITION = 1
_DIGEST_BYTES = 16
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be studied, and how.

    Attributes:
        path: the file.
        models: the folder of the models, None for the shipped ones.
        runtime: how models are run, the section of the configuration as JSON.
    """

    path: str
    models: str | None
    runtime: str


@dataclass(frozen=True, slots=True, eq=False)
class Studied:
    """What was found out about a file.

    Attributes:
        path: as it was asked for.
        entry: the song; None if there is none to be had.
        problem: then, why not.
        digest: see `digest_of`.
        duration_s: how much was heard.
        told: see `Heard.told`.
        notes: what else a person may want to know: damage that was passed over, lyrics that could not be read.
    """

    path: str
    entry: Entry | None = None
    problem: str = ""
    digest: bytes = b""
    duration_s: float = 0.0
    told: NDArray[np.float32] | None = None
    notes: tuple[str, ...] = ()


def study(job: Job) -> Studied:
    """Read a file's tags and lyrics and listen to it; whatever is wrong with the file is in the answer.

    Raises:
        ModelError: the models can't be used.
    """
    student = _student(job.models, job.runtime)
    path = Path(job.path)
    with _Listener() as said:
        try:
            return student.study(path, said.notes)
        except ModelError:
            raise
        except RobotdError as error:
            problem = str(error).removeprefix(f"{path}: ")
        except OSError as error:
            problem = error.strerror or str(error)
        # A file from anywhere may break a decoder in any way; the other songs are to be heard all the same.
        except Exception as error:  # noqa: BLE001
            problem = f"can't be studied ({type(error).__name__}: {error})"
    return Studied(job.path, problem=problem, notes=tuple(said.notes))


def made_by(manifest: Manifest) -> str:
    """Return a name for everything that the figures of a scan depend on.

    Raises:
        ModelError: a model is missing from the manifest.
    """
    names = [manifest.entry(name, "song").sha256 for name in (VA_MODEL, GEMS_MODEL, MOODS_MODEL, MID_LEVEL_MODEL)]
    names += [manifest.entry(LYRICS_MODEL, "words").sha256, manifest.entry(KEYWORDS_MODEL, "keywords").sha256]
    return hashlib.sha256(" ".join([str(_EDITION), *names]).encode()).hexdigest()[:16]


def digest_of(path: Path) -> bytes:
    """Return a digest of a file's content, followed by one of the lyrics beside it if there are any.

    Raises:
        OSError: the file can't be read.
    """
    digest = _digest(path)
    # Lyrics that can't be read count as none, as they do for the song.
    with suppress(OSError):
        if (beside := beside_of(path)) is not None:
            digest += _digest(beside)
    return digest


def without_lyrics(digest: bytes) -> bytes:
    """Return the part of `digest_of` that is of the file alone."""
    return digest[:_DIGEST_BYTES]


def _digest(path: Path) -> bytes:
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.digest()


def _words_beside(path: Path, notes: list[str]) -> str:
    try:
        return plain_lyrics(lyrics_beside(path))
    except OSError as error:
        notes.append(f"the lyrics beside it can't be read ({error.strerror})")
        return ""


class _Student:
    def __init__(self, manifest: Manifest, runtime: Runtime) -> None:
        self._ear = Ear(manifest, runtime)
        self._words = WordsReader(LYRICS_MODEL, manifest, runtime)
        self._keyworder = Keyworder(manifest, runtime, KEYWORDS_MODEL)

    def study(self, path: Path, notes: list[str]) -> Studied:
        digest = digest_of(path)
        sound = read_sound(path)
        heard = self._ear.hear(sound)
        tags = read_tags(path)
        emotions, keywords = self._read(_words_beside(path, notes) or plain_lyrics(tags.lyrics), notes)
        entry = Entry(
            title=tags.title,
            artist=tags.artist,
            uri=path.as_uri(),
            valence=heard.valence,
            arousal=heard.arousal,
            album=tags.album,
            year=tags.year,
            genre=tags.genre,
            language=tags.language,
            explicit=tags.explicit,
            duration_s=duration_of(path, sound),
            tempo_bpm=heard.tempo_bpm,
            key=heard.key,
            moods=heard.moods,
            mid_level=heard.mid_level,
            gems=heard.gems,
            lyrics_emotions=emotions,
            keywords=keywords,
            curve=heard.curve,
        )
        return Studied(str(path), entry, "", digest, len(sound) / RATE_HZ, heard.told, tuple(notes))

    def _read(self, lyrics: str, notes: list[str]) -> tuple[tuple[float, ...] | None, tuple[tuple[str, float], ...]]:
        """Return the emotions and keywords of lyrics."""
        if not lyrics:
            return None, ()
        try:
            shares = self._words.shares(lyrics)
        except MediaError:
            notes.append("its lyrics can't be read (English is wanted)")
            return None, ()
        return to_eight(tuple(shares), shares.values()), self._keyworder.keywords(lyrics, _KEYWORDS)


@lru_cache(maxsize=1)
def _student(models: str | None, runtime: str) -> _Student:
    """Return this process' models, opened once."""
    return _Student(load_manifest(Path(models) if models else None), Runtime.model_validate_json(runtime))


class _Listener(logging.Handler):
    """Keeps the warnings about a file, which would tear the progress bar, for the report."""

    _WHO = "robotd.music.scan.decoding"

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.notes: list[str] = []
        # The threads of a Dask worker each have a file of their own in hand.
        self._thread = threading.get_ident()

    def __enter__(self) -> Self:
        logger = logging.getLogger(self._WHO)
        logger.addHandler(self)
        logger.propagate = False
        return self

    def __exit__(self, *_: object) -> None:
        logger = logging.getLogger(self._WHO)
        logger.removeHandler(self)
        logger.propagate = True

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread != self._thread:
            return
        text = record.getMessage()
        self.notes.append(text.partition(": ")[2] or text)

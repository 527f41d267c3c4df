"""A scan: what is new in a folder is studied and kept song by song, so that it may be broken off at any time."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from robotd.errors import LibraryError
from robotd.music.library.files import Files, State, path_of
from robotd.music.scan.explanation import Learner
from robotd.music.scan.study import Job, digest_of, made_by, without_lyrics
from robotd.music.scan.walk import Stamp, Unreadable, walk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from robotd.config import Runtime
    from robotd.music.library import Library
    from robotd.music.library.files import Known
    from robotd.music.scan.study import Studied
    from robotd.music.scan.workers import Workers
    from robotd.perceive.manifest import Manifest


@dataclass(slots=True)
class Report:
    """What a scan has come to so far.

    Attributes:
        found: music files in the folder.
        unchanged: known, and as they were, though perhaps touched.
        moved: known, but elsewhere or under another name; they keep their ids.
        added: new songs.
        updated: changed files, or such as were heard by other models.
        vanished: known files that are no longer there.
        pruned: vanished ones that were taken out of the library.
        failed: (path, why) of files and folders that can't be read.
        notes: (path, what) of files that could be read, but not as they should be.
        heard_s: how much sound was studied.
        spent_s: for how long.
    """

    found: int = 0
    unchanged: int = 0
    moved: int = 0
    added: int = 0
    updated: int = 0
    vanished: int = 0
    pruned: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    heard_s: float = 0.0
    spent_s: float = 0.0

    @property
    def speed(self) -> float:
        """How many times faster than it plays the music was studied."""
        return self.heard_s / self.spent_s if self.spent_s else 0.0


class Scan:
    """The scan of a folder into a library, of which this is the only writer.

    Args:
        library: open.
        folder: looked through with all that is below it.
        manifest: the models.
        models: their folder, None for the shipped ones.
        runtime: how models are run.
        prune: take songs out whose files have vanished.

    Raises:
        LibraryError: the folder can't be looked into, or the library can't be written.
        ModelError: a model is missing from the manifest.
    """

    def __init__(
        self,
        library: Library,
        folder: Path,
        manifest: Manifest,
        runtime: Runtime,
        *,
        models: Path | None = None,
        prune: bool = False,
    ) -> None:
        self.report = Report()
        self._files = Files(library)
        self._made_by = made_by(manifest)
        self._models = str(models) if models else None
        self._runtime = runtime.model_dump_json()
        self._known = self._files.known()
        self._gone: dict[int, Known] = {}
        self._todo: dict[str, Stamp] = {}
        self._digests: dict[Path, bytes] = {}
        self._learner = Learner(self._files.explanation(self._made_by))
        self._lost: set[int] = set()
        self._look(folder)
        # A folder that is empty altogether is more likely a disk that is not there.
        self._prune = prune and self.report.found > 0

    @property
    def waiting(self) -> int:
        """How many files are to be studied."""
        return len(self._todo)

    def run(self, workers: Workers) -> Iterator[Studied]:
        """Study what is new; each result is in the library when it is given.

        Raises:
            LibraryError: the library can't be written.
            ModelError: the models can't be used.
        """
        begun_s = time.monotonic()
        for studied in workers.study(Job(path, self._models, self._runtime) for path in self._todo):
            self._keep(studied)
            self.report.spent_s = time.monotonic() - begun_s
            yield studied
        if self._prune:
            self._files.remove(self._lost)
            self.report.pruned = len(self._lost)

    def _look(self, folder: Path) -> None:
        """Find out what is new, moved, vanished."""
        found: dict[str, tuple[Path, Stamp]] = {}
        closed: list[str] = []
        for one in walk(folder):
            if isinstance(one, Unreadable):
                self.report.failed.append((str(one.path), one.reason))
                closed.append(one.path.as_uri())
            else:
                found[one[0].as_uri()] = one
        self.report.found = len(found)
        self._settle_known(found)
        below = _absolute(folder).as_uri().rstrip("/") + "/"
        vanished = [
            uri
            for uri in self._known
            if uri.startswith(below)
            and uri not in found
            and not any(uri == one or uri.startswith(one + "/") for one in closed)
        ]
        # Files from elsewhere may have been moved here, too.
        elsewhere = [uri for uri in self._known if not uri.startswith(below) and not _there(uri)]
        vanished += self._put_aside(found, [*vanished, *elsewhere])
        self._gone = {self._known[uri].song_id: self._known[uri] for uri in (*vanished, *elsewhere)}
        self._settle_moved(found)
        self._lost = {song_id for uri in vanished if (song_id := self._known[uri].song_id) in self._gone}
        self.report.vanished = len(self._lost)
        self._files.set_missing(self._lost, missing=True)

    def _settle_known(self, found: dict[str, tuple[Path, Stamp]]) -> None:
        back = []
        for uri, (path, stamp) in found.items():
            known = self._known.get(uri)
            if known is None or known.state.made_by != self._made_by or not self._is_as_it_was(uri, path, stamp):
                self._todo[str(path)] = stamp
            else:
                self.report.unchanged += 1
                if known.missing:
                    back.append(known.song_id)
        self._files.set_missing(back, missing=False)

    def _is_as_it_was(self, uri: str, path: Path, stamp: Stamp) -> bool:
        """Return whether a known file has not changed; one that was only touched gets its new stamp."""
        known = self._known[uri]
        if Stamp(known.state.size, known.state.mtime_ns) == stamp:
            return True
        if self._digest(path) != known.state.digest:
            return False
        self._files.move(known.song_id, uri, stamp.size, stamp.mtime_ns)
        return True

    def _put_aside(self, found: dict[str, tuple[Path, Stamp]], gone: list[str]) -> list[str]:
        """Take songs from names under which other songs lie now, as after `mv 2.mp3 1.mp3`; return their new uris.

        A song that is put aside has vanished, until its content is found under another name. Where content is new
        altogether, the file was changed and the song stays.
        """
        changed = {uri: self._known[uri] for uri, there in found.items() if self._holds_another_song(uri, *there)}
        sizes = {known.state.size for known in changed.values()}
        was_at = {without_lyrics(self._known[uri].state.digest): uri for uri in (*changed, *gone)}
        renamed: set[str] = set()
        for uri, (path, stamp) in found.items():
            if uri in changed or (uri not in self._known and stamp.size in sizes):
                before = was_at.get(without_lyrics(self._digest(path)))
                renamed |= {uri, before} if before else set()
        aside = []
        for uri, known in changed.items():
            if uri not in renamed:
                continue
            # No file has such a uri: in those of paths this sign is written otherwise.
            place = f"{uri}#{known.song_id}"
            self._files.move(known.song_id, place, known.state.size, known.state.mtime_ns)
            self._known[place] = self._known.pop(uri)
            aside.append(place)
        return aside

    def _holds_another_song(self, uri: str, path: Path, stamp: Stamp) -> bool:
        known = self._known.get(uri)
        if known is None or Stamp(known.state.size, known.state.mtime_ns) == stamp:
            return False
        digest = self._digest(path)
        return bool(digest) and without_lyrics(digest) != without_lyrics(known.state.digest)

    def _settle_moved(self, found: dict[str, tuple[Path, Stamp]]) -> None:
        """Recognise files that were only moved, by size and content, without hearing them again."""
        sizes = {known.state.size for known in self._gone.values() if known.state.made_by == self._made_by}
        for uri, (path, stamp) in found.items():
            if str(path) not in self._todo or uri in self._known or stamp.size not in sizes:
                continue
            as_heard = self._digest(path), self._made_by
            song_id = next(
                (one for one, known in self._gone.items() if (known.state.digest, known.state.made_by) == as_heard),
                None,
            )
            if song_id is not None:
                self._files.move(song_id, uri, stamp.size, stamp.mtime_ns)
                del self._gone[song_id], self._todo[str(path)]
                self.report.moved += 1

    def _digest(self, path: Path) -> bytes:
        """Return `digest_of` a file as it was found, empty if it can't be read."""
        if path not in self._digests:
            try:
                self._digests[path] = digest_of(path)
            except OSError:
                self._digests[path] = b""
        return self._digests[path]

    def _gone_with(self, digest: bytes) -> int | None:
        """Return a gone song of that content, whatever its lyrics."""
        wanted = without_lyrics(digest)
        return next(
            (song_id for song_id, known in self._gone.items() if without_lyrics(known.state.digest) == wanted), None
        )

    def _found_again(self, song_id: int) -> None:
        del self._gone[song_id]
        if song_id in self._lost:
            self._lost.remove(song_id)
            self.report.vanished -= 1

    def _keep(self, studied: Studied) -> None:
        report = self.report
        report.heard_s += studied.duration_s
        report.notes += [(studied.path, note) for note in studied.notes]
        if studied.entry is None:
            report.failed.append((studied.path, studied.problem))
            return
        stamp = self._todo[studied.path]
        is_known = studied.entry.uri in self._known
        instead_of = None if is_known else self._gone_with(studied.digest)
        state = State(stamp.size, stamp.mtime_ns, studied.digest, self._made_by)
        self._files.put(studied.entry, state, instead_of)
        if instead_of is not None:
            self._found_again(instead_of)
            report.moved += 1
        elif is_known:
            report.updated += 1
        else:
            report.added += 1
        if studied.told is not None and not self._learner.done and self._learner.learn(studied.told):
            self._files.put_explanation(self._made_by, self._learner.weights)


def _absolute(folder: Path) -> Path:
    return folder if folder.is_absolute() else type(folder)(os.path.abspath(folder))  # noqa: PTH100 - as in `walk`


def _there(uri: str) -> bool:
    path = path_of(uri)
    return path is not None and os.path.lexists(path)


@contextmanager
def alone(library: Path) -> Iterator[None]:
    """Keep other scans away from a library.

    Raises:
        LibraryError: another one is at work, or its lock can't be written.
    """
    lock = library.with_name(library.name + "-scan")
    try:
        file = lock.open("w", encoding="utf-8")
    except OSError as error:
        raise LibraryError(
            f"can't write {lock}: {error.strerror} (if another user has scanned, as root may have, give it to the one "
            f"who scans now: sudo chown $USER {lock})"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise LibraryError(f"another scan or import is writing into {library}: wait until it is done") from error
        yield

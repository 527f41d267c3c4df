"""Importing a catalogue into the library."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from robotd.music.catalogue.reading import read_entries
from robotd.music.catalogue.text import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from robotd.music.catalogue.columns import Plan
    from robotd.music.catalogue.reading import Taken
    from robotd.music.library import Library


#: So many rows are kept at once; then others that write into the library have their turn.
_PIECE = 2000


@dataclass(slots=True)
class Imported:
    """What has become of the rows of a catalogue so far.

    Attributes:
        added: new songs.
        updated: songs that were there before.
        repeated: rows that tell of a song that came before in the same file; the last one holds.
        rejected: rows that could not be used.
    """

    added: int = 0
    updated: int = 0
    repeated: int = 0
    rejected: list[Rejected] = field(default_factory=list)


class Importer:
    """Adds the songs of a catalogue, or updates those whose `uri` is known, piece by piece.

    Args:
        library: what the catalogue does not tell of a song that is there, such as how it sounds, stays as it was.
        plan: how the file is to be read.
    """

    def __init__(self, library: Library, plan: Plan) -> None:
        self.report = Imported()
        self._library = library
        self._plan = plan
        self._seen: set[str] = set()

    def run(self) -> Iterator[int]:
        """Import; give after each piece how many rows it had. What `report` tells is in the library, come what may.

        Raises:
            LibraryError: the file can't be read, or the library can't be written.
        """
        rows = read_entries(self._plan)
        while piece := list(islice(rows, _PIECE)):
            self.report.rejected += [one for one in piece if isinstance(one, Rejected)]
            self._keep([one for one in piece if not isinstance(one, Rejected)])
            yield len(piece)

    def _keep(self, taken: list[Taken]) -> None:
        sources = {one.entry.uri: one.source for one in taken if one.source}
        entries = [one.entry for one in taken]
        added, _ = self._library.put(entries, self._plan.path.name, amend=True, sources=sources)
        before = len(self._seen)
        self._seen.update(entry.uri for entry in entries)
        new = len(self._seen) - before
        report = self.report
        report.added += added
        report.updated += new - added
        report.repeated += len(entries) - new


def import_catalogue(library: Library, plan: Plan) -> Imported:
    """Add the songs of a catalogue; see `Importer`.

    Raises:
        LibraryError: the file can't be read, or the library can't be written.
    """
    importer = Importer(library, plan)
    for _ in importer.run():
        pass
    return importer.report

"""Importing a catalogue into the library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from robotd.music.catalogue.reading import read_entries
from robotd.music.catalogue.text import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from robotd.music.catalogue.columns import Plan
    from robotd.music.library import Library
    from robotd.music.song import Entry


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the rows of a catalogue.

    Attributes:
        added: new songs.
        updated: songs that were there before.
        repeated: rows that tell of a song that came before in the same file; the last one holds.
        rejected: rows that could not be used.
    """

    added: int
    updated: int
    repeated: int
    rejected: tuple[Rejected, ...]


def import_catalogue(library: Library, plan: Plan, progress: Callable[[], object] | None = None) -> Imported:
    """Add the songs of a catalogue, or update those whose `uri` is known, all in one go.

    Args:
        library: what the catalogue does not tell of a song that is there, such as how it sounds, stays as it was.
        plan: how the file is to be read.
        progress: called after each row.

    Raises:
        LibraryError: the file can't be read, or the library can't be written; then it is as it was.
    """
    rejected: list[Rejected] = []
    taken = 0

    def good() -> Iterator[Entry]:
        nonlocal taken
        for one in read_entries(plan):
            if progress is not None:
                progress()
            if isinstance(one, Rejected):
                rejected.append(one)
            else:
                taken += 1
                yield one

    added, updated = library.put(good(), plan.path.name, amend=True)
    return Imported(added, updated, taken - added - updated, tuple(rejected))

"""Limits: which songs may be recommended at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from robotd.errors import LibraryError
from robotd.music.table import UNKNOWN_YEAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from robotd.config import Limits
    from robotd.music.table import SongTable


def bars(table: SongTable, limits: Limits) -> NDArray[np.float32] | None:
    """Return 0 for songs that are within the limits and -inf for others, [n]; None: there are no limits.

    A song of which the genre, year or language is not known is outside a limit of it. The parental limit
    `explicit` leaves out songs that are marked explicit, `strict` also those of which it is not known.

    Raises:
        LibraryError: no song is within the limits.
    """
    inside = np.ones(len(table), bool)
    narrowed = []
    for told, kept in _filters(table, limits):
        inside &= kept
        narrowed.append(f"{told} ({np.count_nonzero(kept):,} songs)")
    if not narrowed:
        return None
    if not inside.any():
        raise LibraryError(f"no song of the library is within the limits: {', '.join(narrowed)}")
    barred: NDArray[np.float32] = np.where(inside, np.float32(0), np.float32(-np.inf))
    return barred


def _filters(table: SongTable, limits: Limits) -> list[tuple[str, NDArray[np.bool_]]]:
    """Return each limit in words with the songs that pass it."""
    filters = []
    if limits.genres:
        fitting = [_names(genre, limits.genres) for genre in table.genres]
        filters.append((f"genre {' or '.join(limits.genres)}", _coded(fitting, table.genre)))
    if limits.from_year is not None:
        filters.append((f"year from {limits.from_year}", table.year >= max(limits.from_year, UNKNOWN_YEAR + 1)))
    if limits.to_year is not None:
        filters.append((f"year to {limits.to_year}", (table.year <= limits.to_year) & (table.year != UNKNOWN_YEAR)))
    if limits.languages:
        wanted = {language.casefold() for language in limits.languages}
        fitting = [language.casefold() in wanted for language in table.languages]
        filters.append((f"language {' or '.join(limits.languages)}", _coded(fitting, table.language)))
    if limits.parental == "explicit":
        filters.append(("not explicit", table.explicit != 1))
    elif limits.parental == "strict":
        filters.append(("known not to be explicit", table.explicit == 0))
    return filters


def _coded(fitting: list[bool], codes: NDArray[np.signedinteger]) -> NDArray[np.bool_]:
    """Look up which codes fit; the last entry is what -1, unknown, finds."""
    found: NDArray[np.bool_] = np.array([*fitting, False])[codes]
    return found


def _names(genre: str, wanted: tuple[str, ...]) -> bool:
    """Whether a genre is one of these, or a kind of one: `indie rock` is `rock`, `rockabilly` is not."""
    words = f" {' '.join(genre.casefold().replace('-', ' ').split())} "
    return any(f" {' '.join(name.casefold().replace('-', ' ').split())} " in words for name in wanted)

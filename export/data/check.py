"""What of the public data sets is below a folder: how much of each class and speaker, what is missing or damaged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

Layout = Literal["published", "shared"]

_T = TypeVar("_T")
_POINTER = b"version https://git-lfs"


@dataclass(frozen=True, slots=True)
class Found:
    """A data set that is there.

    Attributes:
        place: the folder or file that was taken for it.
        layout: as its makers publish it, or as we pass it on.
        counts: how many there are, by the name of a class or a speaker, for each way to count.
        problems: what is missing or damaged, one line each.
    """

    place: Path
    layout: Layout
    counts: Mapping[str, Mapping[str, int]]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set and how to look for it.

    Attributes:
        name: as the command line calls it.
        published: what lies where in the layout of its makers, for a person who hasn't got it.
        look: (folder, watch) to what is there, None if nothing is.
    """

    name: str
    published: str
    look: Callable[[Path, Watch], Found | None]


class Watch:
    """Goes through files; a command line may show how far it is."""

    def over(self, items: Sequence[_T], what: str) -> Iterable[_T]:
        """Go through items."""
        del what
        return items


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found.

    Attributes:
        found: by name of the data set; None where nothing is there.
        trainable: recipes whose data are there and whole.
        lacking: recipe to what it lacks, in words.
    """

    found: Mapping[str, Found | None]
    trainable: tuple[str, ...] = ()
    lacking: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether nothing that was looked for is missing or damaged."""
        return not self.lacking and all(one is not None and not one.problems for one in self.found.values())


def check(root: Path, sets: Sequence[DataSet], needs: Mapping[str, Sequence[str]], watch: Watch) -> Report:
    """Look for data sets below a folder, and tell which recipes can be trained with them.

    Args:
        root: the folder.
        sets: what to look for.
        needs: recipes with the names of the data sets that each can't do without.
        watch: is told how far it is.
    """
    found = {one.name: one.look(root, watch) for one in sets}
    lacking = {}
    for recipe, wanted in needs.items():
        lacks = [f"{name}: {_state(found[name])}" for name in wanted if name in found and _state(found[name])]
        if lacks:
            lacking[recipe] = tuple(lacks)
    return Report(found, tuple(recipe for recipe in needs if recipe not in lacking), lacking)


def _state(found: Found | None) -> str:
    if found is None:
        return "isn't there"
    return f"{len(found.problems)} files missing or damaged" if found.problems else ""


def counted(names: Iterable[str]) -> dict[str, int]:
    """Count how often each name comes, in their order."""
    counts: dict[str, int] = {}
    for name in sorted(names):
        counts[name] = counts.get(name, 0) + 1
    return counts


def fault_of(file: Path, read: Callable[[Path], object]) -> str | None:
    """Return what is wrong with a file in one line, None if it can be read."""
    if not file.is_file():
        return f"{file.name}: missing"
    if not file.stat().st_size:
        return f"{file.name}: empty"
    with file.open("rb") as content:
        if content.read(len(_POINTER)) == _POINTER:
            return f"{file.name}: only a pointer of Git LFS; `git lfs pull` gets the file"
    try:
        read(file)
    except Exception as error:  # noqa: BLE001 - readers raise whatever a damaged file leads to
        return f"{file.name}: damaged ({(str(error).splitlines() or [type(error).__name__])[0]})"
    return None


def read_whole_sound(file: Path) -> None:
    """Decode a sound to its end.

    Raises:
        ValueError: there is nothing in it.
    """
    import soundfile

    with soundfile.SoundFile(file) as sound:
        wanted, read = sound.frames, 0
        for block in sound.blocks(1 << 16, dtype="int16"):
            read += len(block)
    if not read or read < wanted:
        raise ValueError(f"it ends after {read} of {wanted} samples")


def read_midi(file: Path) -> None:
    """Read a MIDI file's notes."""
    from robotd.perceive.features.score import read_notes

    read_notes(file)

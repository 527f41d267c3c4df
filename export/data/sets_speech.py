"""Looks for RAVDESS and CREMA-D."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from robotd.emotion import EMOTIONS

from . import places
from .check import DataSet, Found, Layout, Watch, counted, fault_of, read_whole_sound

if TYPE_CHECKING:
    from pathlib import Path

_ARCHIVE = "Audio_Speech_Actors_01-24.zip"
#: Actors as published, and in our layout, where the last four are kept back.
_ACTORS: dict[Layout, int] = {"published": 24, "shared": 20}
_NEUTRAL, _STRONG = 1, 2
_CREMAD_NAME = re.compile(r"\d{4}_[A-Z]{3}_([A-Z]{3})_[A-Z]{2,3}")


def _look_for_ravdess(root: Path, watch: Watch) -> Found | None:
    folder = places.ravdess(root)
    if folder is None:
        archive = places.named(root, _ARCHIVE)
        if archive is None:
            return None
        return Found(archive, "published", {}, (f"{_ARCHIVE}: is still packed; unzip it there",))
    layout: Layout = "shared" if folder.parts[-2:] == ("speech", "ravdess") else "published"
    files = sorted(file for file in folder.glob("Actor_*/03-01-*") if file.is_file())
    there = {(file.parent.name, file.stem) for file in files}
    wanted = [(f"Actor_{actor:02d}", name) for actor in range(1, _ACTORS[layout] + 1) for name in takes(actor)]
    problems = [f"{actor}: missing" for actor in dict(wanted) if not any(one[0] == actor for one in there)]
    gone = {problem.partition(":")[0] for problem in problems}
    problems += [
        f"{actor}/{name}: missing" for actor, name in wanted if actor not in gone and (actor, name) not in there
    ]
    faults = (fault_of(file, read_whole_sound) for file in watch.over(files, "RAVDESS"))
    problems += [fault for fault in faults if fault is not None]
    emotions = [EMOTIONS[int(file.stem.split("-")[2]) - 1].value for file in files if _is_take(file)]
    counts = {"emotion": counted(emotions), "actor": counted(file.parent.name[-2:] for file in files)}
    return Found(folder, layout, counts, tuple(problems))


def takes(actor: int) -> list[str]:
    """Return the names of an actor's 60 takes of speech: neutral has no strong ones (Livingstone & Russo 2018)."""
    return [
        f"03-01-{emotion:02d}-{intensity:02d}-{sentence:02d}-{repetition:02d}-{actor:02d}"
        for emotion in range(1, len(EMOTIONS) + 1)
        for intensity in (1, 2)
        for sentence in (1, 2)
        for repetition in (1, 2)
        if not (emotion == _NEUTRAL and intensity == _STRONG)
    ]


def _is_take(file: Path) -> bool:
    parts = file.stem.split("-")
    return len(parts) > 2 and parts[2].isdigit() and 1 <= int(parts[2]) <= len(EMOTIONS)  # noqa: PLR2004 - the third is the emotion


def _look_for_cremad(root: Path, watch: Watch) -> Found | None:
    clips = places.named(root, "AudioWAV", "speech/cremad")
    if clips is None:
        return None
    layout: Layout = "published" if clips.name == "AudioWAV" else "shared"
    files = sorted(file for file in clips.iterdir() if _CREMAD_NAME.fullmatch(file.stem))
    problems = []
    found = places.cremad(root)
    if found is None:
        problems.append("processedResults/tabulatedVotes.csv: missing")
    else:
        fault = fault_of(found[1], places.open_table)
        problems += [] if fault is None else [fault]
        if fault is None and layout == "published":
            there = {file.stem for file in files}
            names = {row["fileName"] for row in places.open_table(found[1])}
            problems += [f"{clips.name}/{name}.wav: missing" for name in sorted(names - there)]
    if not files:
        problems.append(f"{clips.name}: holds no clips")
    faults = (fault_of(file, read_whole_sound) for file in watch.over(files, "CREMA-D"))
    problems += [fault for fault in faults if fault is not None]
    counts = {
        "emotion": counted(file.stem.split("_")[2] for file in files),
        "actor": counted(file.stem[:4] for file in files),
    }
    return Found(clips, layout, counts, tuple(problems))


SETS = (
    DataSet("RAVDESS", "Actor_01 ... Actor_24, each with 03-01-EE-II-SS-RR-AA.wav", _look_for_ravdess),
    DataSet("CREMA-D", "AudioWAV/*.wav with processedResults/tabulatedVotes.csv", _look_for_cremad),
)

"""Looks for FER-2013 and FER+."""

from __future__ import annotations

import csv
import tarfile
from typing import TYPE_CHECKING

from . import places
from .check import DataSet, Found, Watch, counted, fault_of
from .fer import CLASSES, VOTE_COLUMNS
from .published import pixels

if TYPE_CHECKING:
    from pathlib import Path

#: How many images each usage has (Goodfellow et al. 2013).
_IMAGES = {"Training": 28_709, "PublicTest": 3_589, "PrivateTest": 3_589}
_TARS = {"fer2013_train.tar": "Training", "fer2013_publictest.tar": "PublicTest"}
_PICTURES = {".jpg", ".jpeg", ".png"}


def _look_for_fer(root: Path, watch: Watch) -> Found | None:
    table = places.fer(root)
    if table is not None:
        return _table(table, watch)
    tar = places.named(root, *(f"faces/{name}" for name in _TARS), *_TARS)
    if tar is not None:
        return _tars(tar.parent, watch)
    split = next(
        (one for one in places.folders(root) if all((one / part / "happy").is_dir() for part in ("train", "test"))),
        None,
    )
    return None if split is None else _folders(split, watch)


def _table(table: Path, watch: Watch) -> Found:
    csv.field_size_limit(1 << 20)
    fault = fault_of(table, places.open_table)
    if fault is not None:
        return Found(table, "published", {}, (fault,))
    rows = places.open_table(table)
    problems = [f"{table.name}: has no column {name}" for name in ("emotion", "pixels", "Usage") if name not in rows[0]]
    if problems:
        return Found(table, "published", {}, tuple(problems))
    for n, row in enumerate(watch.over(rows, "FER-2013")):
        try:
            pixels(row["pixels"])
            CLASSES[int(row["emotion"])]
        except (ValueError, IndexError, TypeError) as error:
            problems.append(f"{table.name}: row {n} is damaged ({error})")
    usages = counted(row["Usage"] for row in rows)
    problems += [
        f"{table.name}: {usages.get(usage, 0)} images of {usage} instead of {wanted}"
        for usage, wanted in _IMAGES.items()
        if usages.get(usage, 0) != wanted
    ]
    known = [row["emotion"] for row in rows if row["emotion"].isdigit() and int(row["emotion"]) < len(CLASSES)]
    return Found(
        table, "published", {"usage": usages, "class": counted(CLASSES[int(one)] for one in known)}, tuple(problems)
    )


def _tars(folder: Path, watch: Watch) -> Found:
    problems, classes, usages = [], [], []
    for name, usage in _TARS.items():
        try:
            with tarfile.open(folder / name) as tar:
                members = [member for member in tar.getmembers() if member.isfile()]
                for member in watch.over(members, f"FER-2013 {usage}"):
                    stored = tar.extractfile(member)
                    if stored is None or not _is_picture(stored.read()):
                        problems.append(f"{name}: {member.name} is damaged")
        except FileNotFoundError:
            problems.append(f"{name}: missing")
            continue
        except (OSError, tarfile.TarError) as error:
            problems.append(f"{name}: damaged ({error})")
            continue
        classes += [member.name.split("/")[0] for member in members]
        usages += [usage] * len(members)
        if len(members) != _IMAGES[usage]:
            problems.append(f"{name}: {len(members)} images instead of {_IMAGES[usage]}")
    return Found(folder, "shared", {"usage": counted(usages), "class": counted(classes)}, tuple(problems))


def _folders(folder: Path, watch: Watch) -> Found:
    files = [
        file
        for part in ("train", "test")
        for file in sorted((folder / part).glob("*/*"))
        if file.suffix.lower() in _PICTURES
    ]
    faults = (fault_of(file, _read_picture) for file in watch.over(files, "FER-2013"))
    problems = [fault for fault in faults if fault is not None]
    problems += [
        f"{part}/{name}: missing"
        for part in ("train", "test")
        for name in CLASSES
        if not (folder / part / name).is_dir()
    ]
    problems += [
        f"{part}: {there} images instead of {wanted}"
        for part, wanted in (("train", _IMAGES["Training"]), ("test", _IMAGES["PublicTest"] + _IMAGES["PrivateTest"]))
        if (there := sum(file.parts[-3] == part for file in files)) != wanted
    ]
    usages = counted(file.stem.split("_")[0] for file in files)
    return Found(
        folder, "published", {"usage": usages, "class": counted(file.parent.name for file in files)}, tuple(problems)
    )


def _look_for_ferplus(root: Path, watch: Watch) -> Found | None:
    del watch
    table, layout = places.ferplus(root), "published"
    if table is None:
        table, layout = places.named(root, "faces/ferplus_votes.csv", "ferplus_votes.csv"), "shared"
    if table is None:
        return None
    fault = fault_of(table, places.open_table)
    rows = [] if fault is not None else places.open_table(table)
    problems = [] if fault is None else [fault]
    problems += [f"{table.name}: has no column {name}" for name in VOTE_COLUMNS if rows and name not in rows[0]]
    if problems:
        return Found(table, "published" if layout == "published" else "shared", {}, tuple(problems))
    column = "Usage" if layout == "published" else "usage"
    wanted = sum(_IMAGES.values()) if layout == "published" else _IMAGES["Training"] + _IMAGES["PublicTest"]
    if len(rows) != wanted:
        problems.append(f"{table.name}: {len(rows)} rows instead of {wanted}")
    most = [max(VOTE_COLUMNS, key=lambda name, row=row: float(row[name])) for row in rows]  # type: ignore[misc]
    counts = {"usage": counted(row[column] for row in rows), "most votes": counted(most)}
    return Found(table, "published" if layout == "published" else "shared", counts, tuple(problems))


def _is_picture(content: bytes) -> bool:
    import cv2
    import numpy as np

    return bool(content) and cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE) is not None


def _read_picture(file: Path) -> None:
    if not _is_picture(file.read_bytes()):
        raise ValueError("it is no picture")


SETS = (
    DataSet("FER-2013", "fer2013.csv or icml_face_data.csv, or folders train/<class> and test/<class>", _look_for_fer),
    DataSet("FER+", "fer2013new.csv", _look_for_ferplus),
)

"""Looks for EMOPIA, VGMIDI, DEAM, the film soundtracks, and the other rated music of our own layout."""

from __future__ import annotations

import tarfile
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import places
from .check import DataSet, Found, Watch, counted, fault_of, read_midi, read_whole_sound

_STATIC = ("static_annotations_averaged_songs_1_2000.csv", "static_annotations_averaged_songs_2000_2058.csv")
_OLE = b"\xd0\xcf\x11\xe0"
_MIDI = {".mid", ".midi"}


@dataclass(frozen=True, slots=True)
class _Tars:
    """Tars of our own layout, and the table beside them that names each file.

    Attributes:
        table: below the folder of the data.
        tars: beside it.
        column: of the table: a file's name, with or without its ending.
        by: the column whose values are counted.
    """

    table: str
    tars: tuple[str, ...]
    column: str
    by: str


_EMOPIA = _Tars("music/midi/emopia/labels.csv", ("emopia_train.tar", "emopia_val.tar"), "id", "quadrant")
_VGMIDI = _Tars("music/midi/vgmidi/labels.csv", ("phrases.tar", "pieces.tar"), "file", "quadrant")


def _look_for_emopia(root: Path, watch: Watch) -> Found | None:
    folder = places.emopia(root)
    if folder is None:
        return _look_into(root, watch, _EMOPIA)
    fault = fault_of(folder / "label.csv", places.open_table)
    if fault is not None:
        return Found(folder, "published", {}, (fault,))
    names = [row["ID"] for row in places.open_table(folder / "label.csv")]
    files = [folder / "midis" / f"{name}.mid" for name in names]
    faults = [fault_of(file, read_midi) for file in watch.over(files, "EMOPIA")]
    problems = [fault for fault in faults if fault is not None]
    problems += [
        f"split/{split}_SL.csv: missing (the authors' list of songs)"
        for split in ("train", "val", "test")
        if not (folder / "split" / f"{split}_SL.csv").is_file()
    ]
    there = [name for name, fault in zip(names, faults, strict=True) if fault is None]
    return Found(folder, "published", {"quadrant": counted(name[:2] for name in there)}, tuple(problems))


def _look_for_vgmidi(root: Path, watch: Watch) -> Found | None:
    table = places.named(root, "vgmidi_labelled.csv")
    if table is None:
        return _look_into(root, watch, _VGMIDI)
    fault = fault_of(table, places.open_table)
    rows = [] if fault is not None else places.open_table(table)
    problems = [] if fault is None else [fault]
    if rows and not {"midi", "valence", "arousal"} <= rows[0].keys():
        problems.append(f"{table.name}: has no columns midi, valence, arousal")
        rows = []
    quadrants = []
    for row in watch.over(rows, "VGMIDI"):
        # The column holds paths from the repository's root or from the table's folder, by its version.
        near = (table.parent / row["midi"], table.parent.parent / row["midi"], table.parent / Path(row["midi"]).name)
        file = next((one for one in near if one.is_file()), near[0])
        fault = fault_of(file, read_midi)
        if fault is None:
            high, up = float(row["valence"]) > 0, float(row["arousal"]) > 0
            quadrants.append(
                {(True, True): "Q1", (False, True): "Q2", (False, False): "Q3", (True, False): "Q4"}[high, up]
            )
        else:
            problems.append(fault)
    annotations = table.parent / "annotations"
    if not any(annotations.glob("*.json")) and not any((table.parent / "labelled" / "annotations").glob("*.json")):
        problems.append("annotations/vgmidi_raw_*.json: missing")
    return Found(table.parent, "published", {"quadrant": counted(quadrants)}, tuple(problems))


def _look_for_pop909(root: Path, watch: Watch) -> Found | None:
    table = places.named(root, "music/midi/pretrain/pop909_index.csv")
    if table is None:
        return None
    fault = fault_of(table, places.open_table)
    problems = [] if fault is None else [fault]
    rows = [] if fault is not None else places.open_table(table)
    missing = [name for name in ("pop909.tar", "pop909_chord_beat_key.tar.gz") if not (table.parent / name).is_file()]
    problems += [f"{name}: missing" for name in missing]
    if not missing:
        with tarfile.open(table.parent / "pop909.tar") as tar:
            there = set(tar.getnames())
        songs = list(watch.over(rows, "POP909"))
        problems += [f"pop909.tar: has no {row['file']}" for row in songs if row["file"] not in there]
    return Found(table.parent, "shared", {"songs": {"listed": len(rows)}}, tuple(problems))


def _look_for_deam(root: Path, watch: Watch) -> Found | None:
    tables = [places.named(root, name) for name in _STATIC]
    audio = places.named(root, "MEMD_audio")
    if tables[0] is None and tables[1] is None and audio is None:
        return _shared_deam(root, watch)
    problems = [f"{name}: missing" for name, table in zip(_STATIC, tables, strict=True) if table is None]
    songs = []
    for table in tables:
        fault = None if table is None else fault_of(table, places.open_table)
        problems += [] if fault is None else [fault]
        if table is not None and fault is None:
            songs += [row["song_id"].strip() for row in places.open_table(table)]
    if audio is None:
        problems.append("MEMD_audio: missing (DEAM_audio.zip)")
    else:
        files = [audio / f"{song}.mp3" for song in songs]
        faults = (fault_of(file, read_whole_sound) for file in watch.over(files, "DEAM"))
        problems += [fault for fault in faults if fault is not None]
    dynamic = [name for name in ("arousal.csv", "valence.csv") if places.named(root, name) is None]
    problems += [f"{name}: missing (dynamic annotations)" for name in dynamic]
    place = audio or next(table for table in tables if table is not None)
    return Found(place, "published", {"songs": {"annotated": len(songs)}}, tuple(problems))


def _shared_deam(root: Path, watch: Watch) -> Found | None:
    table = places.named(root, "music/annotations/deam_static.csv")
    if table is None:
        return None
    found = _shared_audio("deam10", root, watch)
    problems = [] if found is None else list(found.problems)
    if found is None:
        problems.append("audio/deam10.tar: missing")
    for name in ("deam_static.csv", "deam744_dynamic_2hz.csv.gz"):
        fault = fault_of(table.parent / name, places.open_table)
        problems += [] if fault is None else [fault]
    return Found(table.parent, "shared", {} if found is None else found.counts, tuple(problems))


def _look_for_soundtracks(root: Path, watch: Watch) -> Found | None:
    table = places.named(root, "mean_ratings_set1.csv", "mean_ratings_set1.xls")
    clips = next((one for one in places.folders(root) if (one / "001.mp3").is_file() and _is_first_set(one)), None)
    if table is None and clips is None:
        return _shared_audio("soundtracks1", root, watch)
    problems = []
    numbers = [str(number) for number in range(1, 361)]
    targets: list[str] = []
    if table is None:
        problems.append("mean_ratings_set1.csv: missing")
    elif table.suffix == ".csv":
        fault = fault_of(table, places.open_table)
        problems += [] if fault is None else [fault]
        rows = [] if fault is not None else places.open_table(table)
        lowered = [{name.lower(): value for name, value in row.items() if name} for row in rows]
        targets = [row["target"] for row in lowered if row.get("target")]
        problems += [] if len(rows) == len(numbers) else [f"{table.name}: {len(rows)} clips instead of {len(numbers)}"]
    else:
        with table.open("rb") as content:
            if content.read(len(_OLE)) != _OLE:
                problems.append(f"{table.name}: damaged (it is no Excel file)")
    if clips is None:
        problems.append("Set1/001.mp3 ...: missing (Set1.zip)")
    else:
        files = [clips / f"{int(number):03d}.mp3" for number in numbers]
        faults = (fault_of(file, read_whole_sound) for file in watch.over(files, "Soundtracks"))
        problems += [fault for fault in faults if fault is not None]
    place = clips or table
    assert place is not None
    return Found(place, "published", {"target": counted(targets)}, tuple(problems))


def _is_first_set(folder: Path) -> bool:
    """Set 2 has 110 clips of the same names."""
    return (folder / "360.mp3").is_file() or "set2" not in str(folder).lower()


def _shared_audio(name: str, root: Path, watch: Watch) -> Found | None:
    """Look for `music/audio/<name>.tar` and the ratings beside it."""
    return _look_into(root, watch, _Tars(f"music/audio/{name}_labels.csv", (f"{name}.tar",), "file", "split"))


def _look_into(root: Path, watch: Watch, wanted: _Tars) -> Found | None:
    """Read every file of some tars, and tell which of those that their table names are missing."""
    table = places.named(root, wanted.table)
    if table is None:
        return None
    fault = fault_of(table, places.open_table)
    if fault is not None:
        return Found(table.parent, "shared", {}, (fault,))
    rows = places.open_table(table)
    problems: list[str] = []
    there: set[str] = set()
    for name in wanted.tars:
        try:
            with tarfile.open(table.parent / name) as tar, tempfile.TemporaryDirectory() as folder:
                for member in watch.over([one for one in tar.getmembers() if one.isfile()], name):
                    stored = tar.extractfile(member)
                    assert stored is not None
                    file = Path(folder) / Path(member.name).name
                    file.write_bytes(stored.read())
                    fault = fault_of(file, read_midi if file.suffix.lower() in _MIDI else read_whole_sound)
                    file.unlink()
                    problems += [] if fault is None else [f"{name}: {fault}"]
                    there |= {file.name, file.stem}
        except FileNotFoundError:
            problems.append(f"{name}: missing")
        except (OSError, tarfile.TarError) as error:
            problems.append(f"{name}: damaged ({error})")
    problems += [f"{row[wanted.column]}: missing" for row in rows if row[wanted.column] not in there]
    present = [row for row in rows if row[wanted.column] in there]
    return Found(table.parent, "shared", {wanted.by: counted(row[wanted.by] for row in present)}, tuple(problems))


SETS = (
    DataSet("EMOPIA", "midis/*.mid with label.csv and split/*_SL.csv", _look_for_emopia),
    DataSet(
        "VGMIDI",
        "vgmidi_labelled.csv with labelled/midi or labelled/phrases and labelled/annotations",
        _look_for_vgmidi,
    ),
    DataSet("POP909", "in our own layout only: music/midi/pretrain/pop909.tar with its index", _look_for_pop909),
    DataSet("DEAM", "MEMD_audio/*.mp3 with static_annotations_averaged_songs_*.csv", _look_for_deam),
    DataSet("Soundtracks", "Set1/001.mp3 ... 360.mp3 with mean_ratings_set1.csv (or .xls)", _look_for_soundtracks),
    *(
        DataSet(name, f"in our own layout only: music/audio/{name}.tar", partial(_shared_audio, name))
        for name in ("perceptual100", "musifeast17", "grekow324", "emotify")
    ),
)

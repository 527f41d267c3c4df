"""Clips of music with human ratings: six public sets in one form.

The layout: `music/audio/<set>_labels.csv` with a row a clip (column `file`) and beside it `<set>.tar` with the clips as
flat sound files; `music/annotations/musifeast17_mir33.csv` and `deam744_dynamic_2hz.csv.gz`. Sources:

- soundtracks1: Eerola & Vuoskoski 2011 (Psychology of Music 39(1)), film music, eight ratings by experts (1-9);
- perceptual100: 5 s of the same film music, eight perceptual features (R package MusicScienceData, Eerola 2021);
- musifeast17: van der Walle et al. 2025 (Behavior Research Methods 57(7)), 17 genres (1-5);
- grekow324: Grekow 2018, 6 s pieces of GTZAN, valence and arousal (-10..10);
- emotify: Aljanaki, Wiering & Veltkamp 2016 (IP&M), shares of listeners who felt the nine emotions of GEMS;
- deam10: ten songs of DEAM (Aljanaki, Yang & Soleymani 2017, PLoS ONE 12(3)), rated as a whole (1-9) and by the time.
"""

from __future__ import annotations

import csv
import gzip
import io
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import soundfile
import soxr
from rich.progress import track

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

#: All clips are kept at this rate, which is their own.
RATE_HZ = 24_000
EIGHT = ("valence", "energy", "tension", "anger", "fear", "happy", "sad", "tender")
GEMS = (
    *("amazement", "solemnity", "tenderness", "nostalgia", "calmness"),
    *("power", "joyful_activation", "tension", "sadness"),
)
PERCEIVED = (
    *("articulation", "brightness", "density", "harmonic_complexity"),
    *("key_clarity", "mode", "pulse_clarity", "repetitiveness"),
)
#: The columns of each set's ratings, and the two ends of its scale.
SCALES: dict[str, tuple[tuple[str, ...], float, float]] = {
    "soundtracks1": (EIGHT, 1.0, 9.0),
    "perceptual100": (PERCEIVED, 1.0, 9.0),
    "musifeast17": (("valence_m", "arousal_m", "enjoyment_m", "contrast_m"), 1.0, 5.0),
    "grekow324": (("valence", "arousal"), -10.0, 10.0),
    "emotify": (GEMS, 0.0, 1.0),
    "deam10": (("valence_mean", "arousal_mean"), 1.0, 9.0),
}
_MIR_PER_SET = "musifeast17"


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A piece of music with what people say of it.

    Attributes:
        source: which set it is from.
        file: its name there.
        group: album, artist or track; clips of a group never lie on both sides of a split.
        samples: [n] float32, mono, 24 kHz.
        ratings: by the set's own column names, in its own scale, those that are there.
        curve: [t, 3] time in s, valence and arousal (-1..1), where it was rated by the time.
        measured: acoustic features that somebody else computed, by name.
    """

    source: str
    file: str
    group: str
    samples: NDArray[np.float32]
    ratings: Mapping[str, float]
    curve: NDArray[np.float32] | None = None
    measured: Mapping[str, float] = field(default_factory=dict)

    def at(self, rate_hz: int) -> NDArray[np.float32]:
        """Return the samples at another rate."""
        resampled: NDArray[np.float32] = soxr.resample(self.samples, RATE_HZ, rate_hz)
        return resampled


def read_songs(data: Path, sources: Iterable[str] = tuple(SCALES)) -> list[Clip]:
    """Read sets of clips, each in the order of its file names.

    Raises:
        FileNotFoundError: a set is not there, or a labelled clip is missing.
    """
    folder = data / "music" / "audio"
    albums = _albums(folder)
    curves = _curves(data / "music" / "annotations" / "deam744_dynamic_2hz.csv.gz")
    measured = _measured(data / "music" / "annotations" / "musifeast17_mir33.csv")
    clips = []
    for source in sources:
        rows = {row["file"]: row for row in _rows(folder / f"{source}_labels.csv")}
        sounds = _sounds(folder / f"{source}.tar", set(rows))
        for file, row in sorted(rows.items()):
            if file not in sounds:
                raise FileNotFoundError(f"{folder}: {source}.tar has no {file}")
            ratings = {column: float(row[column]) for column in SCALES[source][0] if row.get(column)}
            curve = curves.get(row["song_id"]) if source == "deam10" else None
            features = measured.get(file.rsplit(".", 1)[0], {}) if source == _MIR_PER_SET else {}
            clips.append(Clip(source, file, _GROUPS[source](row, albums), sounds[file], ratings, curve, features))
    return clips


def folds(clips: Sequence[Clip], count: int, seed: int = 0) -> NDArray[np.int64]:
    """Return [n] the fold (0 to count - 1) of each clip: groups stay whole, each set is spread evenly."""
    rng = np.random.default_rng(seed)
    fold_of: dict[str, int] = {}
    for family in sorted({clip.group.split("/")[0] for clip in clips}):
        members = [clip.group for clip in clips if clip.group.split("/")[0] == family]
        groups, sizes = np.unique(members, return_counts=True)
        filled = np.zeros(count)
        for place in rng.permutation(len(groups)):
            emptiest = int(filled.argmin())
            filled[emptiest] += sizes[place]
            fold_of[str(groups[place])] = emptiest
    return np.array([fold_of[clip.group] for clip in clips])


def _album(row: Mapping[str, str], albums: Mapping[str, str]) -> str:
    number = row.get("soundtracks1_number") or row.get("number", "")
    return f"soundtracks/{albums.get(number, number)}"


_GROUPS: dict[str, Callable[[Mapping[str, str], Mapping[str, str]], str]] = {
    "soundtracks1": _album,
    "perceptual100": _album,
    "musifeast17": lambda row, _: f"musifeast/{row['artist'].lower()}",
    "grekow324": lambda row, _: f"grekow/{row['name']}",
    "emotify": lambda row, _: f"emotify/{row['artist'].lower()}",
    "deam10": lambda row, _: f"deam/{row['artist'].lower()}",
}


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _albums(folder: Path) -> dict[str, str]:
    """Return the album of each number of the film music, which the 5 s pieces are cut out of."""
    file = folder / "soundtracks1_labels.csv"
    return {row["number"]: row["album"] for row in _rows(file)} if file.exists() else {}


def _curves(file: Path) -> dict[str, NDArray[np.float32]]:
    curves: dict[str, list[tuple[float, ...]]] = {}
    if file.exists():
        with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                point = (float(row["t_s"]), float(row["valence_mean"]), float(row["arousal_mean"]))
                curves.setdefault(row["song_id"], []).append(point)
    return {song: np.array(points, np.float32) for song, points in curves.items()}


def _measured(file: Path) -> dict[str, dict[str, float]]:
    if not file.exists():
        return {}
    rows = _rows(file)
    return {
        row["filename"].rsplit(".", 1)[0]: {
            name: float(value) for name, value in row.items() if name != "filename" and value not in {"", "NA", "NaN"}
        }
        for row in rows
    }


def _sounds(file: Path, wanted: set[str]) -> dict[str, NDArray[np.float32]]:
    """Decode the wanted members of a tar: mono, 24 kHz."""
    sounds = {}
    with tarfile.open(file) as tar:
        members = [member for member in tar.getmembers() if member.name.rsplit("/", 1)[-1] in wanted]
        for member in track(members, f"decoding {file.name}", transient=True):
            content = tar.extractfile(member)
            assert content is not None
            samples, rate_hz = soundfile.read(io.BytesIO(content.read()), dtype="float32", always_2d=True)
            mono = samples.mean(axis=1)
            name = member.name.rsplit("/", 1)[-1]
            sounds[name] = mono if rate_hz == RATE_HZ else soxr.resample(mono, rate_hz, RATE_HZ)
    return sounds

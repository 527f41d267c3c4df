"""Films for the tests: made by FFmpeg, and readings as a film would give them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from robotd.emotion import EMOTIONS, Emotion, Feeling, Modality, Reading, valence_arousal
from robotd.emotion import QUADRANT_OF as QUADRANTS
from robotd.film.watch import Seen

SCENE = Path(__file__).parents[2] / "robotd" / "scene" / "scene.mp4"
TONE = "sine=frequency=1000:sample_rate=48000"
PICTURE = "testsrc=size=96x72:rate=25"


def make(path: Path, *arguments: str) -> Path:
    """Make a file with FFmpeg."""
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments, str(path)], check=True)
    return path


def film_of(path: Path, length_s: float, *options: str) -> Path:
    """Make a film of a test picture and a tone."""
    sources = ("-f", "lavfi", "-i", PICTURE, "-f", "lavfi", "-i", TONE)
    codec = ("-c:v", "libvpx", "-deadline", "realtime") if path.suffix == ".webm" else ()
    return make(path, *sources, "-t", str(length_s), *codec, *options)


def asked(path: Path, entries: str) -> list[str]:
    """Return what ffprobe says of a file."""
    command = ["ffprobe", "-v", "error", "-show_entries", entries, "-of", "default=nw=1:nk=1", str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def probabilities(emotion: Emotion, share: float = 0.8) -> tuple[float, ...]:
    """Return probabilities of which an emotion has a share, and the others the rest."""
    rest = (1 - share) / (len(EMOTIONS) - 1)
    return tuple(share if one is emotion else rest for one in EMOTIONS)


def seen(modality: Modality, emotion: Emotion, start_s: float, end_s: float | None = None, share: float = 0.8) -> Seen:
    """Return a reading of a moment, or of an utterance."""
    end_s = start_s if end_s is None else end_s
    return Seen(start_s, end_s, Reading(modality, end_s, probabilities(emotion, share)))


def felt(time_s: float, emotion: Emotion | None, share: float = 0.8) -> Feeling:
    """Return a feeling; None is unknown."""
    if emotion is None:
        even = tuple(1 / len(EMOTIONS) for _ in EMOTIONS)
        return Feeling(time_s, "unknown", even, None, None, None, 0.0, {}, 0.0)
    shares = probabilities(emotion, share)
    valence, arousal = valence_arousal(shares)
    return Feeling(time_s, emotion.value, shares, valence, arousal, QUADRANTS[emotion], share, {}, 0.0)

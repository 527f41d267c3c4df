# noqa: INP001 - a script, not a package
"""Renders the built-in scene, robotd/scene/scene.mp4.

    pip install scikit-image opencv-python-headless av soundfile   # and: apt install espeak-ng
    python tools/render_scene.py robotd/scene/scene.mp4

The picture is scikit-image's `data.astronaut()` (Eileen Collins, by NASA, public domain), the voice is
espeak-ng's.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import av
import cv2
import numpy as np
import soundfile
from skimage import data

if TYPE_CHECKING:
    from numpy.typing import NDArray

LENGTH_S = 24.0
RATE_HZ = 12
WIDTH, HEIGHT = 640, 480
SOUND_RATE_HZ = 22_050
#: The face in the portrait: middle and width in pixels.
FACE_X, FACE_Y, FACE_WIDTH = 222, 115, 95


class Sentence(NamedTuple):
    """Something said: when, how (espeak-ng's pitch 0..99 and words a minute), and how loud (peak 0..1)."""

    start_s: float
    text: str
    pitch: int
    words_per_minute: int
    peak: float


class Pose(NamedTuple):
    """Where the face is at a time, all between poses is interpolated.

    x and y are its middle in the picture, size its width, turn in degrees, light a factor.
    """

    time_s: float
    x: float
    y: float
    size: float
    turn: float
    light: float


SENTENCES = (
    Sentence(1.0, "Oh wow, this is wonderful! I can't believe it!", 85, 215, 0.8),
    Sentence(6.2, "I am so tired. Nothing went well today.", 18, 105, 0.25),
    Sentence(12.0, "No! Stop that right now! I told you before!", 60, 235, 0.95),
    Sentence(17.6, "It is a quiet evening. Let us sit down and listen for a while.", 38, 150, 0.45),
)

POSES = (
    Pose(0.0, 320, 220, 130, 0, 1.0),
    Pose(2.0, 360, 210, 165, 4, 1.1),
    Pose(4.5, 280, 225, 150, -5, 1.15),
    Pose(6.0, 300, 240, 110, -3, 0.9),
    Pose(9.0, 340, 250, 100, 3, 0.7),
    Pose(10.5, 330, 240, 110, 0, 0.75),
    # Out of the picture to the right, back from the left.
    Pose(11.4, 820, 230, 120, 8, 0.9),
    Pose(13.4, 820, 230, 150, 8, 1.0),
    Pose(13.5, -180, 220, 150, -8, 1.0),
    Pose(14.4, 320, 215, 190, 0, 1.1),
    Pose(16.5, 300, 220, 210, -6, 1.0),
    Pose(18.5, 350, 220, 140, 5, 0.95),
    Pose(21.0, 300, 225, 130, 0, 1.0),
    Pose(24.0, 320, 220, 130, 0, 1.0),
)


def main(path: Path) -> None:
    """Render the film into a file."""
    pictures = 0
    with av.open(str(path), "w") as film:
        video = film.add_stream("libx264", rate=RATE_HZ)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.options = {"crf": "29", "preset": "veryslow", "tune": "stillimage"}
        audio = film.add_stream("aac", rate=SOUND_RATE_HZ, layout="mono")
        audio.bit_rate = 40_000
        sound = av.AudioFrame.from_ndarray(voice()[None], format="fltp", layout="mono")
        sound.sample_rate = SOUND_RATE_HZ
        portrait = np.ascontiguousarray(data.astronaut()[..., ::-1])
        for pictures in range(int(LENGTH_S * RATE_HZ)):
            picture = av.VideoFrame.from_ndarray(paint(portrait, pictures / RATE_HZ), format="bgr24")
            picture.pts, picture.time_base = pictures, Fraction(1, RATE_HZ)
            film.mux(video.encode(picture))
        film.mux(video.encode(None))
        film.mux(audio.encode(sound))
        film.mux(audio.encode(None))
    sys.stdout.write(f"{path}: {path.stat().st_size / 1000:.0f} kB\n")


def paint(portrait: NDArray[np.uint8], time_s: float) -> NDArray[np.uint8]:
    """Return the picture at a time: the portrait in its pose before a plain wall."""
    times = [pose.time_s for pose in POSES]
    x, y, size, turn, light = (float(np.interp(time_s, times, [pose[n] for pose in POSES])) for n in range(1, 6))
    placed = cv2.getRotationMatrix2D((FACE_X, FACE_Y), turn, size / FACE_WIDTH)
    placed[:, 2] += np.array([x - FACE_X, y - FACE_Y])
    # The portrait's sides and top fade into the wall, so that it has no edges.
    oval = np.zeros(portrait.shape[:2], np.float32)
    cv2.ellipse(oval, (FACE_X + 10, 260), (170, 275), 0, 0, 360, 1.0, -1)
    soft = cv2.GaussianBlur(oval, (0, 0), 14) * np.clip(np.arange(len(oval)) / 24, 0, 1)[:, None]
    mask = cv2.warpAffine(soft, placed, (WIDTH, HEIGHT))[..., None]
    person = cv2.warpAffine(portrait, placed, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    wall = np.linspace(195, 160, HEIGHT, dtype=np.float32)[:, None, None] * np.array([0.97, 0.98, 1.0], np.float32)
    image = (person * mask + wall * (1 - mask)) * light
    return np.clip(image, 0, 255).astype(np.uint8)


def voice() -> NDArray[np.float32]:
    """Return the sound: the sentences in silence, [n] float32 at SOUND_RATE_HZ."""
    sound = np.zeros(int(LENGTH_S * SOUND_RATE_HZ), np.float32)
    # A room is never quite silent.
    sound += np.random.default_rng(0).normal(0, 0.0008, len(sound)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "sentence.wav"
        for sentence in SENTENCES:
            subprocess.run(
                [
                    *("espeak-ng", "-v", "en-us+f3", "-w", str(wav)),
                    *("-p", str(sentence.pitch), "-s", str(sentence.words_per_minute), sentence.text),
                ],
                check=True,
            )
            said, rate_hz = soundfile.read(wav, dtype="float32")
            assert rate_hz == SOUND_RATE_HZ
            begin = int(sentence.start_s * SOUND_RATE_HZ)
            end_s = sentence.start_s + len(said) / rate_hz
            sys.stdout.write(f"{sentence.start_s:5.1f} s .. {end_s:5.1f} s  {sentence.text}\n")
            sound[begin : begin + len(said)] += said * (sentence.peak / np.abs(said).max())
    return sound


if __name__ == "__main__":
    main(Path(sys.argv[1]))

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from robotd.emotion import Emotion, Quadrant
from robotd.errors import CommandError
from robotd.film import picture
from robotd.film.picture import COLOURS, draw
from robotd.film.segments import segments
from tests.film.films import felt

EMOTIONS = [Emotion.HAPPY] * 40 + [None] * 20 + [Emotion.SAD] * 61
TOLD = [felt(n / 2, emotion) for n, emotion in enumerate(EMOTIONS)]


def drawn(path: Path) -> np.ndarray:
    pytest.importorskip("matplotlib", reason="pip install 'robotd[score]'")
    draw(path, "a film.mp4", TOLD, segments(TOLD, 60.0), [])
    image = cv2.imread(str(path))
    assert image is not None
    return image


def share(image: np.ndarray, quadrant: Quadrant) -> float:
    """Return how much of a picture has the colour of a quadrant."""
    red, green, blue = (int(COLOURS[quadrant][n : n + 2], 16) for n in (1, 3, 5))
    return float((np.abs(image.astype(int) - (blue, green, red)).max(axis=2) < 8).mean())


def test_a_picture_shows_the_quadrants_of_its_segments(tmp_path: Path) -> None:
    image = drawn(tmp_path / "timeline.png")
    assert image.shape[0] > 600
    assert image.shape[1] > 1200
    shares = {quadrant: share(image, quadrant) for quadrant in Quadrant}
    assert shares[Quadrant.Q1] > 5 * shares[Quadrant.Q2]
    assert shares[Quadrant.Q3] > 5 * shares[Quadrant.Q2]


def test_a_film_of_a_moment_and_a_film_of_hours_have_pictures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="pip install 'robotd[score]'")
    for count in (1, 7200):
        told = [felt(n / 2, Emotion.CALM) for n in range(count)]
        draw(tmp_path / "timeline.png", "film", told, segments(told, count / 2), [])
        image = cv2.imread(str(tmp_path / "timeline.png"))
        assert image is not None
        assert image.shape[1] < 5000


def test_without_matplotlib_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "available", lambda: False)
    with pytest.raises(CommandError, match=r"pip install 'robotd\[score\]'"):
        draw(tmp_path / "timeline.png", "film", TOLD, segments(TOLD, 60.0), [])
    assert not list(tmp_path.iterdir())

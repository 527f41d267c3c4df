from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robotd.perceive.features.face_image import (
    CENTRE_FRACTION,
    EYES_PX,
    EYES_TO_MOUTH_PX,
    aligned_face,
    boxed_face,
    face_tensor,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

Points = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
MIDDLE = 23.5
EYES_Y = MIDDLE - CENTRE_FRACTION * EYES_TO_MOUTH_PX


def drawn_face(size: float, roll_deg: float, centre: tuple[float, float]) -> tuple[NDArray[np.uint8], Points]:
    """A grey picture with two dark eyes and a bright mouth, and where they are."""
    picture = np.full((480, 640), 128, np.uint8)
    right = complex(math.cos(math.radians(roll_deg)), math.sin(math.radians(roll_deg)))
    down = right * 1j
    eyes = [complex(*centre) + size * (side * EYES_PX / 2 * right) for side in (-1, 1)]
    mouth = complex(*centre) + size * EYES_TO_MOUTH_PX * down
    for eye in eyes:
        cv2.circle(picture, (round(eye.real), round(eye.imag)), round(2 * size), 0, -1)
    cv2.circle(picture, (round(mouth.real), round(mouth.imag)), round(2 * size), 255, -1)
    left, other = ((eye.real, eye.imag) for eye in eyes)
    return picture, (left, other, (mouth.real, mouth.imag))


def centroid(mask: NDArray[np.bool_]) -> tuple[float, float]:
    rows, columns = np.nonzero(mask)
    return float(columns.mean()), float(rows.mean())


@given(
    size=st.floats(2, 6), roll_deg=st.floats(-60, 60), x=st.floats(200, 440), y=st.floats(160, 240)
)  # fmt: skip
def test_eyes_and_mouth_come_to_their_places(size: float, roll_deg: float, x: float, y: float) -> None:
    picture, points = drawn_face(size, roll_deg, (x, y))
    crop = aligned_face(picture, *points)
    left_x, left_y = centroid(crop[:, :24] < 60)
    right_x, right_y = centroid(np.pad(crop[:, 24:] < 60, ((0, 0), (24, 0))))
    mouth_x, mouth_y = centroid(crop > 200)
    assert (left_x, left_y) == pytest.approx((MIDDLE - EYES_PX / 2, EYES_Y), abs=0.8)
    assert (right_x, right_y) == pytest.approx((MIDDLE + EYES_PX / 2, EYES_Y), abs=0.8)
    assert (mouth_x, mouth_y) == pytest.approx((MIDDLE, EYES_Y + EYES_TO_MOUTH_PX), abs=0.8)


def test_a_turned_head_keeps_its_size() -> None:
    picture, (_, right_eye, mouth) = drawn_face(4, 0, (320, 200))
    turned = aligned_face(picture, (320.0, right_eye[1]), right_eye, (mouth[0] + EYES_PX, mouth[1]))
    frontal = aligned_face(picture, (320 - 2 * EYES_PX, 200.0), right_eye, mouth)
    assert (turned > 200).sum() == pytest.approx((frontal > 200).sum(), abs=3)


def test_what_lies_outside_repeats_the_edge() -> None:
    picture = np.full((60, 60), 90, np.uint8)
    crop = aligned_face(picture, (2.0, 5.0), (30.0, 5.0), (16.0, 36.0))
    assert crop.shape == (48, 48)
    assert (crop == 90).all()


def test_large_faces_are_averaged_not_sampled() -> None:
    checkerboard = (np.indices((480, 640)).sum(axis=0) % 2 * 255).astype(np.uint8)
    crop = aligned_face(checkerboard, (260.0, 160.0), (380.0, 160.0), (320.0, 288.0))
    assert crop.std() < 25


@pytest.mark.parametrize("mouth", [(10.0, 10.0), (float("nan"), 0.0)])
def test_points_that_are_no_face_are_refused(mouth: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="different points"):
        aligned_face(np.zeros((50, 50), np.uint8), (10.0, 10.0), (10.0, 10.0), mouth)


def test_a_box_is_cut_square_about_its_centre() -> None:
    picture = np.zeros((200, 200), np.uint8)
    picture[90:110, 90:110] = 255
    crop = boxed_face(picture, 52, 52, 96, 96)
    x, y = centroid(crop > 128)
    assert (x, y) == pytest.approx((MIDDLE, MIDDLE), abs=0.6)
    with pytest.raises(ValueError, match="width"):
        boxed_face(picture, 5, 5, 0, 0)


@given(level=st.integers(20, 120), contrast=st.floats(0.3, 1.0))
def test_light_does_not_matter(level: int, contrast: float) -> None:
    rng = np.random.default_rng(0)
    crop = rng.integers(0, 120, (48, 48)).astype(np.uint8)
    other = (level + contrast * crop).astype(np.uint8)
    np.testing.assert_allclose(face_tensor(other), face_tensor(crop), atol=0.06)


def test_tensor_has_mean_zero_and_deviation_one() -> None:
    crop = np.random.default_rng(0).integers(0, 256, (48, 48)).astype(np.uint8)
    tensor = face_tensor(crop)
    assert tensor.shape == (1, 1, 48, 48)
    assert tensor.dtype == np.float32
    assert tensor.mean() == pytest.approx(0, abs=1e-5)
    assert tensor.std() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("grey", [0, 127, 255])
def test_flat_crops_stay_finite_and_flat(grey: int) -> None:
    crop = np.full((48, 48), grey, np.uint8)
    assert not face_tensor(crop).any()
    crop[0, 0] ^= 1
    assert np.abs(face_tensor(crop)).max() < 1

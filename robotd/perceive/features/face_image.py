"""Face crops as FER-2013 has them: what the face models see, in training and on the robot.

The places of eyes and mouth below are medians over 2,018 images of FER-2013's *Training* in which BlazeFace
is sure of a face (score over 0.8) and the face mesh agrees (over 0.9). FER-2013 leaves a margin round the
face, which the models need: a tighter crop costs several points of accuracy.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Point = tuple[float, float]

SIDE = 48
#: Distances in a 48-pixel crop: between the eyes (middles of their corners), and from the point between
#: them to the middle of the lips (quartiles 15.5..19.1 and 16.8..20.7).
EYES_PX = 17.2
EYES_TO_MOUTH_PX = 18.4
#: How far from the eyes to the mouth the point lies that comes into the middle of the crop.
CENTRE_FRACTION = 0.3
#: A crop is so much wider than OpenCV's frontal Haar box, which has the same centre (530 images).
HAAR_WIDENING = 1.04
#: Below this deviation (of 255) a crop counts as flat and is not stretched further.
_FLAT = 4.0


def aligned_face(grey: NDArray[np.uint8], left_eye: Point, right_eye: Point, mouth: Point) -> NDArray[np.uint8]:
    """Cut out a face, level and at the size that FER-2013's faces have on average.

    A turn of the head shortens the distance between the eyes and a nod the one from eyes to mouth; the one
    that is shortened less sets the size. What lies outside of the picture repeats its edge.

    Args:
        grey: [height, width] picture.
        left_eye: (x, y) in pixels of the centre of the eye that is on the left in the picture.
        right_eye: of the other eye.
        mouth: of the middle of the lips.

    Returns:
        [48, 48] crop.

    Raises:
        ValueError: the points coincide.
    """
    eyes = complex(*right_eye) - complex(*left_eye)
    between = (complex(*right_eye) + complex(*left_eye)) / 2
    down = complex(*mouth) - between
    unit = max(abs(eyes) / EYES_PX, abs(down) / EYES_TO_MOUTH_PX)
    if not (math.isfinite(unit) and unit > 0.0 and abs(eyes) > 0.0):
        raise ValueError("eyes and mouth of a face are different points")
    return _cut(grey, between + CENTRE_FRACTION * down, unit * SIDE, eyes / abs(eyes))


def boxed_face(grey: NDArray[np.uint8], x: float, y: float, width: float, height: float) -> NDArray[np.uint8]:
    """Cut out a face by its box alone, as OpenCV's frontal Haar cascade draws it.

    Args:
        grey: [height, width] picture.
        x: left edge of the box in pixels.
        y: its upper edge.
        width: of the box.
        height: of the box.

    Returns:
        [48, 48] crop.

    Raises:
        ValueError: the box is empty.
    """
    side = HAAR_WIDENING * max(width, height)
    if not (math.isfinite(side) and side > 0.0):
        raise ValueError("a face's box has a width and a height")
    return _cut(grey, complex(x + width / 2, y + height / 2), side, 1 + 0j)


def face_tensor(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Turn a [48, 48] crop into a model's input, [1, 1, 48, 48]: mean 0, deviation 1 over its pixels.

    Nearly flat crops are stretched no further than a deviation of 4 (of 255), so noise stays noise.
    """
    pixels = crop.astype(np.float32)
    pixels -= pixels.mean()
    pixels /= max(float(pixels.std()), _FLAT)
    return pixels[None, None]


def _cut(grey: NDArray[np.uint8], centre: complex, side_px: float, right: complex) -> NDArray[np.uint8]:
    """Cut a square of `side_px` whose upper edge runs along `right` (a unit vector)."""
    # A warp reads at most 4 pixels a pixel, so a large face is cut large and then averaged.
    steps = max(1, math.ceil(side_px / SIDE))
    size = SIDE * steps
    to_crop = (size / side_px) / right
    # Pixel centres lie at whole numbers, so the middle of the crop is at (size - 1) / 2.
    middle = complex(size - 1, size - 1) / 2 - to_crop * centre
    matrix = np.array(
        [[to_crop.real, -to_crop.imag, middle.real], [to_crop.imag, to_crop.real, middle.imag]], np.float64
    )
    cut = cv2.warpAffine(grey, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    crop = cut if steps == 1 else cv2.resize(cut, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return crop.astype(np.uint8, copy=False)

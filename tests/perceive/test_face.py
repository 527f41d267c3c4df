from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from robotd.config import Face, Runtime
from robotd.emotion import Emotion
from robotd.errors import MediaError, ModelError
from robotd.perceive.face import FaceReader, crop, mesh_in_crop
from robotd.perceive.faces import LEFT_EYE, LIPS, RIGHT_EYE, FoundFace, Landmarker
from robotd.perceive.features import landmarks
from robotd.perceive.haar import HaarLandmarker
from robotd.perceive.manifest import load_manifest
from robotd.sense.media import decode, look_into
from robotd.sense.sample import Frame
from tests.perceive.modelfiles import installed, linear

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCENE = Path(__file__).parents[2] / "robotd" / "scene" / "scene.mp4"
EMPTY = np.full((480, 640, 3), 90, np.uint8)


@pytest.fixture(scope="module")
def portrait() -> NDArray[np.uint8]:
    """The first picture of the built-in scene: a smiling woman."""
    return next(sample for sample in decode(SCENE, look_into(SCENE), 10.0) if isinstance(sample, Frame)).image


@pytest.fixture(scope="module")
def blazeface() -> Landmarker:
    from robotd.perceive.blazeface import BlazefaceLandmarker

    return BlazefaceLandmarker(load_manifest(), Runtime())


def opened(landmarker: str = "tflite", model: str = "face_image") -> FaceReader:
    return FaceReader(Face.model_validate({"landmarker": landmarker, "model": model}), load_manifest(), Runtime())


def small(image: NDArray[np.uint8], size: float) -> NDArray[np.uint8]:
    """Put a smaller copy of a picture onto an empty one."""
    copy = cv2.resize(image, None, fx=size, fy=size, interpolation=cv2.INTER_AREA)
    canvas: NDArray[np.uint8] = EMPTY.copy()
    canvas[: copy.shape[0], : copy.shape[1]] = copy
    return canvas


def test_the_mesh_sits_on_the_face(portrait: NDArray[np.uint8], blazeface: Landmarker) -> None:
    (face,) = blazeface.find(portrait)
    points = blazeface.mesh(portrait, face)
    assert points is not None
    left, right, lips = (points[list(which), :2].mean(axis=0) for which in (LEFT_EYE, RIGHT_EYE, LIPS))
    assert left[0] < lips[0] < right[0]
    assert max(left[1], right[1]) < lips[1]
    inside = (points[:, 0] > face.x - 20) & (points[:, 0] < face.x + face.width + 20)
    assert inside.mean() > 0.95


@pytest.mark.parametrize("degrees", [-25, 25])
def test_a_tilted_face_is_cut_level(portrait: NDArray[np.uint8], blazeface: Landmarker, degrees: int) -> None:
    (upright,) = blazeface.find(portrait)
    centre = (upright.x + upright.width / 2, upright.y + upright.height / 2)
    turn = cv2.getRotationMatrix2D(centre, degrees, 1.0)
    turned = cv2.warpAffine(portrait, turn, (portrait.shape[1], portrait.shape[0])).astype(np.uint8)
    (tilted,) = blazeface.find(turned)
    level, again = crop(portrait, upright, blazeface), crop(turned, tilted, blazeface)
    assert level is not None
    assert again is not None
    assert np.corrcoef(level.ravel(), again.ravel())[0, 1] > 0.85


def test_an_empty_picture_has_no_face(blazeface: Landmarker) -> None:
    assert blazeface.find(EMPTY) == []


@pytest.mark.parametrize("landmarker", ["tflite", "haar"])
def test_a_smile_is_read_as_happy(portrait: NDArray[np.uint8], landmarker: str) -> None:
    found = opened(landmarker).read_picture(portrait)
    assert found is not None
    reading, _ = found
    assert reading.label is Emotion.HAPPY
    assert sum(reading.probabilities) == pytest.approx(1.0)


def test_a_crop_is_read_as_it_is(portrait: NDArray[np.uint8], blazeface: Landmarker) -> None:
    (face,) = blazeface.find(portrait)
    cut = crop(portrait, face, blazeface)
    assert cut is not None
    reading = opened().read_crop(cv2.cvtColor(cut, cv2.COLOR_GRAY2BGR).astype(np.uint8))
    found = opened().read_picture(portrait)
    assert found is not None
    assert reading.probabilities == pytest.approx(found[0].probabilities)


def test_a_face_that_comes_and_goes_is_told_once(portrait: NDArray[np.uint8]) -> None:
    reader = opened()
    pictures = [EMPTY] * 5 + [portrait] * 10 + [EMPTY] * 5 + [portrait] * 5 + [EMPTY] * 20
    looks = [reader.look(Frame(n / 10, picture)) for n, picture in enumerate(pictures)]
    told = [(n, look.event) for n, look in enumerate(looks) if look.event]
    # Half a second of absence is not worth a word; a whole one is.
    assert told == [(5, "face_seen"), (34, "face_lost")]
    assert [look.reading is not None for look in looks[:6]] == [False] * 5 + [True]


def test_the_followed_face_is_kept_beside_one_of_like_size() -> None:
    reader = opened("haar")
    one = FoundFace(0, 0, 100, 100, 0.9)
    near, larger, much_larger = (FoundFace(x, 0, side, side, 0.9) for x, side in ((5, 100), (300, 115), (300, 140)))
    assert reader._follow([one]) is one
    reader._followed = one
    assert reader._follow([near, larger]) is near
    assert reader._follow([near, much_larger]) is much_larger
    assert reader._follow([larger]) is larger
    assert reader._follow([]) is None


def test_small_faces_are_not_read(portrait: NDArray[np.uint8]) -> None:
    distant = small(portrait, 0.5)
    near_only = FaceReader(Face.model_validate({"min_face_px": 200}), load_manifest(), Runtime())
    assert near_only.read_picture(distant) is None


def test_without_the_fetched_models_haar_takes_over(caplog: pytest.LogCaptureFixture) -> None:
    manifest = load_manifest()
    models = {name: entry for name, entry in manifest.models.items() if entry.fetch is None}
    bare = type(manifest)(manifest.folders, models)
    reader = FaceReader(Face(), bare, Runtime())
    assert reader.landmarker == "haar"
    assert "Haar cascades" in caplog.text


def test_haar_finds_the_face(portrait: NDArray[np.uint8]) -> None:
    (face,) = HaarLandmarker().find(portrait)
    assert 80 < face.width < 400


def test_landmark_distances_read_a_smile_as_happy(portrait: NDArray[np.uint8]) -> None:
    reader = opened(model="face_landmarks")
    found = reader.read_picture(portrait)
    assert found is not None
    assert found[0].label is Emotion.HAPPY
    look = reader.look(Frame(0.0, portrait))
    assert look.event == "face_seen"
    assert look.reading is not None
    assert look.reading.probabilities == pytest.approx(found[0].probabilities)


def test_landmark_distances_of_a_crop_are_those_of_the_picture(
    portrait: NDArray[np.uint8], blazeface: Landmarker
) -> None:
    (face,) = blazeface.find(portrait)
    cut = crop(portrait, face, blazeface)
    assert cut is not None
    small_crop = cv2.cvtColor(cut, cv2.COLOR_GRAY2BGR).astype(np.uint8)
    in_picture, in_crop = blazeface.mesh(portrait, face), mesh_in_crop(small_crop, blazeface)
    assert in_picture is not None
    assert in_crop is not None
    one, other = (landmarks.distances(landmarks.chosen(mesh)) for mesh in (in_picture, in_crop))
    # A crop of 48 pixels blurs what the mesh sees, but the face stays the same.
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.97
    assert opened(model="face_landmarks").read_crop(small_crop).label is Emotion.HAPPY


def test_a_crop_without_a_face_has_no_landmarks() -> None:
    with pytest.raises(MediaError, match="no face in the crop"):
        opened(model="face_landmarks").read_crop(EMPTY[:48, :48])
    assert opened(model="face_landmarks").read_picture(EMPTY) is None


def test_a_crop_in_which_no_face_is_found_is_taken_for_one_whole_face() -> None:
    class Blind:
        """Finds nothing, and knows where it is asked for a mesh."""

        name, has_mesh = "blind", True

        def __init__(self) -> None:
            self.asked: list[FoundFace] = []

        def find(self, image: NDArray[np.uint8]) -> list[FoundFace]:  # noqa: ARG002 - protocol
            return []

        def mesh(self, image: NDArray[np.uint8], face: FoundFace) -> NDArray[np.float32] | None:
            self.asked.append(face)
            return np.full((landmarks.MESH_POINTS, 3), image.shape[0], np.float32)

    landmarker = Blind()
    assert mesh_in_crop(EMPTY[:48, :48], landmarker) is not None
    (face,) = landmarker.asked
    assert face.x + face.width / 2 == face.y + face.height / 2 == 24
    assert 40 < face.width < 48


def test_landmark_distances_need_a_landmarker_with_a_mesh() -> None:
    with pytest.raises(ModelError, match=r"Haar cascades don't have: set face\.landmarker to tflite"):
        opened("haar", "face_landmarks")


def test_a_model_with_another_input_is_no_face_model(tmp_path: Path) -> None:
    shipped = load_manifest()
    tiny = load_manifest(installed(tmp_path, linear([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])))
    both = type(shipped)((*tiny.folders, *shipped.folders), {**shipped.models, **tiny.models})
    with pytest.raises(ModelError, match=r"tiny: a face model takes 48x48 pixels or \d+ distances.*not \[1, 2\]"):
        FaceReader(Face(model="tiny"), both, Runtime())


def test_a_model_may_take_its_pixels_in_another_order_of_axes(tmp_path: Path, portrait: NDArray[np.uint8]) -> None:
    weights = np.zeros((48 * 48, 3), np.float32)
    weights[:, 0] = 0.01
    content = linear(weights.tolist())
    described = {"name": "x", "shape": [1, 48 * 48], "meaning": "pixels, row by row"}
    shipped = load_manifest()
    tiny = load_manifest(installed(tmp_path, content, input=described))
    both = type(shipped)((*tiny.folders, *shipped.folders), {**shipped.models, **tiny.models})
    found = FaceReader(Face(model="tiny"), both, Runtime()).read_picture(portrait)
    assert found is not None
    assert sum(found[0].probabilities) == pytest.approx(1.0)

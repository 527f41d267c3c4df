"""What the face recipes add to the common chain: two heads, a warm start, mirror images, meshes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from export.data import fer
from robotd.config import Face, Runtime
from robotd.perceive.face import FaceReader, crop
from robotd.perceive.features import face_image as daemon_pixels
from robotd.perceive.features import landmarks as daemon_landmarks
from robotd.perceive.manifest import load_manifest
from robotd.sense.media import decode, look_into
from robotd.sense.sample import Frame
from tests.perceive.modelfiles import installed, linear

if TYPE_CHECKING:
    from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="torch is not installed (pip install robotd[export])")

from export.train import face_image, face_image_fer2013, face_landmarks  # noqa: E402 - after the check for torch
from export.train.loop import logits  # noqa: E402
from export.verify import onnx_logits, open_session  # noqa: E402

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "models_onnx" / "face_image.onnx"
SCENE = ROOT / "robotd" / "scene" / "scene.mp4"
CLASSES = len(fer.CLASSES)


@pytest.fixture(scope="module")
def faces() -> NDArray[np.float32]:
    """Real pixels to run nets on: pieces of the built-in scene, [n, 1, 48, 48]."""
    frame = next(sample for sample in decode(SCENE, look_into(SCENE), 1.0) if isinstance(sample, Frame))
    grey = cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY)
    corners = [(top, left) for top in range(0, 300, 60) for left in range(0, 400, 60)]
    pieces = [cv2.resize(grey[top : top + 150, left : left + 150], (48, 48)) for top, left in corners]
    return face_image.tensors([piece.astype(np.uint8) for piece in pieces])


@pytest.fixture
def face_crop() -> NDArray[np.uint8]:
    """The face of the built-in scene as a [48, 48] crop."""
    from robotd.perceive.blazeface import BlazefaceLandmarker

    frame = next(sample for sample in decode(SCENE, look_into(SCENE), 1.0) if isinstance(sample, Frame))
    landmarker = BlazefaceLandmarker(load_manifest(), Runtime())
    (face,) = landmarker.find(frame.image)
    cut = crop(frame.image, face, landmarker)
    assert cut is not None
    return cut


def test_trainer_and_daemon_share_their_features() -> None:
    assert vars(face_image)["face_tensor"] is daemon_pixels.face_tensor
    assert vars(face_image_fer2013)["tensors"] is face_image.tensors
    assert vars(face_landmarks)["chosen"] is daemon_landmarks.chosen
    assert vars(face_landmarks)["distances"] is daemon_landmarks.distances


def test_a_crop_is_measured_by_the_daemon_as_in_training(tmp_path: Path, face_crop: NDArray[np.uint8]) -> None:
    weights = np.random.default_rng(0).normal(0, 0.1, (daemon_landmarks.COUNT, 3)).astype(np.float32)
    described = {"name": "x", "shape": [1, daemon_landmarks.COUNT], "meaning": "distances"}
    shipped, tiny = load_manifest(), load_manifest(installed(tmp_path, linear(weights.tolist()), input=described))
    both = type(shipped)((*tiny.folders, *shipped.folders), {**shipped.models, **tiny.models})
    reading = FaceReader(Face(model="tiny"), both, Runtime()).read_crop(
        cv2.cvtColor(face_crop, cv2.COLOR_GRAY2BGR).astype(np.uint8)
    )

    points, has = face_landmarks.meshes(face_crop[None])
    assert has.all()
    shares = np.exp(daemon_landmarks.distances(points)[0, 0] @ weights)
    happy, sad, neutral = shares / shares.sum()
    assert sorted(reading.probabilities)[-3:] == pytest.approx(sorted([happy, sad, neutral]), rel=1e-4)


def test_crops_without_a_mesh_are_left_out(face_crop: NDArray[np.uint8]) -> None:
    points, has = face_landmarks.meshes(np.stack([np.full_like(face_crop, 90), face_crop]))
    assert list(has) == [False, True]
    assert points.shape == (1, len(daemon_landmarks.POINTS), 2)


def test_a_face_and_its_mirror_image_read_alike() -> None:
    points = face_landmarks.generate().points[:8]
    in_mirror = points[:, list(daemon_landmarks.TWINS)] * np.array([-1, 1], np.float32)
    one, other = daemon_landmarks.distances(points), daemon_landmarks.distances(in_mirror)
    assert not np.allclose(one, other)
    net = face_landmarks.RECIPE.net()
    assert logits(net, other) == pytest.approx(logits(net, one), abs=1e-5)


def test_points_are_moved_but_stay_near() -> None:
    points = face_landmarks.generate().points
    moved = face_landmarks.moved(points, np.random.default_rng(0))
    apart = np.abs(moved - points)
    assert 0 < apart.mean() < 0.5
    assert moved.dtype == np.float32


def test_the_warm_start_computes_what_the_shipped_model_does(faces: NDArray[np.float32]) -> None:
    warm = face_image_fer2013.RECIPE.net()

    def votes() -> NDArray[np.float32]:
        return logits(torch.nn.Sequential(warm.trunk, warm.votes), faces)

    expected = onnx_logits(open_session(SHIPPED), faces)
    before = votes()
    # The shipped model also rounds what its layers give to 8 bits.
    assert np.abs(before - expected).max() < 0.2 * np.abs(expected).max()
    assert (before.argmax(1) == expected.argmax(1)).mean() > 0.8
    warm.train()(torch.from_numpy(faces))
    assert not warm.unsettled
    # The norms have taken the statistics of that batch, moved by one step at most, and the net says the same.
    assert np.abs(votes() - before).max() < 0.1 * np.abs(before).max()


def test_for_inference_a_face_and_its_mirror_image_read_alike(faces: NDArray[np.float32]) -> None:
    net = face_image_fer2013.RECIPE.net()
    found = logits(net, faces)
    assert found.shape == (len(faces), CLASSES)
    assert logits(net, np.ascontiguousarray(faces[..., ::-1])) == pytest.approx(found, abs=1e-4)


def test_weights_come_back_out_of_int8(tmp_path: Path) -> None:
    weights = face_image_fer2013.folded_weights(SHIPPED)
    convolutions = {name for name in face_image.net().state_dict() if name.endswith("0.weight")}
    assert convolutions <= set(weights)
    assert weights["0.weight"].shape == (32, 1, 5, 5)
    assert weights["0.weight"].dtype == np.float32
    assert 0.01 < np.abs(weights["0.weight"]).max() < 10
    (tmp_path / "empty.onnx").write_bytes(linear([[1.0, 0.0, 0.0]]))
    assert face_image_fer2013.folded_weights(tmp_path / "empty.onnx") == {}


def test_each_head_has_its_own_loss_and_pictures_without_votes_have_one() -> None:
    rng = np.random.default_rng(0)
    own, votes = (torch.from_numpy(rng.normal(size=(2, CLASSES)).astype(np.float32)) for _ in range(2))
    first, second = torch.tensor([3, 1]), torch.tensor([0, 5])
    targets = torch.nn.functional.one_hot(torch.cat([first, second]), CLASSES).float().reshape(2, 2, CLASSES)
    targets[1, 1] = 0.0
    found = face_image_fer2013.loss((own, votes), torch.cat([targets[0], targets[1]], dim=1))
    entropy = torch.nn.functional.cross_entropy
    expected = (entropy(own, first, reduction="sum") + entropy(votes[:1], second[:1], reduction="sum")) / 2
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_copies_of_a_picture_share_their_labels() -> None:
    labels = np.eye(3)[[0, 1, 2]]
    shared = face_image_fer2013.mean_of_copies(labels, np.array([0, 1, 0]))
    assert shared.tolist() == [[0.5, 0, 0.5], [0, 1, 0], [0.5, 0, 0.5]]


def test_crops_are_changed_a_little(face_crop: NDArray[np.uint8]) -> None:
    rng = np.random.default_rng(0)
    changed = [face_image_fer2013.changed(face_crop, rng) for _ in range(40)]
    assert all(one.shape == (48, 48) and one.dtype == np.uint8 for one in changed)
    alike = [
        max(np.corrcoef(one.ravel(), seen.ravel())[0, 1] for seen in (face_crop, face_crop[:, ::-1])) for one in changed
    ]
    assert 0.5 < np.median(alike) < 0.999


@pytest.mark.parametrize("name", ["face_image_fer2013", "face_landmarks"])
def test_the_shipped_file_is_an_int8_model_of_modest_size(name: str) -> None:
    entry = load_manifest().models[name]
    content = (ROOT / "models_onnx" / entry.file).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry.sha256
    assert len(content) <= 750_000
    assert b"QuantizeLinear" in content

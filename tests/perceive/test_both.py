from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper

from robotd.config import Runtime
from robotd.emotion import EMOTIONS, Emotion
from robotd.errors import ModelError
from robotd.perceive.both import LOOKS, BothReader
from robotd.perceive.features.mel import BANDS, FRAMES, log_mel
from robotd.perceive.manifest import load_manifest
from robotd.sense.sample import RATE_HZ
from robotd.sense.utterance import Utterance
from tests.perceive.modelfiles import linear

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PIXELS = 48 * 48
MEL = FRAMES * BANDS
NAMES = [emotion.value for emotion in EMOTIONS]


def joint_model() -> bytes:
    """Return a model that is happy about light in the first pixel and sad about what is heard in the first cell."""
    weights = np.zeros((PIXELS + MEL, len(EMOTIONS)))
    weights[0, NAMES.index("happy")] = 4.0
    weights[PIXELS, NAMES.index("sad")] = 4.0
    return linear(weights.tolist())


def trunk(shape: list[int], outputs: dict[str, NDArray[Any]]) -> bytes:
    """Return a model each of whose outputs is its flattened input times a matrix."""
    nodes = [helper.make_node("Flatten", ["x"], ["flat"])]
    nodes += [helper.make_node("MatMul", ["flat", f"to_{name}"], [name]) for name in outputs]
    graph = helper.make_graph(
        nodes,
        "trunk",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, w.shape[1]]) for name, w in outputs.items()],
        [numpy_helper.from_array(w.astype(np.float32), f"to_{name}") for name, w in outputs.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def described(content: bytes, task: str, shape: list[int], outputs: dict[str, int], **more: Any) -> dict[str, Any]:
    return {
        "task": task,
        "format": "onnx",
        "file": f"{task}.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "input": {"name": "x", "shape": shape, "meaning": "numbers"},
        "outputs": [{"name": name, "shape": [1, size], "meaning": "numbers"} for name, size in outputs.items()],
        "labels": NAMES,
        "licence": "none",
    } | more


def folder_of(folder: Path, models: dict[str, tuple[bytes, dict[str, Any]]]) -> Path:
    for content, entry in models.values():
        (folder / entry["file"]).write_bytes(content)
    entries = {name: entry for name, (_, entry) in models.items()}
    (folder / "manifest.yaml").write_text(yaml.safe_dump({"version": 1, "models": entries}, sort_keys=False))
    return folder


@pytest.fixture
def joint(tmp_path: Path) -> BothReader:
    content = joint_model()
    entry = described(content, "fusion", [1, PIXELS + MEL], {"logits": 8})
    folder = folder_of(tmp_path, {"fusion_joint": (content, entry)})
    return BothReader("fusion_joint", load_manifest(folder), Runtime())


def mid_folder(folder: Path, embedding: str = "embedding") -> Path:
    """Install a fusion of two trunks, each of which embeds its first number."""
    face = trunk([1, 1, 48, 48], {"logits": np.zeros((PIXELS, 7)), embedding: np.eye(PIXELS, 1)})
    voice = trunk([1, FRAMES, BANDS], {"logits": np.zeros((MEL, 8)), embedding: np.eye(MEL, 1)})
    weights = np.zeros((2, len(EMOTIONS)))
    weights[0, NAMES.index("happy")] = weights[1, NAMES.index("sad")] = 4.0
    mid = linear(weights.tolist())
    trunks = {"face_image": hashlib.sha256(face).hexdigest(), "voice_mel": hashlib.sha256(voice).hexdigest()}
    return folder_of(
        folder,
        {
            "face_image": (face, described(face, "face", [1, 1, 48, 48], {"logits": 7, embedding: 1})),
            "voice_mel": (voice, described(voice, "voice", [1, FRAMES, BANDS], {"logits": 8, embedding: 1})),
            "fusion_mid": (mid, described(mid, "fusion", [1, 2], {"logits": 8}, trunks=trunks)),
        },
    )


def crop(light: int = 0) -> NDArray[np.uint8]:
    """Return a crop whose first pixel is as light as asked, on noise."""
    image = np.random.default_rng(0).integers(100, 150, (48, 48)).astype(np.uint8)
    image[0, 0] = light
    return image


def said(start_s: float = 10.0, length_s: float = 2.0) -> Utterance:
    """Return an utterance that begins with a hum, so that its first cell is not silent."""
    hum = np.sin(2.0 * np.pi * 30.0 * np.arange(int(length_s * RATE_HZ)) / RATE_HZ)
    return Utterance(start_s, (0.1 * hum).astype(np.float32), final=True)


def test_face_and_voice_are_both_heard(joint: BothReader) -> None:
    assert log_mel(said().samples)[0, 0] > 0.5
    light, dark = joint.read([crop(255)], said()), joint.read([crop(0)], said())
    assert (light.label, dark.label) == (Emotion.HAPPY, Emotion.SAD)
    assert (light.modality, light.time_s) == ("both", 12.0)
    assert sum(light.probabilities) == pytest.approx(1.0)


def test_several_looks_are_averaged(joint: BothReader) -> None:
    light, dark = joint.read([crop(255)], said()), joint.read([crop(0)], said())
    mean = [(one + other) / 2 for one, other in zip(light.probabilities, dark.probabilities, strict=True)]
    assert joint.read([crop(255), crop(0)], said()).probabilities == pytest.approx(mean)


def test_the_face_of_the_utterance_is_read(joint: BothReader) -> None:
    for time_s in np.arange(0.0, 20.0, 0.1):
        joint.see(float(time_s), crop(255 if 10.0 <= time_s <= 12.0 else 0))
    heard = joint.hear(said(), 4.0)
    assert heard is not None
    assert heard.probabilities == pytest.approx(joint.read([crop(255)] * LOOKS, said()).probabilities)


def test_a_face_that_has_just_gone_still_counts_and_an_old_one_does_not(joint: BothReader) -> None:
    assert joint.hear(said(), 4.0) is None
    joint.see(9.0, crop(255))
    heard = joint.hear(said(), 4.0)
    assert heard is not None
    assert heard.label is Emotion.HAPPY
    assert joint.hear(said(), 2.0) is None


def test_a_face_that_came_later_did_not_say_it(joint: BothReader) -> None:
    joint.see(12.5, crop(255))
    assert joint.hear(said(), 4.0) is None


def test_a_muted_camera_leaves_no_face(joint: BothReader) -> None:
    joint.see(11.0, crop(255))
    joint.forget()
    assert joint.hear(said(), 4.0) is None


def test_trunks_embed_what_the_middle_reads(tmp_path: Path) -> None:
    reader = BothReader("fusion_mid", load_manifest(mid_folder(tmp_path)), Runtime())
    assert reader.read([crop(255)], said()).label is Emotion.HAPPY
    assert reader.read([crop(0)], said()).label is Emotion.SAD


def test_a_trunk_that_was_trained_anew_is_refused(tmp_path: Path) -> None:
    folder = mid_folder(tmp_path)
    manifest = yaml.safe_load((folder / "manifest.yaml").read_text())
    manifest["models"]["fusion_mid"]["trunks"]["voice_mel"] = "0" * 64
    (folder / "manifest.yaml").write_text(yaml.safe_dump(manifest))
    with pytest.raises(ModelError, match="fusion_mid was taught on another voice_mel"):
        BothReader("fusion_mid", load_manifest(folder), Runtime())


def test_a_trunk_without_an_embedding_is_told(tmp_path: Path) -> None:
    reader = BothReader("fusion_mid", load_manifest(mid_folder(tmp_path, "nothing")), Runtime())
    with pytest.raises(ModelError, match="has no output 'embedding'"):
        reader.read([crop()], said())

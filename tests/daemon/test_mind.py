from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper

from robotd.config import Config
from robotd.daemon.mind import Mind
from robotd.emotion import EMOTIONS, Emotion, Feeling
from robotd.feel.event import Event
from robotd.paths import shipped
from robotd.perceive import manifest as manifests
from robotd.sense.media import decode, look_into
from robotd.sense.sample import Frame, Sound, Tick
from tests.daemon.robots import SCENE

if TYPE_CHECKING:
    from robotd.daemon.mind import Outcome


def not_a_number() -> bytes:
    """Return a face model that loads well and then gives NaN."""
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["image"], ["flat"]),
            helper.make_node("MatMul", ["flat", "w"], ["product"]),
            helper.make_node("Log", ["product"], ["logits"]),
        ],
        "nan",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 48, 48])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 7])],
        [numpy_helper.from_array(np.full((48 * 48, 7), -1.0, np.float32), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


@pytest.fixture
def broken_face(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand a broken face model in the place of the shipped one."""
    folder = tmp_path / "models_onnx"
    shutil.copytree(shipped("models_onnx"), folder)
    content = not_a_number()
    (folder / "face_image.onnx").write_bytes(content)
    manifest = yaml.safe_load((folder / "manifest.yaml").read_text())
    entry = manifest["models"]["face_image"]
    entry["sha256"] = hashlib.sha256(content).hexdigest()
    entry["outputs"] = [{"name": "logits", "shape": [1, 7], "meaning": "nonsense"}]
    (folder / "manifest.yaml").write_text(yaml.safe_dump(manifest))
    monkeypatch.setattr(manifests, "shipped", lambda _: folder)


def always_disgusted(*, sharp: bool) -> bytes:
    """Return a fusion model that sees disgust in everything, or one that gives NaN."""
    numbers = 48 * 48 + 251 * 128
    bias = np.zeros(8, np.float32)
    bias[6] = 9.0 if sharp else np.nan
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["both", "w"], ["product"]), helper.make_node("Add", ["product", "b"], ["logits"])],
        "disgusted",
        [helper.make_tensor_value_info("both", TensorProto.FLOAT, [1, numbers])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 8])],
        [
            numpy_helper.from_array(np.zeros((numbers, 8), np.float32), "w"),
            numpy_helper.from_array(bias, "b"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def install_fusion(folder: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Put a model in the place of `fusion_joint`; returns the configuration that asks for it."""
    models = folder / "models_onnx"
    shutil.copytree(shipped("models_onnx"), models)
    (models / "fusion_joint.onnx").write_bytes(content)
    manifest = yaml.safe_load((models / "manifest.yaml").read_text())
    manifest["models"]["fusion_joint"] = {
        "task": "fusion",
        "format": "onnx",
        "file": "fusion_joint.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "input": {"name": "both", "shape": [1, 48 * 48 + 251 * 128], "meaning": "a face and a mel picture"},
        "outputs": [{"name": "logits", "shape": [1, 8], "meaning": "logits"}],
        "labels": [emotion.value for emotion in EMOTIONS],
        "licence": "none",
    }
    (models / "manifest.yaml").write_text(yaml.safe_dump(manifest))
    monkeypatch.setattr(manifests, "shipped", lambda _: models)
    return Config.model_validate({"fusion": {"kind": "joint"}})


async def perceive(mind: Mind, seconds: float) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for sample in decode(SCENE, look_into(SCENE), 5.0):
        if sample.time_s > seconds:
            break
        outcomes += [outcome async for outcome in mind.take(sample)]
    outcomes += [outcome async for outcome in mind.take(Tick(seconds))]
    return outcomes


async def test_a_frame_and_an_utterance_become_a_feeling() -> None:
    async with Mind(Config()) as mind:
        outcomes = await perceive(mind, 6.0)
    (utterance,) = [outcome for outcome in outcomes if isinstance(outcome, Event) and outcome.name == "utterance"]
    assert utterance.detail["duration_s"] > 1
    feeling = outcomes[-1]
    assert isinstance(feeling, Feeling)
    assert set(feeling.readings) == {"face", "voice"}
    voices = "+".join(Config().voice.chosen)
    assert mind.models == {
        "face": "face_image",
        "landmarker": "tflite",
        "voice": voices,
        "words": "words",
        "keywords": "keywords",
    }


@pytest.mark.usefixtures("broken_face")
async def test_a_model_that_gives_nonsense_is_left_out_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    async with Mind(Config()) as mind:
        outcomes = await perceive(mind, 6.0)
    assert list(mind.refused) == ["face"]
    assert sum("is not a number; going on without" in record.getMessage() for record in caplog.records) == 1
    feeling = outcomes[-1]
    assert isinstance(feeling, Feeling)
    assert set(feeling.readings) == {"voice"}


async def test_face_and_voice_can_be_read_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = install_fusion(tmp_path, always_disgusted(sharp=True), monkeypatch)
    async with Mind(config) as mind:
        outcomes = await perceive(mind, 6.0)
    assert mind.models["fusion"] == "fusion_joint"
    feeling = outcomes[-1]
    assert isinstance(feeling, Feeling)
    assert set(feeling.readings) == {"face", "voice", "both"}
    together = feeling.readings["both"]
    assert together.label is Emotion.DISGUST
    assert together.time_s == feeling.readings["voice"].time_s
    assert feeling.probabilities[EMOTIONS.index(Emotion.DISGUST)] > 0.2


async def test_a_muted_camera_leaves_nothing_to_read_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = install_fusion(tmp_path, always_disgusted(sharp=True), monkeypatch)
    async with Mind(config) as mind:
        await perceive(mind, 1.0)
        mind.forget("face")
        sounds = [sample for sample in decode(SCENE, look_into(SCENE), 1.0) if isinstance(sample, Sound)]
        for sound in sounds:
            outcomes = [outcome async for outcome in mind.take(sound)]
            if outcomes:
                break
        (feeling,) = [outcome async for outcome in mind.take(Tick(sound.time_s))]
    assert isinstance(feeling, Feeling)
    assert set(feeling.readings) == {"voice"}


async def test_fusion_that_gives_nonsense_gives_way_to_the_average(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    config = install_fusion(tmp_path, always_disgusted(sharp=False), monkeypatch)
    async with Mind(config) as mind:
        outcomes = await perceive(mind, 6.0)
    assert list(mind.refused) == ["fusion"]
    assert sum("is not a number; going on without" in record.getMessage() for record in caplog.records) == 1
    feeling = outcomes[-1]
    assert isinstance(feeling, Feeling)
    assert set(feeling.readings) == {"face", "voice"}


async def test_what_is_said_when_the_input_ends_is_read_too() -> None:
    async with Mind(Config()) as mind:
        sounds = [sample for sample in decode(SCENE, look_into(SCENE), 1.0) if isinstance(sample, Sound)]
        spoken = [sound for sound in sounds if sound.time_s < 2.5]
        early = [outcome for sound in spoken async for outcome in mind.take(sound)]
        late = [outcome async for outcome in mind.finish(2.5)]
    assert not any(isinstance(outcome, Event) for outcome in early)
    assert [outcome.name for outcome in late if isinstance(outcome, Event)] == ["utterance"]
    assert isinstance(late[-1], Feeling)


async def test_another_input_begins_with_a_new_feeling() -> None:
    async with Mind(Config()) as mind:
        await perceive(mind, 2.0)
        mind.forget_senses()
        (feeling,) = [outcome async for outcome in mind.take(Tick(0.0))]
    assert isinstance(feeling, Feeling)
    assert not feeling.known


async def test_a_dark_frame_is_no_face() -> None:
    async with Mind(Config()) as mind:
        dark = Frame(0.0, np.zeros((480, 640, 3), np.uint8))
        assert [outcome async for outcome in mind.take(dark)] == []
        assert (mind.counts.frames, mind.counts.faces) == (1, 0)

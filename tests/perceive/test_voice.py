from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from robotd.config import Runtime, Voice
from robotd.errors import ModelError
from robotd.perceive import voice
from robotd.perceive.features.mel import log_mel
from robotd.perceive.features.spectral import frame_features
from robotd.perceive.features.speech_statistics import NAMES, statistics
from robotd.perceive.manifest import Manifest, ModelEntry, load_manifest
from robotd.perceive.runtime import Model
from robotd.perceive.voice import VoiceReader
from robotd.sense.utterance import Utterance

SHIPPED = [name for name, entry in load_manifest().models.items() if entry.task == "voice"]


def spoken(seconds: float = 2.0, seed: int = 0) -> Utterance:
    """A gliding buzz that comes and goes."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(int(seconds * 16000)) / 16000
    buzz = np.sign(np.sin(2 * np.pi * (120 + 30 * time_s) * time_s)) * np.maximum(0, np.sin(2 * np.pi * 1.5 * time_s))
    return Utterance(1.0, (0.2 * buzz + 0.001 * rng.standard_normal(len(time_s))).astype(np.float32), final=True)


def onnx_model(folder: Path, name: str, shape: tuple[int, ...], logits: list[float]) -> ModelEntry:
    """Write a model that always gives the same logits, whatever it is shown."""
    onnx = pytest.importorskip("onnx", reason="onnx, which writes the model, is not installed")
    helper: Any = onnx.helper
    takes = helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, shape)
    gives = helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, (1, len(logits)))
    axes = helper.make_tensor("axes", onnx.TensorProto.INT64, [len(shape)], list(range(len(shape))))
    fixed = helper.make_tensor("fixed", onnx.TensorProto.FLOAT, [1, len(logits)], logits)
    nothing = helper.make_tensor("nothing", onnx.TensorProto.FLOAT, [1], [0.0])
    nodes = [
        helper.make_node("ReduceMean", ["input", "axes"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "nothing"], ["silence"]),
        helper.make_node("Add", ["fixed", "silence"], ["logits"]),
    ]
    graph = helper.make_graph(nodes, "fixed", [takes], [gives], [axes, fixed, nothing])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    file = folder / f"{name}.onnx"
    file.write_bytes(model.SerializeToString())
    return ModelEntry.model_validate(
        {
            "task": "voice",
            "format": "onnx",
            "file": file.name,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "input": {"name": "input", "shape": shape, "meaning": "anything"},
            "outputs": [{"name": "logits", "shape": [1, len(logits)], "meaning": "always the same"}],
            "labels": ["angry", "happy"],
            "licence": "none",
        }
    )


def two_models(folder: Path) -> Manifest:
    """One that is sure of anger (3 to 1), by mel picture; one of happiness (3 to 1), by statistics."""
    tilt = float(np.log(3.0))
    models = {
        "cross": onnx_model(folder, "cross", (1, 251, 128), [tilt, 0.0]),
        "glad": onnx_model(folder, "glad", (1, len(NAMES)), [0.0, tilt]),
    }
    return Manifest((folder,), models)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_model_reads_an_utterance(name: str) -> None:
    reading = VoiceReader(name, load_manifest(), Runtime()).read(spoken())
    assert reading.modality == "voice"
    assert reading.time_s == pytest.approx(3.0)
    assert sum(reading.probabilities) == pytest.approx(1.0)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_level_does_not_matter(name: str) -> None:
    reader = VoiceReader(name, load_manifest(), Runtime())
    utterance = spoken()
    quiet = Utterance(1.0, utterance.samples * np.float32(0.01), final=True)
    np.testing.assert_allclose(reader.read(quiet).probabilities, reader.read(utterance).probabilities, atol=0.02)


@pytest.mark.parametrize("samples", [1, 4800, 128000])
@pytest.mark.parametrize("name", SHIPPED)
def test_silence_of_any_length_gives_a_reading(name: str, samples: int) -> None:
    reading = VoiceReader(name, load_manifest(), Runtime()).read(Utterance(0.0, np.zeros(samples, np.float32), True))
    assert sum(reading.probabilities) == pytest.approx(1.0)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_reader_computes_what_the_model_was_trained_on(name: str) -> None:
    manifest = load_manifest()
    model = Model(name, "voice", manifest, Runtime())
    of = {"mel": log_mel, "frames": frame_features, "statistics": statistics}[model.entry.input.name]
    expected = model.probabilities(of(spoken().samples)[None])
    np.testing.assert_allclose(VoiceReader(name, manifest, Runtime()).read(spoken()).probabilities, expected)


def test_several_models_are_averaged_by_weight(tmp_path: Path) -> None:
    manifest = two_models(tmp_path)
    reader = VoiceReader({"cross": 3.0, "glad": 1.0}, manifest, Runtime())
    probabilities = dict(zip(("angry", "happy"), np.array(reader.read(spoken()).probabilities)[[4, 2]], strict=True))
    assert probabilities["angry"] == pytest.approx(0.75 * 0.75 + 0.25 * 0.25)
    assert probabilities["happy"] == pytest.approx(0.75 * 0.25 + 0.25 * 0.75)
    assert reader.model == "cross+glad"


def test_one_model_alone_is_itself(tmp_path: Path) -> None:
    manifest = two_models(tmp_path)
    alone, weighted = VoiceReader("glad", manifest, Runtime()), VoiceReader({"glad": 0.2}, manifest, Runtime())
    assert alone.read(spoken()).probabilities == pytest.approx(weighted.read(spoken()).probabilities)
    assert alone.model == "glad"


def test_features_that_two_models_share_are_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = {name: onnx_model(tmp_path, name, (1, 251, 128), [0.0, 1.0]) for name in ("one", "other")}
    calls = []

    def counted(samples: Any) -> Any:
        calls.append(len(samples))
        return log_mel(samples)

    monkeypatch.setitem(voice.FEATURES, (251, 128), counted)
    VoiceReader(dict.fromkeys(models, 1.0), Manifest((tmp_path,), models), Runtime()).read(spoken())
    assert calls == [32000]


def test_a_model_that_takes_something_else_is_refused(tmp_path: Path) -> None:
    manifest = Manifest((tmp_path,), {"odd": onnx_model(tmp_path, "odd", (1, 40, 7), [0.0, 0.0])})
    with pytest.raises(ModelError, match=r"odd: takes \[1, 40, 7\]; of speech there are \[1, 251, 128\]"):
        VoiceReader("odd", manifest, Runtime())


def test_one_model_of_the_configuration_wins_over_several() -> None:
    assert Voice(models={"cross": 2.0, "glad": 1.0}).chosen == {"cross": 2.0, "glad": 1.0}
    assert Voice(model="glad", models={"cross": 2.0}).chosen == {"glad": 1.0}


@pytest.mark.parametrize("models", [{}, {"glad": 0.0}, {"glad": -1.0}])
def test_weights_that_count_nothing_are_refused(models: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Voice(models=models)


def test_the_daemons_own_voice_models_are_there() -> None:
    assert VoiceReader(Voice().chosen, load_manifest(), Runtime()).read(spoken()).confidence > 0.125


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ModelError, match="did you mean voice_mel"):
        VoiceReader({"voice_mal": 1.0}, load_manifest(), Runtime())

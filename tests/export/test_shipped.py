"""The models in `models_onnx/` are what the manifest and their cards say."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from export.data import fer
from export.data.vgmidi import read_vgmidi
from export.verify import figures, onnx_logits, open_session
from robotd.config import Runtime
from robotd.emotion import to_eight
from robotd.music.compose.stepnet import StepNet
from robotd.perceive.features.face_image import face_tensor
from robotd.perceive.features.score import Notes, score_features
from robotd.perceive.features.symbolic import note_features
from robotd.perceive.manifest import load_manifest
from robotd.perceive.runtime import Model

MODELS = Path(__file__).parents[2] / "models_onnx"
SHARED = MODELS.parents[1] / "shared" / "data"
ENTRIES: dict[str, dict[str, Any]] = yaml.safe_load((MODELS / "manifest.yaml").read_text())["models"]
#: Tasks of nets that compose step by step.
COMPOSING = {"melody", "polyphony"}
TRAINED = [name for name, entry in ENTRIES.items() if entry.get("card")]


@pytest.mark.parametrize("name", TRAINED)
def test_file_is_the_one_described_and_small(name: str) -> None:
    content = (MODELS / ENTRIES[name]["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == ENTRIES[name]["sha256"]
    assert len(content) <= 1_500_000
    assert b'.py", line' not in content, "the exporter left behind where on whose disk the net was made"


@pytest.mark.parametrize("name", TRAINED)
def test_card_tells_the_manifests_figures(name: str) -> None:
    entry = ENTRIES[name]
    card = (MODELS / entry["card"]).read_text()
    for figure, value in entry["measured"].items():
        if figure.endswith(("_accuracy", "_r")) and not figure.endswith("_mean_r"):
            # The card rounds the figure itself, the manifest's is rounded already.
            assert any(f"{value + nudge:.3f}" in card for nudge in (-5e-5, 0.0, 5e-5)), figure
    for heading in ("## Figures", "## Split", "## Limits", "## Intended use"):
        assert heading in card
    pictures = [line for line in card.splitlines() if line.startswith("![")]
    assert pictures
    for line in pictures:
        assert (MODELS / line.partition("(")[2].rstrip(")")).is_file()


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize("level", [0.0, 1.0, -3.0])
def test_flat_inputs_give_numbers(name: str, level: float) -> None:
    entry = ENTRIES[name]
    taken = entry["input"]
    if taken["dtype"] == "int64":
        level = abs(level)
    if entry["task"] in COMPOSING:
        net = StepNet(name, entry["task"], load_manifest(MODELS), Runtime())
        # A net of steps refuses what is no number itself.
        net.step(np.full(taken["shape"], level, np.float32), net.start(1))
        return
    model = Model(name, entry["task"], load_manifest(MODELS), Runtime())
    model.run(np.full(taken["shape"], level, taken["dtype"]))
    if "temperature" in entry and entry["task"] in {"face", "voice", "fusion"}:
        shares = model.probabilities(np.full(taken["shape"], level, taken["dtype"]))
        assert sum(to_eight(entry["labels"], shares)) == pytest.approx(1)


def megabytes(*, composing: bool) -> float:
    entries = [entry for entry in ENTRIES.values() if not entry.get("fetch")]
    files = {entry["file"] for entry in entries if (entry["task"] in COMPOSING) == composing}
    return float(sum((MODELS / file).stat().st_size for file in files)) / 1e6


def test_all_models_together_are_small() -> None:
    assert megabytes(composing=False) <= 11
    assert megabytes(composing=True) <= 6


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the real data is not at {SHARED}")
def test_face_model_reads_real_faces_as_well_as_its_card_says() -> None:
    test = fer.read_fer(SHARED, "publictest")
    copies = fer.near_copies(SHARED)
    test = test.only(fer.has_clear_emotion(test.votes) & np.array([file not in copies for file in test.files]))
    inputs = np.concatenate([face_tensor(image) for image in test.images])
    labels = test.votes[:, : len(fer.CLASSES)].argmax(axis=1)
    found = figures(onnx_logits(open_session(MODELS / "face_image.onnx"), inputs), labels)
    assert found.accuracy == pytest.approx(
        ENTRIES["face_image"]["measured"]["ferplus_publictest_fresh_accuracy"], abs=0.01
    )


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the real data is not at {SHARED}")
@pytest.mark.parametrize(("name", "features"), [("judge", score_features), ("judge_notes", note_features)])
def test_judges_read_game_music_as_well_as_their_cards_say(name: str, features: Callable[[Notes], Any]) -> None:
    clips = read_vgmidi(SHARED)
    logits = onnx_logits(open_session(MODELS / f"{name}.onnx"), np.stack([features(clip.notes) for clip in clips]))
    found = figures(logits, np.array([clip.quadrant for clip in clips]))
    assert found.accuracy == pytest.approx(ENTRIES[name]["measured"]["vgmidi_accuracy"], abs=0.01)

from __future__ import annotations

from pathlib import Path

import pytest

from robotd.errors import ModelError
from robotd.perceive.manifest import load_manifest
from tests.perceive.modelfiles import installed, linear

WEIGHTS = [[1.0, 0.0, 2.0], [0.0, 1.0, 0.0]]


def test_every_shipped_model_is_the_file_that_the_manifest_describes() -> None:
    manifest = load_manifest()
    shipped = {name: entry for name, entry in manifest.models.items() if entry.fetch is None}
    assert {"face_image", "voice_mel"} <= shipped.keys()
    for name, entry in shipped.items():
        assert manifest.content(entry), name
        assert entry.measured, f"{name} says nothing of how good it is"
        assert entry.card is not None
        assert (manifest.folders[0] / entry.card).is_file()


def test_an_unknown_name_gets_a_suggestion(tmp_path: Path) -> None:
    manifest = load_manifest(installed(tmp_path, linear(WEIGHTS)))
    with pytest.raises(ModelError, match="did you mean tiny"):
        manifest.entry("tiney", "face")


def test_a_model_of_another_task_is_refused(tmp_path: Path) -> None:
    manifest = load_manifest(installed(tmp_path, linear(WEIGHTS)))
    with pytest.raises(ModelError, match="tiny is a face model, not a voice model"):
        manifest.entry("tiny", "voice")


@pytest.mark.parametrize("text", ["version: 2\nmodels: {}", "models: [", "version: 1\nmodels: {a: {}}"])
def test_a_malformed_manifest_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.yaml").write_text(text)
    with pytest.raises(ModelError, match=r"manifest\.yaml can't be used"):
        load_manifest(tmp_path)

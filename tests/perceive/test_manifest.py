from __future__ import annotations

import hashlib
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


def test_an_entry_is_about_the_output_that_it_names(tmp_path: Path) -> None:
    outputs = [{"name": name, "shape": [1, 3], "meaning": "logits"} for name in ("house", "published")]
    folder = installed(tmp_path, linear(WEIGHTS), outputs=outputs, output="published")
    assert load_manifest(folder).models["tiny"].output_index == 1


def test_an_output_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"manifest\.yaml can't be used"):
        load_manifest(installed(tmp_path, linear(WEIGHTS), output="nothing"))


def test_a_vocabulary_is_read_in_order_and_its_hash_checked(tmp_path: Path) -> None:
    text = "\n##ly\nsad\n"
    (tmp_path / "vocab.txt").write_text(text)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    vocabulary = {"file": "vocab.txt", "sha256": sha256}
    manifest = load_manifest(installed(tmp_path, linear(WEIGHTS), vocabulary=vocabulary))
    assert manifest.vocabulary(manifest.models["tiny"]) == ("", "##ly", "sad")
    (tmp_path / "vocab.txt").write_text(text + "glad\n")
    with pytest.raises(ModelError, match=r"vocab\.txt is not the file that the manifest describes"):
        manifest.vocabulary(manifest.models["tiny"])


def test_a_model_without_a_vocabulary_reads_no_text(tmp_path: Path) -> None:
    manifest = load_manifest(installed(tmp_path, linear(WEIGHTS)))
    with pytest.raises(ModelError, match="has no vocabulary"):
        manifest.vocabulary(manifest.models["tiny"])

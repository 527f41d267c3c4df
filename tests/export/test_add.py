"""`add` and `card`: somebody's own model in the manifest, and read by the daemon's readers."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner, Result

torch = pytest.importorskip("torch", reason="torch is not installed (pip install robotd[export])")
pytest.importorskip("onnxscript", reason="onnxscript is not installed (pip install robotd[export])")

from torch import nn  # noqa: E402 - after the checks

from export.__main__ import app  # noqa: E402
from robotd.config import Config  # noqa: E402
from robotd.perceive.files import FileReader  # noqa: E402
from robotd.perceive.manifest import load_manifest  # noqa: E402
from tests.export import tiny  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
SHIPPED = Path(__file__).parents[2] / "models_onnx"
FACE = ["--task", "face", "--labels", ",".join(tiny.LABELS)]


def run(command: str, *arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [command, *map(str, arguments)], catch_exceptions=False)


def refused(result: Result, models: Path) -> str:
    """The one line that is told, once it is sure that nothing was written."""
    assert result.exit_code != 0
    assert not models.exists() or not list(models.iterdir())
    (line,) = result.stderr.splitlines()
    return line


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.saved_onnx(tmp_path_factory.mktemp("face") / "face.onnx")


def test_an_added_model_reads_faces_in_the_daemons_reader(face: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(SHIPPED, models)
    result = run("add", "my_face", face, *FACE, "--licence", "MIT", "--temperature", "2", "--models", models)
    assert result.exit_code == 0, result.output
    assert "robotd perceive --as face --model my_face" in result.output
    assert f"once it is added to {SHIPPED}" in " ".join(result.output.split())

    manifest = load_manifest(models)
    entry = manifest.models["my_face"]
    assert entry.sha256 == hashlib.sha256((models / "my_face.onnx").read_bytes()).hexdigest()
    assert (entry.input.name, entry.input.shape, entry.licence) == ("input", tiny.SHAPE, "MIT")
    assert entry.input.meaning == manifest.models["face_image"].input.meaning
    assert entry.measured["size_kb"] == round(face.stat().st_size / 1000)

    config = Config()
    config = config.model_copy(update={"face": config.face.model_copy(update={"model": "my_face"})})
    reader = FileReader(config, manifest, crop=True)
    rng = np.random.default_rng(0)
    for label, name in ((3, "happy"), (4, "sad")):
        picture = rng.normal(120, 20, (48, 48))
        picture[6 * label : 6 * label + 8] += 40
        cv2.imwrite(str(tmp_path / "crop.png"), picture.clip(0, 255).astype(np.uint8))
        (reading,) = reader.read(tmp_path / "crop.png", "face")
        assert (reading.payload()["model"], reading.payload()["label"]) == ("my_face", name)


def test_a_tiny_manifest_of_ones_own(face: Path, tmp_path: Path) -> None:
    images, classes = tiny.pictures(50, 7)
    np.savez(tmp_path / "faces.npz", inputs=images, labels=classes)
    models = tmp_path / "models"
    result = run("add", "mine", face, *FACE, "--models", models, "--examples", tmp_path / "faces.npz")
    assert result.exit_code == 0, result.output
    entry = yaml.safe_load((models / "manifest.yaml").read_text())["models"]["mine"]
    assert entry["measured"]["examples"] == 50
    assert entry["measured"]["accuracy"] > 0.9
    assert sorted(file.name for file in models.iterdir() if not file.name.startswith(".")) == [
        "manifest.yaml",
        "mine.md",
        "mine.onnx",
    ]
    card = (models / "mine.md").read_text()
    for heading in ("# mine", "## Figures", "## Split", "## Limits", "## Intended use"):
        assert heading in card
    assert entry["sha256"] in card


def test_a_card_is_written_anew_and_keeps_what_its_maker_wrote(face: Path, tmp_path: Path) -> None:
    assert run("add", "mine", face, *FACE, "--models", tmp_path).exit_code == 0
    card = tmp_path / "mine.md"
    card.write_text(card.read_text().replace("Where it fails.", "Only bars.").replace("# mine\n", "# spoiled\n"))
    assert run("card", "mine", "--models", tmp_path).exit_code == 0
    assert card.read_text().startswith("# mine\n")
    assert "Only bars." in card.read_text()


def test_the_card_of_a_recipe_is_written_anew(tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(SHIPPED, models)
    before = (models / "judge.md").read_text()
    (models / "judge.md").write_text(before.replace("Limits", "Nothing"))
    assert run("card", "judge", "--models", models).exit_code == 0
    after = (models / "judge.md").read_text()
    assert "## Limits" in after
    figures = before.partition("## Figures")[2].partition("Rows of the picture")[0]
    assert figures in after, "what was measured stays"
    (models / "judge.md").unlink()
    result = run("card", "judge", "--models", models)
    assert result.exit_code == 1
    assert "`build judge` measures them" in result.stderr


def test_a_card_of_nothing(tmp_path: Path) -> None:
    shutil.copy(SHIPPED / "manifest.yaml", tmp_path)
    result = run("card", "face_imag", "--models", tmp_path)
    assert result.exit_code == 2
    assert "did you mean face_image?" in result.stderr
    nowhere = run("card", "face_image", "--models", tmp_path / "nowhere")
    assert nowhere.exit_code == 1
    assert "nowhere: has no manifest.yaml; --models names" in nowhere.stderr


# --- bad input: one clear line, nothing written


def test_a_wrong_shape_is_told_with_the_right_one(tmp_path: Path) -> None:
    other = tiny.saved_onnx(tmp_path / "rgb.onnx", nn.Flatten(), (1, 1, 1, 7))
    line = refused(run("add", "mine", other, *FACE, "--models", tmp_path / "m"), tmp_path / "m")
    assert "a face model takes 48x48 pixels" in line
    assert "not [1, 1, 1, 7]" in line


@pytest.mark.parametrize(
    ("task", "labels", "told"),
    [
        ("face", "angry,happy", "2 labels, but the model's first output, logits, is [1, 7]"),
        ("face", "angry,disgust,fear,happy,sad,surprise,neutrall", "did you mean neutral?"),
        ("face", "a,b,c,d,e,f,g", "no emotion is called 'a'"),
        ("voice", ",".join(tiny.LABELS), "takes [1, 1, 48, 48]; of speech there are [1, 251, 128]"),
        ("score", ",".join(tiny.LABELS), "Q1,Q2,Q3,Q4"),
        ("smell", ",".join(tiny.LABELS), "there is no task 'smell'"),
    ],
)
def test_what_does_not_fit_the_task(task: str, labels: str, told: str, face: Path, tmp_path: Path) -> None:
    result = run("add", "mine", face, "--task", task, "--labels", labels, "--models", tmp_path / "m")
    assert told in refused(result, tmp_path / "m")


@pytest.mark.parametrize("name", ["My face", "../face", "", "9"])
def test_names_that_are_none(name: str, face: Path, tmp_path: Path) -> None:
    line = refused(run("add", name, face, *FACE, "--models", tmp_path / "m"), tmp_path / "m")
    assert "can't be a model's name" in line


@pytest.mark.parametrize("content", [b"", b"nonsense"])
@pytest.mark.parametrize("ending", ["onnx", "tflite", "pt"])
def test_damaged_models(ending: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / f"bad.{ending}").write_bytes(content)
    line = refused(run("add", "mine", tmp_path / f"bad.{ending}", *FACE, "--models", tmp_path / "m"), tmp_path / "m")
    assert f"bad.{ending}" in line


def test_a_model_that_gives_no_numbers(tmp_path: Path) -> None:
    class Broken(nn.Module):  # type: ignore[misc]  # torch is untyped here
        def forward(self, x: Any) -> Any:
            return torch.log(-torch.abs(x[:, 0, 0, :7]) - 1)

    from export.convert.onnx import export_program

    export_program(Broken(), (torch.zeros(tiny.SHAPE),), tmp_path / "nan.onnx", "input", ["logits"])
    line = refused(run("add", "mine", tmp_path / "nan.onnx", *FACE, "--models", tmp_path / "m"), tmp_path / "m")
    assert "not a number" in line


def test_a_name_that_is_taken(face: Path, tmp_path: Path) -> None:
    assert run("add", "mine", face, *FACE, "--models", tmp_path).exit_code == 0
    result = run("add", "mine", face, *FACE, "--models", tmp_path)
    assert result.exit_code == 2
    assert "--replace" in result.stderr
    assert run("add", "mine", face, *FACE, "--models", tmp_path, "--replace").exit_code == 0


def test_a_folder_that_cannot_be_written(face: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    result = run("add", "mine", face, *FACE, "--models", tmp_path / "file" / "models")
    assert result.exit_code == 1
    assert "can't be written" in result.stderr


def test_a_manifest_that_is_broken_stays_as_it_is(face: Path, tmp_path: Path) -> None:
    (tmp_path / "manifest.yaml").write_text("version: 1\nmodels: 3\n")
    result = run("add", "mine", face, *FACE, "--models", tmp_path)
    assert result.exit_code == 1
    assert "manifest.yaml" in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["manifest.yaml"]

"""Somebody's own models to ONNX: every format end to end, and every way in which a file can be bad."""

from __future__ import annotations

import importlib
import io
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

torch = pytest.importorskip("torch", reason="torch is not installed (pip install robotd[export])")
for needed in ("onnxscript", "skl2onnx", "skops", "safetensors"):
    pytest.importorskip(needed, reason=f"{needed} is not installed (pip install robotd[export])")

import onnx  # noqa: E402 - after the checks
from onnx import helper  # noqa: E402

from export.__main__ import app  # noqa: E402
from export.convert.environment import LITERT  # noqa: E402
from export.convert.pytorch import module_of  # noqa: E402
from export.verify import open_session  # noqa: E402
from tests.export import tiny  # noqa: E402
from tests.export.environments import MAKING_S, needs  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
SIDES = ["--input-shape", "1,1,48,48"]


def convert(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["convert", *map(str, arguments)], catch_exceptions=False)


def refused(result: Result, target: Path) -> str:
    """The one line that is told, once it is sure that nothing was written."""
    assert result.exit_code != 0
    assert not target.exists()
    assert not list(target.parent.glob(".writing*"))
    (line,) = result.stderr.splitlines()
    assert line.startswith("export: ")
    return line


def graph_model(nodes: list[Any], opset: int = 18, batch: int | str = 1, **more: Any) -> Any:
    """A little ONNX model from x [batch, 4] to y, with a note of its maker's disk."""
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [batch, 4])
    y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    weights = helper.make_tensor("w", onnx.TensorProto.FLOAT, [4, 3], np.arange(12, dtype=np.float32))
    graph = helper.make_graph(nodes, "g", [x], [y], [weights], doc_string="/home/somebody/net.py")
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), *more.get("opsets", [])])


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained net as an exported program that bears any batch."""
    file = tmp_path_factory.mktemp("program") / "face.pt2"
    batch = {0: torch.export.Dim("batch")}
    torch.export.save(
        torch.export.export(tiny.net(), (torch.zeros(2, *tiny.SHAPE[1:]),), dynamic_shapes=(batch,)), file
    )
    return file


@pytest.fixture
def mynets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of somebody who has a module with a net."""
    (tmp_path / "mynets.py").write_text(tiny.SOURCE)
    monkeypatch.chdir(tmp_path)


def check_face(file: Path) -> None:
    """The file computes what the trained net computes, in the daemon's runtime, one face at a time."""
    images, classes = tiny.pictures(60, 1)
    given = tiny.answers(file, images)
    np.testing.assert_allclose(given, tiny.net()(torch.from_numpy(images)).detach(), atol=1e-4)
    assert (given.argmax(axis=1) == classes).mean() > 0.9
    session = open_session(file)
    (taken,), (said,) = session.get_inputs(), session.get_outputs()
    assert (taken.name, taken.shape) == ("input", [1, 1, 48, 48])
    assert (said.name, said.shape) == ("logits", [1, 7])
    assert b".py" not in file.read_bytes()


def test_exported_program(program: Path, tmp_path: Path) -> None:
    result = convert(program, "-o", tmp_path / "face.onnx")
    assert result.exit_code == 0, result.output
    assert "PyTorch exported program" in result.output
    assert "outputs differ by at most" in result.output
    check_face(tmp_path / "face.onnx")


def test_torchscript(tmp_path: Path) -> None:
    result = convert(tiny.saved_script(tmp_path / "face.pt"), *SIDES)
    assert result.exit_code == 0, result.output
    check_face(tmp_path / "face.onnx")


def test_what_torchscript_cannot_take_is_told_with_the_reason(tmp_path: Path) -> None:
    source = tiny.saved_script(tmp_path / "face.pt")
    line = refused(convert(source, "--input-shape", "1,3,48,48"), tmp_path / "face.onnx")
    assert "can't take --input-shape 1,3,48,48 (Given groups=1" in line


@pytest.mark.usefixtures("mynets")
def test_state_dict_with_its_class(tmp_path: Path) -> None:
    torch.save({"state_dict": tiny.net().state_dict(), "epoch": 3}, tmp_path / "weights.pth")
    result = convert(tmp_path / "weights.pth", "--class", "mynets:Net", *SIDES, "-o", tmp_path / "face.onnx")
    assert result.exit_code == 0, result.output
    check_face(tmp_path / "face.onnx")


@pytest.mark.usefixtures("mynets")
def test_safetensors_hold_weights_too(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file(tiny.net().state_dict(), tmp_path / "weights.safetensors")
    module = module_of(tmp_path / "weights.safetensors", "mynets:Net")
    images = torch.from_numpy(tiny.pictures(4, 1)[0])
    torch.testing.assert_close(module(images), tiny.net()(images))


def estimators() -> dict[str, Any]:
    """Kinds of estimators that give probabilities, scores for two and for several classes, and values."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC, LinearSVC

    return {
        "probabilities": make_pipeline(StandardScaler(), LogisticRegression()),
        "scores": make_pipeline(StandardScaler(), SVC()),
        "two": SVC(),
        "linear": LinearSVC(),
        "values": Ridge(),
    }


def rows(kind: str) -> tuple[np.ndarray[Any, np.dtype[np.float32]], np.ndarray[Any, Any]]:
    features = np.random.default_rng(0).normal(size=(300, 6)).astype(np.float32)
    classes = (features[:, 0] > 0).astype(int) + 2 * (features[:, 1] > 0)
    return features, classes % 2 if kind == "two" else classes


@pytest.mark.parametrize("kind", ["probabilities", "scores", "two", "linear", "values"])
def test_scikit_learn_says_the_same_as_before(kind: str, tmp_path: Path) -> None:
    from skops.io import dump

    features, classes = rows(kind)
    estimator = estimators()[kind].fit(features, classes)
    dump(estimator, tmp_path / "net.skops")
    result = convert(tmp_path / "net.skops")
    assert result.exit_code == 0, result.output
    given = tiny.answers(tmp_path / "net.onnx", features[:40])
    if kind == "values":
        np.testing.assert_allclose(given[:, 0], estimator.predict(features[:40]), atol=1e-4)
        return
    np.testing.assert_array_equal(given.argmax(axis=1), estimator.predict(features[:40]))
    if kind == "probabilities":  # the daemon's softmax gives them back
        np.testing.assert_allclose(np.exp(given), estimator.predict_proba(features[:40]), atol=1e-4)


def test_a_trusted_pickle_of_trees(tmp_path: Path) -> None:
    import joblib
    from sklearn.ensemble import RandomForestClassifier

    features, classes = rows("several")
    forest = RandomForestClassifier(5, random_state=0).fit(features, classes)
    joblib.dump(forest, tmp_path / "forest.joblib")
    assert "--trust" in refused(convert(tmp_path / "forest.joblib"), tmp_path / "forest.onnx")
    result = convert(tmp_path / "forest.joblib", "--trust")
    assert result.exit_code == 0, result.output
    given = tiny.answers(tmp_path / "forest.onnx", features[:40])
    np.testing.assert_array_equal(given.argmax(axis=1), forest.predict(features[:40]))


def test_onnx_is_raised_fixed_and_cleaned(tmp_path: Path) -> None:
    onnx.save(graph_model([helper.make_node("MatMul", ["x", "w"], ["y"])], opset=12, batch="n"), tmp_path / "old.onnx")
    result = convert(tmp_path / "old.onnx", "-o", tmp_path / "new.onnx")
    assert result.exit_code == 0, result.output
    assert "opset raised from 12 to 18" in result.output
    model = onnx.load(tmp_path / "new.onnx")
    assert model.opset_import[0].version == 18
    assert b"somebody" not in (tmp_path / "new.onnx").read_bytes()
    session = open_session(tmp_path / "new.onnx")
    assert session.get_inputs()[0].shape == [1, 4]
    x = np.ones((1, 4), np.float32)
    np.testing.assert_allclose(session.run(None, {"x": x})[0], [[18, 22, 26]])


# --- bad input: one clear line, nothing written


def test_an_unknown_operator(tmp_path: Path) -> None:
    custom = helper.make_node("Levitate", ["x"], ["y"], domain="somebody.else")
    onnx.save(graph_model([custom], opsets=[helper.make_opsetid("somebody.else", 1)]), tmp_path / "odd.onnx")
    line = refused(convert(tmp_path / "odd.onnx", "-o", tmp_path / "new.onnx"), tmp_path / "new.onnx")
    assert "no runtime knows the operator somebody.else.Levitate" in line


@pytest.mark.usefixtures("mynets")
@pytest.mark.parametrize("kind", ["pth", "pt"])
def test_an_operator_of_torch_that_onnx_has_not(kind: str, tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(
        "import torch\n"
        "class Odd(torch.nn.Module):\n"
        "    def forward(self, x):\n"
        "        return torch.special.bessel_j0(x)\n"
        "class Needless(Odd):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.scale = torch.nn.Parameter(torch.ones(1))\n"
    )
    if kind == "pt":
        sys.path.insert(0, str(tmp_path))
        try:
            tiny.saved_script(tmp_path / "net.pt", importlib.import_module("odd").Odd(), (1, 4))
        finally:
            sys.path.remove(str(tmp_path))
            del sys.modules["odd"]
    else:
        torch.save({"scale": torch.ones(1)}, tmp_path / "net.pth")
    asked = ["--input-shape", "1,4", *(["--class", "odd:Needless"] if kind == "pth" else [])]
    line = refused(convert(tmp_path / f"net.{kind}", *asked), tmp_path / "net.onnx")
    sys.modules.pop("odd", None)
    assert "bessel_j0" in line


@pytest.mark.parametrize("sides", ["1,5", "1,4,4", "2,4"])
def test_a_wrong_shape(sides: str, tmp_path: Path) -> None:
    onnx.save(graph_model([helper.make_node("MatMul", ["x", "w"], ["y"])], batch="n"), tmp_path / "net.onnx")
    line = refused(
        convert(tmp_path / "net.onnx", "--input-shape", sides, "-o", tmp_path / "new.onnx"), tmp_path / "new.onnx"
    )
    assert "[n, 4]" in line or "[2" in line or "2 at once" in line


@pytest.mark.parametrize("sides", ["four", "1,-4", ""])
def test_a_shape_that_is_none(sides: str, tmp_path: Path) -> None:
    assert "--input-shape" in refused(convert(tmp_path / "net.onnx", "--input-shape", sides), tmp_path / "new.onnx")


def test_open_sides_must_be_said(tmp_path: Path) -> None:
    model = graph_model([helper.make_node("Relu", ["x"], ["y"])])
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "width"
    onnx.save(model, tmp_path / "net.onnx")
    line = refused(convert(tmp_path / "net.onnx", "-o", tmp_path / "new.onnx"), tmp_path / "new.onnx")
    assert "--input-shape" in line
    assert convert(tmp_path / "net.onnx", "--input-shape", "1,6", "-o", tmp_path / "new.onnx").exit_code == 0


def test_several_inputs(tmp_path: Path) -> None:
    model = graph_model([helper.make_node("Add", ["x", "z"], ["y"])])
    model.graph.input.append(helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, [1, 4]))
    onnx.save(model, tmp_path / "two.onnx")
    line = refused(convert(tmp_path / "two.onnx", "-o", tmp_path / "new.onnx"), tmp_path / "new.onnx")
    assert "has 2 inputs (x, z)" in line


@pytest.mark.parametrize("ending", ["pt2", "pt", "pth", "safetensors", "onnx", "skops", "joblib"])
@pytest.mark.parametrize("content", [b"", b"no model at all", b"PK\x03\x04 cut off"])
def test_a_damaged_file(ending: str, content: bytes, tmp_path: Path) -> None:
    file = tmp_path / f"bad.{ending}"
    file.write_bytes(content)
    line = refused(convert(file, "--trust", "-o", tmp_path / "new.onnx"), tmp_path / "new.onnx")
    assert "damaged" in line or "is empty" in line


def test_a_program_that_was_cut_off(program: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.pt2").write_bytes(program.read_bytes()[:3000])
    assert "damaged" in refused(convert(tmp_path / "cut.pt2"), tmp_path / "cut.onnx")


class Trap:
    """Makes a file where it is unpickled by whoever trusts it."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        return Path.touch, (self.file,)


@pytest.mark.parametrize("kind", ["pt", "joblib", "pt2"])
def test_code_in_a_file_does_not_run(kind: str, program: Path, tmp_path: Path) -> None:
    import joblib

    sprung, file = tmp_path / "sprung", tmp_path / f"trap.{kind}"
    if kind == "joblib":
        joblib.dump(Trap(sprung), file)
    elif kind == "pt":
        torch.save(Trap(sprung), file)
    else:
        trap = io.BytesIO()
        torch.save(Trap(sprung), trap)
        with zipfile.ZipFile(program) as good, zipfile.ZipFile(file, "w") as bad:
            for name in good.namelist():
                bad.writestr(name, trap.getvalue() if "sample_inputs" in name else good.read(name))
    line = refused(convert(file, *SIDES, "-o", tmp_path / "new.onnx"), tmp_path / "new.onnx")
    assert "a pickle" in line
    assert "--trust" in line
    assert not sprung.exists()


def test_a_skops_file_with_an_unknown_class(tmp_path: Path) -> None:
    from skops.io import dump

    dump(Odd(), tmp_path / "odd.skops")
    line = refused(convert(tmp_path / "odd.skops"), tmp_path / "odd.onnx")
    assert "Odd" in line
    assert "--trust" in line


class Odd:
    """No estimator of scikit-learn's."""

    weight = 1.0


@pytest.mark.usefixtures("mynets")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "--class"),
        (["--class", "mynets:Net"], "--input-shape"),
        (["--class", "mynets"], "package.module:Class"),
        (["--class", "mynets:Nett", *SIDES], "has no Nett"),
        (["--class", "nomodule:Net", *SIDES], "can't be imported"),
        (["--class", "mynets:Needy", *SIDES], "is called without arguments"),
        (["--class", "mynets:nn", *SIDES], "is called without arguments"),
        (["--class", "mynets:Net", "--input-shape", "1,3,48,48"], "can't take --input-shape 1,3,48,48"),
    ],
)
def test_weights_without_what_belongs_to_them(arguments: list[str], told: str, tmp_path: Path) -> None:
    torch.save(tiny.net().state_dict(), tmp_path / "weights.pth")
    line = refused(convert(tmp_path / "weights.pth", *arguments, "-o", tmp_path / "new.onnx"), tmp_path / "new.onnx")
    assert told in line


@pytest.mark.usefixtures("mynets")
def test_weights_of_another_net(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(3)}, tmp_path / "weights.pth")
    line = refused(convert(tmp_path / "weights.pth", "--class", "mynets:Net", *SIDES), tmp_path / "weights.onnx")
    assert "doesn't fit mynets:Net" in line


def test_what_is_no_estimator(tmp_path: Path) -> None:
    import joblib
    from sklearn.linear_model import Ridge

    joblib.dump([1, 2], tmp_path / "list.joblib")
    joblib.dump(Ridge(), tmp_path / "raw.joblib")
    assert "predicts nothing" in refused(convert(tmp_path / "list.joblib", "--trust"), tmp_path / "list.onnx")
    assert "hasn't been fitted" in refused(convert(tmp_path / "raw.joblib", "--trust"), tmp_path / "raw.onnx")


@pytest.mark.parametrize(
    ("source", "target", "told"),
    [
        ("nothing.onnx", "new.onnx", "there is no such file"),
        ("notes.txt", "new.onnx", "nobody knows what .txt is"),
        ("net.tflite", "new.onnx", "is TFLite already"),
        ("net.onnx", "new.pt", "name it .onnx or .tflite"),
        ("net.onnx", "net.onnx", None),
        ("folder", "new.onnx", "without a saved_model.pb"),
        ("net.onnx", "notes.txt/new.onnx", "can't be written"),
    ],
)
def test_files_that_are_not_what_is_asked(source: str, target: str, told: str | None, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("notes.txt", "net.tflite"):
        (tmp_path / name).write_text("something")
    onnx.save(graph_model([helper.make_node("Relu", ["x"], ["y"])]), tmp_path / "net.onnx")
    result = convert(tmp_path / source, "-o", tmp_path / target)
    if told is None:  # in its own place: written beside and renamed
        assert result.exit_code == 0, result.output
        return
    assert result.exit_code != 0
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_no_file_is_overwritten_by_what_fails(tmp_path: Path) -> None:
    onnx.save(graph_model([helper.make_node("Relu", ["x"], ["y"])]), tmp_path / "good.onnx")
    before = (tmp_path / "good.onnx").read_bytes()
    (tmp_path / "bad.pt").write_bytes(b"nonsense")
    assert convert(tmp_path / "bad.pt", "-o", tmp_path / "good.onnx").exit_code == 1
    assert (tmp_path / "good.onnx").read_bytes() == before


def test_trees_have_no_tflite_form(tmp_path: Path) -> None:
    from sklearn.tree import DecisionTreeClassifier
    from skops.io import dump

    features, classes = rows("several")
    dump(DecisionTreeClassifier(max_depth=3).fit(features, classes), tmp_path / "tree.skops")
    line = refused(convert(tmp_path / "tree.skops", "--trust", "--to", "tflite"), tmp_path / "tree.tflite")
    assert "TFLite has nothing like TreeEnsembleClassifier" in line


@needs(LITERT)
@pytest.mark.timeout(MAKING_S)
def test_onnx_to_tflite_in_its_own_environment(tmp_path: Path) -> None:
    images, classes = tiny.pictures(100, 8)
    np.save(tmp_path / "faces.npy", images)
    source = tiny.saved_onnx(tmp_path / "face.onnx")
    result = convert(source, "-o", tmp_path / "face.tflite", "--calibration", tmp_path / "faces.npy")
    assert result.exit_code == 0, result.output
    assert (tiny.answers(tmp_path / "face.tflite", images).argmax(axis=1) == classes).mean() > 0.9


def test_a_model_that_is_already_there_is_not_its_own_target(tmp_path: Path) -> None:
    shutil.copy(tiny.saved_onnx(tmp_path / "made.onnx"), tmp_path / "face.onnx")
    result = convert(tmp_path / "face.onnx")
    assert result.exit_code == 2
    assert "name another file with -o" in result.stderr

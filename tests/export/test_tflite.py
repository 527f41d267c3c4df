"""Torch nets and ONNX models become TFLite models that compute the same and that the daemon loads."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

torch = pytest.importorskip("torch", reason="torch is not installed (pip install robotd[export])")
pytest.importorskip("onnxscript", reason="onnxscript is not installed (pip install robotd[export])")

from torch import nn  # noqa: E402 - after the check for torch

from export.convert.environment import LITERT  # noqa: E402
from export.convert.onnx import export_program  # noqa: E402
from export.convert.onnx_net import onnx_net  # noqa: E402
from export.convert.tflite import TfliteSession, net_to_tflite, to_tflite  # noqa: E402
from export.errors import AskedError, ExportError  # noqa: E402
from export.verify import onnx_logits, open_session  # noqa: E402
from robotd.config import Runtime  # noqa: E402
from robotd.perceive.manifest import Manifest, ModelEntry, Tensor  # noqa: E402
from robotd.perceive.runtime import Model  # noqa: E402

from .environments import MAKING_S, needs  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
    pytest.mark.timeout(MAKING_S),
]


class Look(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """A residual CNN with attention, as our faces have."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, 8, 5, 2, 2), nn.BatchNorm2d(8), nn.ReLU())
        self.deep = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.gate = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 8), nn.Sigmoid())
        self.name = nn.Linear(8, 5)

    def forward(self, image: Any) -> Any:
        seen = self.stem(image)
        seen = torch.relu(seen + self.deep(seen))
        seen = seen * self.gate(seen.mean(dim=(2, 3)))[:, :, None, None]
        return self.name(nn.functional.max_pool2d(seen, 2).flatten(2).mean(dim=2))


class Listen(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Convolutions and a recurrent layer over what sounds, as our voices and songs have."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.look = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.listen = getattr(nn, kind)(16, 6, batch_first=True, bidirectional=kind == "LSTM")
        self.name = nn.Linear(12 if kind == "LSTM" else 6, 3)

    def forward(self, mel: Any) -> Any:
        sounding = (mel.amax(dim=2, keepdim=True) > 0.2).float()
        seen = self.look((mel * sounding)[:, None]).permute(0, 2, 1, 3).flatten(2)
        heard, _ = self.listen(seen)
        return self.name(heard.mean(dim=1))


NETS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "look": (Look, (1, 2, 16, 16)),
    "lstm": (lambda: Listen("LSTM"), (1, 12, 8)),
    "gru": (lambda: Listen("GRU"), (1, 12, 8)),
}


def made(name: str) -> tuple[Any, np.ndarray[Any, np.dtype[np.float32]]]:
    """Return a net that has seen a little, and inputs."""
    torch.manual_seed(0)
    make, shape = NETS[name]
    net = make()
    for parameter in net.parameters():
        parameter.data *= 2.0
    inputs = np.random.default_rng(0).random((24, *shape[1:])).astype(np.float32)
    with torch.no_grad():
        for _ in range(20):
            net.train()(torch.from_numpy(inputs))
    return net.eval(), inputs


def logits(net: Any, inputs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    with torch.no_grad():
        return np.asarray(net(torch.from_numpy(inputs)).numpy())


# --- ONNX as a net, which needs no environment ---------------------------------------------------------------------


@pytest.mark.parametrize("name", NETS)
def test_an_onnx_model_is_the_same_net(name: str, tmp_path: Path) -> None:
    net, inputs = made(name)
    export_program(net, (torch.from_numpy(inputs[:1]),), tmp_path / "net.onnx", "x")
    read, shape = onnx_net(tmp_path / "net.onnx")
    assert shape == (1, *inputs.shape[1:])
    np.testing.assert_allclose(logits(read, inputs[:1]), logits(net, inputs[:1]), rtol=1e-4, atol=1e-5)


def write(file: Path, nodes: list[Any], shape: list[int], constants: dict[str, Any]) -> None:
    """Write a model of one input `x` and one output `y`."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    arrays = [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()]
    content = helper.make_graph(nodes, "one", [x], [y], arrays)
    onnx.save(helper.make_model(content, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), file)


WEIGHT = np.random.default_rng(0).normal(0, 1, (3, 2, 3, 3)).astype(np.float32)
INTS = np.int64


@pytest.mark.parametrize(
    ("kind", "options", "constants"),
    [
        ("Conv", {"pads": [0, 1, 2, 1]}, {"w": WEIGHT}),
        ("Conv", {"auto_pad": "SAME_UPPER", "strides": [2, 2]}, {"w": WEIGHT}),
        ("Conv", {"auto_pad": "SAME_LOWER", "strides": [2, 1]}, {"w": WEIGHT}),
        ("ConvTranspose", {"strides": [2, 2], "pads": [1, 1, 1, 1]}, {"w": WEIGHT.transpose(1, 0, 2, 3).copy()}),
        ("MaxPool", {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 1, 1]}, {}),
        ("AveragePool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}, {}),
        ("AveragePool", {"kernel_shape": [3, 3], "pads": [0, 0, 1, 1]}, {}),
        ("AveragePool", {"kernel_shape": [2, 2], "pads": [0, 0, 1, 1], "count_include_pad": 1}, {}),
        ("GlobalMaxPool", {}, {}),
        ("Flatten", {"axis": 2}, {}),
        ("Transpose", {}, {}),
        ("Reshape", {}, {"to": np.array([0, -1, 3], INTS)}),
        ("Slice", {}, {"s": np.array([1, -1], INTS), "e": np.array([9, -99], INTS), "a": np.array([2, 3], INTS),
                       "p": np.array([2, -1], INTS)}),
        ("Gather", {"axis": 2}, {"i": np.array([[0, -1], [2, 2]], INTS)}),
        ("Pad", {}, {"p": np.array([0, 0, 1, 2, 0, 0, 3, 0], INTS), "v": np.float32(0.5)}),
        ("Pad", {"mode": "reflect"}, {"p": np.array([0, 0, 1, 2, 0, 0, 3, 0], INTS)}),
        ("ReduceMax", {"keepdims": 0}, {"a": np.array([1, -1], INTS)}),
        ("ReduceL2", {}, {"a": np.array([3], INTS)}),
        ("ReduceMean", {}, {}),
        ("Clip", {}, {"low": np.float32(-0.3), "high": np.float32(0.4)}),
        ("HardSigmoid", {"alpha": 0.3}, {}),
        ("LeakyRelu", {"alpha": 0.3}, {}),
        ("PRelu", {}, {"s": np.full((2, 1, 1), 0.25, np.float32)}),
        ("Softmax", {"axis": 1}, {}),
        ("Gelu", {"approximate": "tanh"}, {}),
        ("LayerNormalization", {"axis": 2}, {"s": np.ones((6, 6), np.float32), "b": np.ones((6, 6), np.float32)}),
        ("Expand", {}, {"s": np.array([3, 2, 6, 6], INTS)}),
        ("Tile", {}, {"r": np.array([1, 2, 1, 1], INTS)}),
        ("Pow", {}, {"e": np.float32(2.0)}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_an_operator_computes_what_onnx_runtime_does(
    kind: str, options: dict[str, Any], constants: dict[str, Any], tmp_path: Path
) -> None:
    node = helper.make_node(kind, ["x", *constants], ["y"], **options)
    write(tmp_path / "one.onnx", [node], [1, 2, 6, 6], constants)
    model = onnx.load(tmp_path / "one.onnx")
    model.opset_import[0].version = 20 if kind == "Gelu" else 18
    onnx.save(model, tmp_path / "one.onnx")
    inputs = np.random.default_rng(1).normal(0, 1, (1, 2, 6, 6)).astype(np.float32)
    read, _ = onnx_net(tmp_path / "one.onnx")
    wanted = onnx_logits(open_session(tmp_path / "one.onnx"), inputs)
    np.testing.assert_allclose(logits(read, inputs), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize(("kind", "gates"), [("LSTM", 4), ("GRU", 3)])
def test_recurrent_layers_keep_onnx_order_of_gates(kind: str, gates: int, direction: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ways, hidden, features = 2 if direction == "bidirectional" else 1, 5, 4
    constants = {
        "w": rng.normal(0, 1, (ways, gates * hidden, features)),
        "r": rng.normal(0, 1, (ways, gates * hidden, hidden)),
        "b": rng.normal(0, 1, (ways, 2 * gates * hidden)),
        "h": rng.normal(0, 1, (ways, 1, hidden)),
    }
    arrays = {name: array.astype(np.float32) for name, array in constants.items()}
    options = {"linear_before_reset": 1} if kind == "GRU" else {}
    last = ["h"] if kind == "GRU" else ["h", "h"]
    node = helper.make_node(
        kind, ["x", "w", "r", "b", "", *last], ["y"], hidden_size=hidden, direction=direction, **options
    )
    write(tmp_path / "one.onnx", [node], [7, 1, features], arrays)
    inputs = rng.normal(0, 1, (7, 1, features)).astype(np.float32)
    read, _ = onnx_net(tmp_path / "one.onnx")
    session = open_session(tmp_path / "one.onnx")
    np.testing.assert_allclose(logits(read, inputs), session.run(None, {"x": inputs})[0], rtol=1e-4, atol=1e-5)


def test_what_cannot_be_converted_is_named(tmp_path: Path) -> None:
    write(tmp_path / "odd.onnx", [helper.make_node("Det", ["x"], ["y"])], [1, 2, 6, 6], {})
    with pytest.raises(ExportError, match=r"odd\.onnx.*Det can't be converted"):
        to_tflite(tmp_path / "odd.onnx", tmp_path / "odd.tflite")
    (tmp_path / "broken.onnx").write_bytes(b"\x08nothing")
    with pytest.raises(ExportError, match=r"broken\.onnx: is no ONNX model"):
        to_tflite(tmp_path / "broken.onnx", tmp_path / "odd.tflite")
    with pytest.raises(ExportError, match="there is no such file"):
        to_tflite(tmp_path / "absent.pt2", tmp_path / "odd.tflite")
    (tmp_path / "model.doc").write_bytes(b"letter")
    with pytest.raises(ExportError, match=r"model\.doc: not one of"):
        to_tflite(tmp_path / "model.doc", tmp_path / "odd.tflite")
    with pytest.raises(AskedError, match="can't quantise Lstm"):
        to_tflite(tmp_path / "odd.onnx", tmp_path / "odd.tflite", operators=["Conv", "Lstm"])
    assert not (tmp_path / "odd.tflite").exists()


def test_a_tflite_model_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.tflite").write_bytes(b"TFL3 or not")
    with pytest.raises(ExportError, match=r"is no TFLite model that can be run"):
        TfliteSession(tmp_path / "broken.tflite")


# --- the real converter -------------------------------------------------------------------------------------------


@needs(LITERT)
@pytest.mark.parametrize("name", NETS)
def test_a_net_becomes_tflite(name: str, tmp_path: Path) -> None:
    net, inputs = made(name)
    shape = (1, *inputs.shape[1:])
    net_to_tflite(net, tmp_path / "float.tflite", shape)
    session = TfliteSession(tmp_path / "float.tflite")
    assert session.shape == shape, "the layout stays"
    wanted = logits(net, inputs)
    np.testing.assert_allclose(session.logits(inputs), wanted, rtol=1e-3, atol=1e-4)

    to_tflite(tmp_path / "float.tflite", tmp_path / "int8.tflite", inputs)
    int8 = TfliteSession(tmp_path / "int8.tflite").logits(inputs)
    assert (int8 != wanted).any()
    assert np.abs(int8 - wanted).mean() < 0.1 * wanted.std() + 0.02
    content = (tmp_path / "int8.tflite").read_bytes()
    assert str(tmp_path).encode() not in content
    assert sorted(file.name for file in tmp_path.iterdir()) == ["float.tflite", "int8.tflite"]


@needs(LITERT)
def test_the_daemon_runs_it(tmp_path: Path) -> None:
    net, inputs = made("look")
    export_program(net, (torch.from_numpy(inputs[:1]),), tmp_path / "net.onnx", "x")
    to_tflite(tmp_path / "net.onnx", tmp_path / "net.tflite", inputs)
    entry = ModelEntry(
        task="face",
        format="tflite",
        file="net.tflite",
        sha256=hashlib.sha256((tmp_path / "net.tflite").read_bytes()).hexdigest(),
        input=Tensor(name="x", shape=(1, *inputs.shape[1:]), meaning=""),
        outputs=(Tensor(name="logits", shape=(1, 5), meaning=""),),
        labels=tuple("abcde"),
        licence="",
    )
    model = Model("net", "face", Manifest((tmp_path,), {"net": entry}), Runtime())
    shares = np.exp(logits(net, inputs[:1])[0])
    np.testing.assert_allclose(model.probabilities(inputs[:1]), shares / shares.sum(), atol=0.1)


@needs(LITERT)
def test_named_operators_and_weights_alone_can_be_quantised(tmp_path: Path) -> None:
    net, inputs = made("look")
    net_to_tflite(net, tmp_path / "float.tflite", (1, *inputs.shape[1:]))
    to_tflite(tmp_path / "float.tflite", tmp_path / "conv.tflite", inputs, operators=["Conv", "Relu"])
    to_tflite(tmp_path / "float.tflite", tmp_path / "dynamic.tflite", dynamic=True)
    for name in ("conv", "dynamic"):
        given = TfliteSession(tmp_path / f"{name}.tflite").logits(inputs)
        assert np.abs(given - logits(net, inputs)).max() < 0.1 * logits(net, inputs).std() + 0.05, name


@needs(LITERT)
def test_a_program_that_torch_saved_becomes_tflite(tmp_path: Path) -> None:
    net, inputs = made("look")
    torch.export.save(torch.export.export(net, (torch.from_numpy(inputs[:1]),)), tmp_path / "net.pt2")
    to_tflite(tmp_path / "net.pt2", tmp_path / "net.tflite")
    given = TfliteSession(tmp_path / "net.tflite").logits(inputs)
    np.testing.assert_allclose(given, logits(net, inputs), rtol=1e-3, atol=1e-4)


@needs(LITERT)
def test_failures_are_one_line_and_leave_nothing(tmp_path: Path) -> None:
    net, _ = made("look")
    (tmp_path / "broken.pt2").write_bytes(b"PK\x03\x04 not a program")
    with pytest.raises(ExportError) as told:
        to_tflite(tmp_path / "broken.pt2", tmp_path / "net.tflite")
    assert str(told.value).startswith(f"{tmp_path / 'broken.pt2'}: ")
    assert "\n" not in str(told.value)
    with pytest.raises(ExportError, match=r"takes \[1, 2, 16, 16\], but a calibration input is \[3, 16, 16\]"):
        net_to_tflite(net, tmp_path / "net.tflite", (1, 2, 16, 16), np.zeros((4, 3, 16, 16), np.float32))
    assert [file.name for file in tmp_path.iterdir()] == ["broken.pt2"]

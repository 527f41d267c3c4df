"""Makes tiny models with a manifest of their own, so that loading and its refusals can be tried."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper


def linear(weights: list[list[float]], operator: str | None = None) -> bytes:
    """Return an ONNX file: `logits = x @ weights`, an operator such as `Log` applied where one is named."""
    matrix = np.array(weights, np.float32)
    rows, columns = matrix.shape
    nodes = [helper.make_node("MatMul", ["x", "w"], ["product" if operator else "logits"])]
    if operator:
        nodes.append(helper.make_node(operator, ["product"], ["logits"]))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, rows])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, columns])],
        [numpy_helper.from_array(matrix, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def installed(folder: Path, content: bytes, **changes: Any) -> Path:
    """Put a model called `tiny` into a folder with its manifest, changed as asked; returns the folder."""
    (folder / "tiny.onnx").write_bytes(content)
    entry: dict[str, Any] = {
        "task": "face",
        "format": "onnx",
        "file": "tiny.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "input": {"name": "x", "shape": [1, 2], "meaning": "two numbers"},
        "outputs": [{"name": "logits", "shape": [1, 3], "meaning": "logits"}],
        "labels": ["happy", "sad", "neutral"],
        "licence": "none",
    }
    (folder / "manifest.yaml").write_text(yaml.safe_dump({"version": 1, "models": {"tiny": entry | changes}}))
    return folder

"""scikit-learn to ONNX: `.skops` files, which run no code, and pickles (`.joblib`, `.pkl`) that are trusted."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ..errors import ExportError, first_line, told
from .onnx import OPSET

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

#: Of ONNX's own machine learning operators: the newest that skl2onnx writes.
_ML_OPSET = 3
_INPUT, _SCORES, _VALUES = "features", "logits", "values"
#: Below it a probability's logarithm stays where it is: runtimes refuse infinity.
_LEAST = 1e-7


def load(source: Path, *, trust: bool = False) -> Any:
    """Load a fitted estimator.

    Raises:
        ExportError: the file is damaged, holds something else, or would run code that isn't trusted.
    """
    if source.suffix.lower() == ".skops":
        held = _from_skops(source, trust=trust)
    else:
        if not trust:
            raise ExportError(
                f"{source}: a pickle runs code of whoever made it; add --trust if you know who did, "
                "or save the model with skops"
            )
        import joblib

        with told(f"{source}: is no pickle of scikit-learn's, or a damaged one"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            held = joblib.load(source)
    if not hasattr(held, "predict"):
        raise ExportError(f"{source}: holds a {type(held).__name__}, which predicts nothing")
    if not hasattr(held, "n_features_in_"):
        raise ExportError(f"{source}: the {type(held).__name__} hasn't been fitted")
    return held


def _from_skops(source: Path, *, trust: bool) -> Any:
    from skops.io import get_untrusted_types
    from skops.io import load as load_skops

    with told(f"{source}: is no skops file, or a damaged one"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        unknown = get_untrusted_types(file=source)
        if unknown and not trust:
            raise ExportError(f"{source}: holds {', '.join(unknown)}, which may run code; add --trust if you know it")
        return load_skops(source, trusted=unknown)


def scikit_to_onnx(estimator: Any, source: Path, target: Path, input_shape: Sequence[int] | None = None) -> None:
    """Write a fitted estimator as ONNX.

    A classifier gets one output, `logits`: the logarithms of its probabilities, which the daemon's softmax turns
    back into them, or its scores where it has no probabilities. A regressor gets `values`.

    Raises:
        ExportError: skl2onnx can't convert it, or it takes another number of features than asked for.
    """
    from skl2onnx import to_onnx as skl_to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    features = int(estimator.n_features_in_)
    if input_shape is not None and tuple(input_shape) != (1, features):
        asked = ",".join(map(str, input_shape))
        raise ExportError(f"{source}: takes [1, {features}], which --input-shape {asked} contradicts")
    classes = getattr(estimator, "classes_", None)

    def converted(options: dict[str, bool]) -> Any:
        return skl_to_onnx(
            estimator,
            initial_types=[(_INPUT, FloatTensorType([1, features]))],
            target_opset={"": OPSET, "ai.onnx.ml": _ML_OPSET},
            options={id(estimator): options} if options else None,
        )

    with told(f"{source}: can't be converted"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = _first(converted, [{}] if classes is None else _options(estimator))
    if classes is None:
        _keep_output(model, model.graph.output[0].name, _VALUES)
    else:
        _keep_scores(estimator, model)
    try:
        onnx.save(model, target)
    except OSError as error:
        raise ExportError(f"{target}: can't be written ({first_line(error)})") from error


def _options(estimator: Any) -> list[dict[str, bool]]:
    """Return what to ask skl2onnx for, best first: an array and no dictionaries, and scores as they are.

    Without `raw_scores` it turns the scores of a support vector machine for two classes round.
    """
    array = {"zipmap": False}
    if hasattr(estimator, "predict_proba"):
        return [array, {}]
    raw = {"raw_scores": True}
    return [array | raw, raw, array, {}]


def _first(converted: Callable[[dict[str, bool]], Any], options: Sequence[dict[str, bool]]) -> Any:
    for some in options[:-1]:
        try:
            return converted(some)
        except NameError:  # skl2onnx says so of an option that a kind of estimator doesn't have
            continue
    return converted(options[-1])


def outputs_of(estimator: Any, inputs: NDArray[np.float32]) -> list[NDArray[Any]]:
    """Return what the ONNX model of an estimator has to give for [n, features]."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if hasattr(estimator, "predict_proba"):
            return [np.log(np.maximum(estimator.predict_proba(inputs), _LEAST))]
        if hasattr(estimator, "classes_"):
            scores = np.asarray(estimator.decision_function(inputs))
            return [np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores]
        return [np.asarray(estimator.predict(inputs)).reshape(len(inputs), -1)]


def _keep_scores(estimator: Any, model: Any) -> None:
    """Leave only what tells how likely each class is, as logits."""
    graph = model.graph
    chances = graph.output[1].name
    if not hasattr(estimator, "predict_proba"):
        _keep_output(model, chances, _SCORES)
        return
    graph.initializer.append(numpy_helper.from_array(np.array(_LEAST, np.float32), "least"))
    graph.node.append(helper.make_node("Max", [chances, "least"], ["possible"]))
    graph.node.append(helper.make_node("Log", ["possible"], [_SCORES]))
    _keep_output(model, _SCORES, _SCORES)


def _keep_output(model: Any, name: str, called: str) -> None:
    """Make one value the model's only output, and take out the nodes that led to others."""
    graph = model.graph
    if name != called:
        graph.node.append(helper.make_node("Identity", [name], [called]))
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(called, onnx.TensorProto.FLOAT, None))
    needed, kept = {called}, []
    for node in reversed(graph.node):
        if needed & set(node.output):
            needed |= set(node.input)
            kept.append(node)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    used = [one for one in graph.initializer if one.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(used)

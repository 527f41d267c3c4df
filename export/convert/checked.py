"""Makes an ONNX model fit for the daemon: known operators, one opset, fixed shapes, no trace of the exporter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import onnx
from onnx import TensorProto, defs, helper, shape_inference, version_converter

from ..errors import ExportError, first_line, told
from .onnx import OPSET, forget_the_machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

#: Of the file format itself; old runtimes refuse newer ones. 8 came with opset 18's first runtimes (onnx's
#: "Versioning" table), 10 is what ONNX Runtime 1.18 and later read.
_IR_VERSION = 10
#: The newest opset that the oldest supported ONNX Runtime (1.23) knows.
_NEWEST_OPSET = 23
#: Domains whose operators ONNX Runtime has beside ONNX's own.
_RUNTIMES_OWN = frozenset({"com.microsoft", "com.microsoft.nchwc", "com.ms.internal.nhwc"})
_STANDARD = frozenset({"", "ai.onnx", "ai.onnx.ml"})


def checked(
    source: Path, target: Path, input_shape: Sequence[int] | None = None, *, called: Path | None = None
) -> list[str]:
    """Write a checked copy of an ONNX model: every shape fixed, the opset raised, the exporter's notes taken out.

    Args:
        source: the model.
        target: where the copy goes.
        input_shape: what an input whose sides are open takes; a first side that is open becomes 1 without it.
        called: how errors call the model, where `source` is but a step on the way.

    Returns:
        What there is to say about it, one line each.

    Raises:
        ExportError: it is corrupt, has unknown operators, several inputs, or another shape than asked for; or its
            shape isn't known.
    """
    model = read_onnx(source)
    called = called or source
    _refuse_unknown_operators(called, model)
    said = []
    model, raised = _raised(model)
    if raised:
        said.append(raised)
    _fix_input(called, model, input_shape)
    _infer_shapes(called, model)
    model.ir_version = min(model.ir_version, _IR_VERSION)
    forget_the_machine(model)
    with told(f"{called}: can't be written as ONNX"):
        onnx.save(model, target)
    _check_that_it_runs(called, target)
    return said


def read_onnx(source: Path) -> Any:
    """Read an ONNX file, weights that lie beside it included.

    Raises:
        ExportError: it isn't one, or is damaged.
    """
    if not source.is_file():
        raise ExportError(f"{source}: there is no such file")
    with told(f"{source}: is no ONNX model, or a damaged one"):
        model = onnx.load(source)
        if not model.graph.node or not model.graph.input:
            raise ExportError(f"{source}: is no ONNX model, or a damaged one (it has no graph)")
    return model


def copied(source: Path, target: Path) -> None:
    """Write an ONNX model as one file of a version that runtimes read, otherwise as it is.

    Raises:
        ExportError: it is damaged, or has operators that no runtime knows.
    """
    model = read_onnx(source)
    _refuse_unknown_operators(source, model)
    model.ir_version = min(model.ir_version, _IR_VERSION)
    with told(f"{source}: can't be copied"):
        onnx.save(model, target)


def operators(graph: Any) -> Iterable[tuple[str, str]]:
    """Yield the domain and name of every operator of a graph, those of its branches and loops included."""
    for node in graph.node:
        yield node.domain, node.op_type
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from operators(inner)


def _refuse_unknown_operators(source: Path, model: Any) -> None:
    local = {(function.domain, function.name) for function in model.functions}
    versions = {opset.domain: opset.version for opset in model.opset_import}
    unknown = sorted(
        {
            f"{domain}.{name}" if domain else name
            for domain, name in operators(model.graph)
            if domain not in _RUNTIMES_OWN and (domain, name) not in local and not _is_known(domain, name, versions)
        }
    )
    if unknown:
        raise ExportError(f"{source}: no runtime knows the operator{'s' * (len(unknown) > 1)} {', '.join(unknown)}")


def _is_known(domain: str, name: str, versions: dict[str, int]) -> bool:
    if domain not in _STANDARD:
        return False
    domain = "" if domain == "ai.onnx" else domain
    version = versions.get(domain, versions.get("ai.onnx", 1))
    return bool(defs.has(name, max_inclusive_version=version, domain=domain))


def _raised(model: Any) -> tuple[Any, str]:
    """Raise an opset older than ours; where a converter is missing the old one stays, as runtimes read it too."""
    own = next((opset for opset in model.opset_import if opset.domain in {"", "ai.onnx"}), None)
    if own is None:
        return model, ""
    if own.version > _NEWEST_OPSET:
        raise ExportError(
            f"the model has opset {own.version}; the oldest runtime that robotd supports reads up to {_NEWEST_OPSET}"
        )
    if own.version >= OPSET:
        return model, ""
    try:
        raised = version_converter.convert_version(model, OPSET)
    except Exception as error:  # noqa: BLE001 - onnx's converter raises whatever its C++ throws
        return model, f"stays at opset {own.version}: onnx can't raise it ({first_line(error)})"
    return raised, f"opset raised from {own.version} to {OPSET}"


def _fix_input(source: Path, model: Any, asked: Sequence[int] | None) -> None:
    graph = model.graph
    weights = {one.name for one in graph.initializer}
    # Before IR version 4 weights were listed among the inputs.
    inputs = [one for one in graph.input if one.name not in weights]
    del graph.input[:]
    graph.input.extend(inputs)
    if len(inputs) != 1:
        names = ", ".join(one.name for one in inputs) or "none"
        raise ExportError(f"{source}: has {len(inputs)} inputs ({names}); robotd's models take one")
    tensor = inputs[0].type.tensor_type
    shape = [side.dim_value or side.dim_param or "?" for side in tensor.shape.dim]
    known = [side.dim_value or None for side in tensor.shape.dim]
    shown = f"[{', '.join(map(str, shape))}]"
    if tensor.elem_type not in {TensorProto.FLOAT, TensorProto.INT64, TensorProto.INT8, TensorProto.UINT8}:
        kind = TensorProto.DataType.Name(tensor.elem_type).lower()
        raise ExportError(f"{source}: takes {kind} numbers; robotd gives float32, int64, int8 or uint8")
    if asked is not None:
        fits = len(asked) == len(shape) and all(a == b for a, b in zip(asked, known, strict=True) if b)
        if not fits:
            raise ExportError(f"{source}: takes {shown}, which --input-shape {','.join(map(str, asked))} contradicts")
        fixed = list(asked)
    else:
        fixed = [side for side in (1 if n == 0 and side is None else side for n, side in enumerate(known)) if side]
        if not fixed or len(fixed) != len(shape):
            raise ExportError(
                f"{source}: the shape of its input isn't fixed ({shown}); say it, as --input-shape 1,3,48,48"
            )
    if fixed[0] != 1:
        raise ExportError(f"{source}: takes {shown}, {fixed[0]} at once; robotd gives one: export it with a batch of 1")
    fresh = helper.make_tensor_value_info(inputs[0].name, tensor.elem_type, fixed)
    graph.input[0].CopyFrom(fresh)


def _infer_shapes(source: Path, model: Any) -> None:
    graph = model.graph
    del graph.value_info[:]
    for output in graph.output:
        # The batch axis and what depends on it have names or wrong sides now.
        if output.type.tensor_type.HasField("shape"):
            output.type.tensor_type.ClearField("shape")
    with told(f"{source}: its shapes don't fit together"):
        inferred = shape_inference.infer_shapes(model, data_prop=True)
    model.CopyFrom(inferred)


def _check_that_it_runs(source: Path, target: Path) -> None:
    from ..describe import describe, loaded, made_up

    tensors = describe(target)
    model = loaded(target, tensors)
    with told(f"{source}: can't be run"):
        model.run(made_up(tensors.input, 1))

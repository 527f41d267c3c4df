"""What ONNX's operators (opset 13 to 23) are in PyTorch; https://onnx.ai/onnx/operators defines them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from ..errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

_TYPES = {1: torch.float32, 6: torch.int32, 7: torch.int64, 9: torch.bool, 10: torch.float32, 11: torch.float32}
_REST = -1


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A node of the graph.

    Attributes:
        kind: its operator.
        options: its attributes.
        inputs: names of what it reads; empty where an optional one is left out.
        outputs: names of what it gives.
        constants: the inputs that are known, by place.
    """

    kind: str
    options: Mapping[str, Any]
    inputs: Sequence[str]
    outputs: Sequence[str]
    constants: Mapping[int, NDArray[Any]] = field(default_factory=dict)

    def numbers(self, place: int, option: str = "") -> list[Any] | None:
        """Return a known input, or the attribute that older opsets have in its place; None if there is neither."""
        if option in self.options:
            return list(self.options[option])
        if place >= len(self.inputs) or not self.inputs[place]:
            return None
        if place not in self.constants:
            raise ExportError(f"{self.kind} reads its {option or 'parameters'} from the data; TFLite needs them fixed")
        numbers: list[Any] = self.constants[place].reshape(-1).tolist()
        return numbers


def _pads(step: Step, x: Any, kernel: Sequence[int], *, value: float = 0.0) -> Any:
    """Pad as `pads` or `auto_pad` say; ONNX may pad the ends of an axis differently, PyTorch's layers can't."""
    sides = len(kernel)
    pads = list(step.options.get("pads", [0] * 2 * sides))
    if str(step.options.get("auto_pad", "NOTSET")).startswith("SAME"):
        strides = step.options.get("strides", [1] * sides)
        dilations = step.options.get("dilations", [1] * sides)
        pads = [0] * 2 * sides
        for axis, size in enumerate(x.shape[-sides:]):
            reach = dilations[axis] * (kernel[axis] - 1) + 1
            missing = max(0, (-(-size // strides[axis]) - 1) * strides[axis] + reach - size)
            first = missing // 2 if step.options["auto_pad"] == "SAME_UPPER" else missing - missing // 2
            pads[axis], pads[sides + axis] = first, missing - first
    if not any(pads):
        return x
    return functional.pad(x, [pads[n] for axis in reversed(range(sides)) for n in (axis, sides + axis)], value=value)


def _conv(step: Step, x: Any, weight: Any, bias: Any = None) -> Any:
    kernel = weight.shape[2:]
    pads = step.options.get("pads", [0] * 2 * len(kernel))
    strides, dilations = (step.options.get(name, [1] * len(kernel)) for name in ("strides", "dilations"))
    same = pads[: len(kernel)] == pads[len(kernel) :] and "auto_pad" not in step.options
    run = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}[len(kernel)]
    padding = pads[: len(kernel)] if same else 0
    x = x if same else _pads(step, x, kernel)
    return run(x, weight, bias, strides, padding, dilations, step.options.get("group", 1))


def _conv_transpose(step: Step, x: Any, weight: Any, bias: Any = None) -> Any:
    sides = len(weight.shape) - 2
    pads = step.options.get("pads", [0] * 2 * sides)
    if pads[:sides] != pads[sides:] or "output_shape" in step.options or "auto_pad" in step.options:
        raise ExportError("ConvTranspose: only the same padding at both ends can be converted")
    run = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d}[sides]
    strides, dilations, more = (
        step.options.get(name, [default] * sides)
        for name, default in (("strides", 1), ("dilations", 1), ("output_padding", 0))
    )
    return run(x, weight, bias, strides, pads[:sides], more, step.options.get("group", 1), dilations)


def _max_pool(step: Step, x: Any) -> Any:
    kernel = step.options["kernel_shape"]
    run = {1: functional.max_pool1d, 2: functional.max_pool2d}[len(kernel)]
    x = _pads(step, x, kernel, value=float("-inf"))
    strides, dilations = (step.options.get(name, [1] * len(kernel)) for name in ("strides", "dilations"))
    return run(x, kernel, strides, 0, dilations, ceil_mode=bool(step.options.get("ceil_mode", 0)))


def _average_pool(step: Step, x: Any) -> Any:
    kernel = step.options["kernel_shape"]
    pads = step.options.get("pads", [0] * 2 * len(kernel))
    counted = bool(step.options.get("count_include_pad", 0))
    run = {1: functional.avg_pool1d, 2: functional.avg_pool2d}[len(kernel)]
    strides, ceil = step.options.get("strides", [1] * len(kernel)), bool(step.options.get("ceil_mode", 0))
    if pads[: len(kernel)] == pads[len(kernel) :] and "auto_pad" not in step.options:
        return run(x, kernel, strides, pads[: len(kernel)], ceil, counted)
    total = run(_pads(step, x, kernel), kernel, strides, 0, ceil)
    return total if counted else total / run(_pads(step, torch.ones_like(x), kernel), kernel, strides, 0, ceil)


def _batch_norm(step: Step, x: Any, *statistics: Any) -> Any:
    scale, bias, mean, variance = statistics
    return functional.batch_norm(x, mean, variance, scale, bias, eps=step.options.get("epsilon", 1e-5))


def _layer_norm(step: Step, x: Any, scale: Any, bias: Any = None) -> Any:
    sides = x.shape[step.options.get("axis", -1) :]
    return functional.layer_norm(x, sides, scale, bias, step.options.get("epsilon", 1e-5))


def _gemm(step: Step, a: Any, b: Any, c: Any = None) -> Any:
    a = a.T if step.options.get("transA") else a
    alpha, beta = step.options.get("alpha", 1.0), step.options.get("beta", 1.0)
    if alpha == beta == 1.0 and (c is None or len(c.shape) == 1):
        return functional.linear(a, b if step.options.get("transB") else b.T, c)
    product = alpha * (a @ (b.T if step.options.get("transB") else b))
    return product if c is None else product + beta * c


def _reduce(run: Callable[..., Any]) -> Callable[..., Any]:
    def reduced(step: Step, x: Any, *_: Any) -> Any:
        axes = step.numbers(1, "axes")
        if not axes and step.options.get("noop_with_empty_axes"):
            return x
        return run(x, axes or list(range(len(x.shape))), bool(step.options.get("keepdims", 1)))

    return reduced


def _reshape(step: Step, x: Any, *_: Any) -> Any:
    shape = step.numbers(1) or []
    if not step.options.get("allowzero"):
        shape = [side or x.shape[place] for place, side in enumerate(shape)]
    return x.reshape(shape)


def _flatten(step: Step, x: Any) -> Any:
    axis = step.options.get("axis", 1) % (len(x.shape) + 1)
    return x.reshape(x.shape[:axis].numel(), _REST)


def _squeeze(step: Step, x: Any, *_: Any) -> Any:
    axes = step.numbers(1, "axes")
    return x.squeeze() if axes is None else x.squeeze([axis % len(x.shape) for axis in axes])


def _unsqueeze(step: Step, x: Any, *_: Any) -> Any:
    axes = step.numbers(1, "axes") or []
    for axis in sorted(axis % (len(x.shape) + len(axes)) for axis in axes):
        x = x.unsqueeze(axis)
    return x


def _slice(step: Step, x: Any, *_: Any) -> Any:
    starts, ends = step.numbers(1) or [], step.numbers(2) or []
    axes = step.numbers(3) or list(range(len(starts)))
    for start, end, axis, pace in zip(starts, ends, axes, step.numbers(4) or [1] * len(starts), strict=True):
        size = x.shape[axis]
        places = range(size)[slice(start, None if pace < 0 and end < -size else end, pace)]
        if pace < 0:
            x = x.index_select(axis, torch.tensor(list(places), dtype=torch.int64))
        else:
            x = x.narrow(axis, places.start, max(0, places.stop - places.start))
            x = x if pace == 1 else x[(slice(None),) * (axis % len(x.shape)) + (slice(None, None, pace),)]
    return x


def _gather(step: Step, x: Any, places: Any) -> Any:
    axis = step.options.get("axis", 0) % len(x.shape)
    places = torch.where(places < 0, places + x.shape[axis], places)
    if axis == 0 and len(x.shape) == 2:  # noqa: PLR2004 - a table of vectors
        return functional.embedding(places, x)
    taken = x.index_select(axis, places.reshape(-1))
    return taken.reshape(*x.shape[:axis], *places.shape, *x.shape[axis + 1 :])


def _split(step: Step, x: Any, *_: Any) -> Any:
    axis = step.options.get("axis", 0)
    return x.split(step.numbers(1, "split") or -(-x.shape[axis] // len(step.outputs)), axis)


def _pad(step: Step, x: Any, *_: Any) -> Any:
    pads = step.numbers(1, "pads") or []
    axes = [axis % len(x.shape) for axis in step.numbers(3) or range(len(x.shape))]
    by_axis = dict(zip(axes, zip(pads[: len(axes)], pads[len(axes) :], strict=True), strict=True))
    first = min((axis for axis in axes if any(by_axis[axis])), default=len(x.shape) - 1)
    turned = [n for axis in reversed(range(first, len(x.shape))) for n in by_axis.get(axis, (0, 0))]
    mode = step.options.get("mode", "constant")
    if mode == "constant":
        return functional.pad(x, turned, value=(step.numbers(2) or [0.0])[0])
    return functional.pad(x, turned, mode={"edge": "replicate"}.get(mode, mode))


def _clip(step: Step, x: Any, *_: Any) -> Any:
    low, high = step.numbers(1), step.numbers(2)
    return x.clamp(low[0] if low else None, high[0] if high else None)


def _cast(step: Step, x: Any) -> Any:
    if step.options["to"] not in _TYPES:
        raise ExportError(f"Cast to ONNX's type {step.options['to']} can't be converted")
    return x.to(_TYPES[step.options["to"]])


def _prelu(step: Step, x: Any, slope: Any) -> Any:
    del step
    return torch.where(x >= 0, x, x * slope)


def _all(run: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap what has no attributes."""
    return lambda _, *tensors: run(*tensors)


def _folded(run: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap what takes any number of inputs two by two."""

    def folded(step: Step, first: Any, *others: Any) -> Any:
        del step
        for other in others:
            first = run(first, other)
        return first

    return folded


OPERATORS: dict[str, Callable[..., Any]] = {
    "Abs": _all(torch.abs),
    "Add": _all(torch.add),
    "And": _all(torch.logical_and),
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_norm,
    "Cast": _cast,
    "Ceil": _all(torch.ceil),
    "Clip": _clip,
    "Concat": lambda step, *tensors: torch.cat(tensors, step.options["axis"]),
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Cos": _all(torch.cos),
    "Div": _all(torch.div),
    "Dropout": lambda _, x, *__: x,
    "Elu": lambda step, x: functional.elu(x, step.options.get("alpha", 1.0)),
    "Equal": _all(torch.eq),
    "Erf": _all(torch.erf),
    "Exp": _all(torch.exp),
    "Expand": lambda step, x, *_: x * torch.ones(step.numbers(1), dtype=x.dtype),
    "Flatten": _flatten,
    "Floor": _all(torch.floor),
    "Gather": _gather,
    "Gelu": lambda step, x: functional.gelu(x, approximate=step.options.get("approximate", "none")),
    "Gemm": _gemm,
    "GlobalAveragePool": lambda _, x: x.mean(list(range(2, len(x.shape))), keepdim=True),
    "GlobalMaxPool": lambda _, x: x.amax(list(range(2, len(x.shape))), keepdim=True),
    "Greater": _all(torch.gt),
    "GreaterOrEqual": _all(torch.ge),
    "HardSigmoid": lambda step, x: (step.options.get("alpha", 0.2) * x + step.options.get("beta", 0.5)).clamp(0.0, 1.0),
    "HardSwish": _all(functional.hardswish),
    "Identity": _all(lambda x: x),
    "LayerNormalization": _layer_norm,
    "LeakyRelu": lambda step, x: functional.leaky_relu(x, step.options.get("alpha", 0.01)),
    "Less": _all(torch.lt),
    "LessOrEqual": _all(torch.le),
    "Log": _all(torch.log),
    "LogSoftmax": lambda step, x: functional.log_softmax(x, step.options.get("axis", -1)),
    "MatMul": _all(torch.matmul),
    "Max": _folded(torch.maximum),
    "MaxPool": _max_pool,
    "Mean": lambda _, *tensors: sum(tensors[1:], tensors[0]) / len(tensors),
    "Min": _folded(torch.minimum),
    "Mul": _all(torch.mul),
    "Neg": _all(torch.neg),
    "Not": _all(torch.logical_not),
    "Or": _all(torch.logical_or),
    "PRelu": _prelu,
    "Pad": _pad,
    "Pow": _all(torch.pow),
    "Reciprocal": _all(torch.reciprocal),
    "ReduceL2": _reduce(lambda x, axes, keep: (x * x).sum(axes, keepdim=keep).sqrt()),
    "ReduceMax": _reduce(lambda x, axes, keep: x.amax(axes, keepdim=keep)),
    "ReduceMean": _reduce(lambda x, axes, keep: x.mean(axes, keepdim=keep)),
    "ReduceMin": _reduce(lambda x, axes, keep: x.amin(axes, keepdim=keep)),
    "ReduceSum": _reduce(lambda x, axes, keep: x.sum(axes, keepdim=keep)),
    "ReduceSumSquare": _reduce(lambda x, axes, keep: (x * x).sum(axes, keepdim=keep)),
    "Relu": _all(torch.relu),
    "Reshape": _reshape,
    "Selu": _all(functional.selu),
    "Sigmoid": _all(torch.sigmoid),
    "Sin": _all(torch.sin),
    "Slice": _slice,
    "Softmax": lambda step, x: functional.softmax(x, step.options.get("axis", -1)),
    "Softplus": _all(functional.softplus),
    "Softsign": _all(functional.softsign),
    "Split": _split,
    "Sqrt": _all(torch.sqrt),
    "Squeeze": _squeeze,
    "Sub": _all(torch.sub),
    "Sum": _folded(torch.add),
    "Tanh": _all(torch.tanh),
    "Tile": lambda step, x, *_: x.repeat(step.numbers(1)),
    "Transpose": lambda step, x: x.permute(step.options.get("perm") or list(reversed(range(len(x.shape))))),
    "Unsqueeze": _unsqueeze,
    "Where": _all(torch.where),
}

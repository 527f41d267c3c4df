"""PyTorch to ONNX."""

from __future__ import annotations

import io
import logging
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ..recipe import Recipe

#: Every runtime that robotd supports reads it.
OPSET = 18


def to_onnx(net: Any, file: Path, recipe: Recipe) -> None:
    """Write a recipe's net as ONNX with one input of a fixed shape, its weights inside the file."""
    import torch

    example = torch.zeros(recipe.input_shape, dtype=getattr(torch, recipe.input_dtype))
    net = net.eval().to(memory_format=torch.contiguous_format)
    export_program(net, (example,), file, recipe.input_name, list(recipe.net_outputs))


def step_to_onnx(net: Any, file: Path, recipe: Recipe) -> None:
    """Write the step of a sequence's net as ONNX: features and states of any number of pieces are its inputs."""
    import torch

    class Step(torch.nn.Module):  # type: ignore[misc]  # torch is untyped here
        def __init__(self) -> None:
            super().__init__()
            self.net = net.eval()

        def forward(self, features: Any, *states: Any) -> Any:
            return self.net.step(features, *states)

    # Of one piece the exporter would take it that there is always one.
    pieces = 2
    examples = [torch.zeros(pieces, *shape) for shape in (recipe.input_shape[1:], *recipe.states.values())]
    any_number = {0: torch.export.Dim("n")}
    shapes = (any_number, tuple(any_number for _ in recipe.states))
    outputs = list(recipe.net_outputs)
    export_program(
        Step(), tuple(examples), file, recipe.input_name, outputs, states=list(recipe.states), dynamic_shapes=shapes
    )


def export_program(
    net: Any,
    examples: tuple[Any, ...],
    file: Path,
    input_name: str,
    output_names: Sequence[str] | None = None,
    *,
    states: Sequence[str] = (),
    dynamic_shapes: Any = None,
) -> None:
    """Write a torch module, or a torch exported program (with no examples), as ONNX."""
    import torch

    with quiet_torch():
        program = torch.onnx.export(
            net,
            examples,
            input_names=[input_name, *states],
            output_names=output_names,
            opset_version=OPSET,
            dynamo=True,
            dynamic_shapes=dynamic_shapes,
            verbose=False,
        )
        program.save(file, external_data=False)
    import onnx

    model = onnx.load(file)
    forget_the_machine(model)
    onnx.save(model, file)


@contextmanager
def quiet_torch() -> Iterator[None]:
    """The exporter tells of every step that it takes and warns of its own parts; errors still come through."""
    for name in ("torch.onnx", "torch.export", "torch._dynamo", "torch.fx"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    nowhere = io.StringIO()
    with warnings.catch_warnings(), redirect_stdout(nowhere), redirect_stderr(nowhere):
        warnings.simplefilter("ignore")
        yield


def forget_the_machine(model: Any) -> None:
    """Take out what an exporter notes down for debugging: where on whose disk each line of the net stood."""
    del model.metadata_props[:]
    model.doc_string = ""
    _forget_in(model.graph)
    for function in model.functions:
        del function.metadata_props[:]
        function.doc_string = ""
        for node in function.node:
            del node.metadata_props[:]
            node.doc_string = ""


def _forget_in(graph: Any) -> None:
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    for node in graph.node:
        for attribute in node.attribute:
            # Only those that are there: to write into a field makes it.
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                _forget_in(inner)

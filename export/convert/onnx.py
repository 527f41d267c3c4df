"""PyTorch to ONNX."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from ..recipe import Recipe

#: Every runtime that robotd supports reads it.
OPSET = 18


def to_onnx(net: Any, file: Path, recipe: Recipe) -> None:
    """Write a recipe's net as ONNX with one input of a fixed shape, its weights inside the file."""
    import torch

    example = torch.zeros(recipe.input_shape, dtype=getattr(torch, recipe.input_dtype))
    # The exporter tells of every step that it takes and warns of its own parts; errors still come through.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            net.eval().to(memory_format=torch.contiguous_format),
            (example,),
            input_names=[recipe.input_name],
            output_names=list(recipe.described_outputs),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    program.save(file, external_data=False)
    _forget_the_machine(file)


def _forget_the_machine(file: Path) -> None:
    """Take out what the exporter notes down for debugging: where on whose disk each line of the net stood."""
    import onnx

    model = onnx.load(file)
    del model.metadata_props[:]
    graph = model.graph
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    onnx.save(model, file)

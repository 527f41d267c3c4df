"""A PyTorch exported program to TFLite float: `from_torch.py SOURCE.pt2 TARGET.tflite`.

Beside the target it writes `reference.npz`: an `input` and what the original gives for it, `output_0` and so on.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import litert_torch
import numpy as np
import torch


def main(source: Path, target: Path) -> None:
    """Convert a program with fixed shapes; layers that TFLite has no operator for are taken apart."""
    warnings.simplefilter("ignore")
    program = torch.export.load(source)
    taken = {spec.arg.name for spec in program.graph_signature.input_specs if spec.kind.name == "USER_INPUT"}
    values = [node.meta["val"] for node in program.graph.nodes if node.name in taken]
    if len(values) != 1:
        raise ValueError(f"it has {len(values)} inputs; robotd's models take one")
    generator = torch.Generator().manual_seed(0)
    (value,) = values
    shape = [side if isinstance(side, int) else 1 for side in value.shape]
    example = torch.rand(shape, generator=generator) if value.is_floating_point() else torch.zeros(shape)
    example = example.to(value.dtype)
    net = program.module()
    litert_torch.convert(net, (example,)).export(str(target))
    with torch.no_grad():
        outputs = net(example)
    outputs = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
    named = {f"output_{n}": one.numpy() for n, one in enumerate(outputs)}
    np.savez(target.with_name("reference.npz"), input=example.numpy(), **named)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except Exception as error:  # noqa: BLE001 - told in one line, whatever the libraries raise
        sys.exit(f"cannot: {(str(error).splitlines() or [type(error).__name__])[0]}")

"""PyTorch's files to ONNX: exported programs (.pt2), TorchScript, and state dicts with their class.

None of them runs code that the file brings unless the person trusts it: weights are read with torch's restricted
unpickler, and an exported program whose parts need the full one is refused.
"""

from __future__ import annotations

import importlib
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ..errors import AskedError, ExportError, first_line, told
from .onnx import OPSET, export_program, quiet_torch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

Kind = Literal["program", "script", "weights"]

_INPUT, _OUTPUT = "input", "logits"
#: Names under which checkpoints keep the weights among other things.
_WEIGHTS_UNDER = ("state_dict", "model_state_dict", "model", "weights", "best")
#: Parts of exported programs before torch 2.8 that are pickles in spite of their names.
_PICKLES_OF_OLD = frozenset({"serialized_state_dict.json", "serialized_constants.json"})
_UNTRUSTED = "it holds a pickle, which runs code of whoever made it; add --trust if you know who did"


def kind_of(file: Path) -> Kind:
    """Tell which of torch's formats a file has by what is in it.

    Raises:
        ExportError: it is damaged.
    """
    if file.suffix.lower() == ".safetensors" or not zipfile.is_zipfile(file):
        return "weights"  # before 1.6 torch.save wrote no zip files
    with told(f"{file}: is damaged"), zipfile.ZipFile(file) as archive:
        names = [name.rpartition("/")[2] for name in archive.namelist()]
    if "archive_format" in names or "serialized_exported_program.json" in names:
        return "program"
    return "script" if "constants.pkl" in names else "weights"


def program_to_onnx(source: Path, target: Path, *, trust: bool = False) -> Any:
    """Write an exported program as ONNX and return it as a module, to compare with."""
    import torch

    refuse_code(source, trust=trust)
    with told(f"{source}: is no exported program, or a damaged one"), quiet_torch():
        program = torch.export.load(source)
    names = program.graph_signature.user_outputs
    with told(f"{source}: can't be written as ONNX"):
        export_program(program, (), target, _INPUT, [_OUTPUT] if len(names) == 1 else None)
    return program.module()


def refuse_code(source: Path, *, trust: bool) -> None:
    """Let an exported program pass that brings no code, or is trusted.

    Raises:
        ExportError: it is neither.
    """
    if not trust and not _is_plain(source):
        raise ExportError(f"{source}: {_UNTRUSTED}")


def script_to_onnx(source: Path, target: Path, input_shape: Sequence[int] | None) -> Any:
    """Write a TorchScript module as ONNX and return it, to compare with.

    Torch's new exporter takes no TorchScript, so this is the work of the older one (`dynamo=False`).
    """
    import torch

    shape = _shape_asked(source, input_shape, "TorchScript")
    with quiet_torch():
        with told(f"{source}: is no TorchScript, or a damaged one"):
            module = torch.jit.load(source, map_location="cpu").eval()
        example = torch.zeros(shape)
        given = _ran(source, module, example)
        with told(f"{source}: can't be written as ONNX"):
            torch.onnx.export(
                module,
                (example,),
                str(target),
                input_names=[_INPUT],
                output_names=[_OUTPUT] if isinstance(given, torch.Tensor) else None,
                opset_version=OPSET,
                dynamo=False,
                verbose=False,
            )
    return module


def weights_to_onnx(
    source: Path, target: Path, class_name: str | None, input_shape: Sequence[int] | None, *, trust: bool = False
) -> Any:
    """Write a state dict, put into a module of its class, as ONNX; returns the module, to compare with."""
    import torch

    net = module_of(source, class_name, trust=trust)
    example = torch.zeros(_shape_asked(source, input_shape, "a state dict"))
    given = _ran(source, net, example)
    with told(f"{source}: can't be written as ONNX"):
        export_program(net, (example,), target, _INPUT, [_OUTPUT] if isinstance(given, torch.Tensor) else None)
    return net


def to_program(
    source: Path, target: Path, class_name: str | None, input_shape: Sequence[int] | None, *, trust: bool = False
) -> None:
    """Write a state dict, put into a module of its class, as an exported program (.pt2)."""
    import torch

    net = module_of(source, class_name, trust=trust)
    example = torch.zeros(_shape_asked(source, input_shape, "a state dict"))
    _ran(source, net, example)
    with told(f"{source}: can't be exported"), quiet_torch():
        torch.export.save(torch.export.export(net, (example,)), target)


def module_of(source: Path, class_name: str | None, *, trust: bool = False) -> Any:
    """Return the module that a file of weights belongs to, ready for inference.

    Raises:
        ExportError: the file is damaged, holds a pickle that isn't trusted, or doesn't fit the class.
        AskedError: the class is not given, or can't be made.
    """
    held = _weights(source, trust=trust)
    if not isinstance(held, dict):
        return held.eval()
    if class_name is None:
        raise AskedError(f"{source}: holds weights only; say whose, as --class package.module:Class")
    net = _made(class_name)
    try:
        net.load_state_dict(held)
    except RuntimeError as error:
        raise ExportError(f"{source}: doesn't fit {class_name} ({' '.join(str(error).split())[:300]})") from error
    return net.eval()


def outputs_of(module: Any, inputs: NDArray[Any]) -> list[NDArray[Any]]:
    """Return what a module gives for one input, as a list of arrays."""
    import torch

    with torch.inference_mode(), quiet_torch():
        given = module(torch.from_numpy(inputs))
    return [np.asarray(one) for one in _flat(given)]


def _flat(given: Any) -> list[Any]:
    if isinstance(given, dict):
        given = list(given.values())
    if isinstance(given, (list, tuple)):
        return [one for part in given for one in _flat(part)]
    return [given]


def _shape_asked(source: Path, shape: Sequence[int] | None, what: str) -> tuple[int, ...]:
    if shape is None:
        raise AskedError(f"{source}: {what} doesn't say what it takes; say it, as --input-shape 1,3,48,48")
    return tuple(shape)


def _ran(source: Path, module: Any, example: Any) -> Any:
    import torch

    with told(f"{source}: can't take --input-shape {','.join(map(str, example.shape))}"), torch.inference_mode():
        return module(example)


def _weights(source: Path, *, trust: bool) -> Any:
    """Return a state dict, or the whole module that a trusted pickle holds."""
    import pickle

    import torch

    if source.suffix.lower() == ".safetensors":
        from safetensors.torch import load_file

        with told(f"{source}: is no safetensors file, or a damaged one"):
            return load_file(source)
    try:
        held = torch.load(source, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if not _is_pickle(source):
            raise ExportError(f"{source}: is no file of torch's, or a damaged one") from error
        if not trust:
            raise ExportError(f"{source}: {_UNTRUSTED}") from error
        with told(f"{source}: can't be unpickled"):
            held = torch.load(source, map_location="cpu", weights_only=False)
    except Exception as error:  # torch raises whatever a damaged file leads to
        raise ExportError(f"{source}: is no file of torch's, or a damaged one ({first_line(error)})") from error
    if isinstance(held, torch.nn.Module):
        return held
    return _state_dict(source, held)


def _is_pickle(source: Path) -> bool:
    with source.open("rb") as file:
        return file.read(2)[:1] in {b"P", b"\x80"}


def _state_dict(source: Path, held: Any) -> Mapping[str, Any]:
    import torch

    def is_one(some: Any) -> bool:
        return isinstance(some, dict) and bool(some) and all(isinstance(one, torch.Tensor) for one in some.values())

    for some in (held, *(held.get(key) for key in _WEIGHTS_UNDER if isinstance(held, dict))):
        if is_one(some):
            weights: Mapping[str, Any] = dict(some)
            return weights
    raise ExportError(f"{source}: holds no state dict (a dict from names to tensors)")


def _made(class_name: str) -> Any:
    import torch

    module, colon, name = class_name.partition(":")
    if not (module and colon and name):
        raise AskedError(f"--class {class_name}: say it as package.module:Class")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        made = getattr(importlib.import_module(module), name)()
    except ImportError as error:
        raise AskedError(f"--class {class_name}: can't be imported ({first_line(error)})") from error
    except AttributeError as error:
        raise AskedError(f"--class {class_name}: {module} has no {name}") from error
    except TypeError as error:
        raise AskedError(
            f"--class {class_name}: is called without arguments, which it doesn't bear ({first_line(error)}); "
            "name a function that makes the net"
        ) from error
    if not isinstance(made, torch.nn.Module):
        raise AskedError(f"--class {class_name}: makes no torch.nn.Module")
    return made


def _is_plain(source: Path) -> bool:
    """Whether torch's restricted unpickler can read all that is pickled in an exported program.

    `torch.export.load` falls back to the full one, which runs code.
    """
    with told(f"{source}: is no exported program, or a damaged one"), zipfile.ZipFile(source) as archive:
        names = {name.rpartition("/")[2]: name for name in archive.namelist()}
        configs = [json.loads(archive.read(name)) for last, name in names.items() if last.endswith("_config.json")]
        entries = [entry for config in configs for entry in config.get("config", {}).values()]
        pickled = {entry["path_name"].rpartition("/")[2] for entry in entries if entry.get("use_pickle")}
        pickled |= {last for last in names if last.endswith(".pt") or last in _PICKLES_OF_OLD}
        if any(_is_code(name) for name in archive.namelist()) or not pickled <= names.keys():
            return False
        return all(_reads_restricted(archive.read(names[last])) for last in pickled)


def _is_code(name: str) -> bool:
    """Whether a part of an archive is compiled, or an object that only the full unpickler reads."""
    last = name.rpartition("/")[2]
    return "aotinductor/" in name or last.endswith((".so", ".o")) or last.startswith(("custom_obj", "opaque_obj"))


def _reads_restricted(content: bytes) -> bool:
    import torch

    if not content:
        return True
    try:
        torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception:  # noqa: BLE001 - whatever it is, it isn't plain
        return False
    return True

"""`convert` and `quantise`: somebody's own model, made fit for the daemon."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import AskedError, ExportError
from .group import busy, console
from .options import InputShape, ReadAs, Trust, one_of, shape_of, task_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..convert.sources import Asked

#: From this share of the float model's size on an int8 model was not worth it.
_HARDLY = 0.9
Source = Annotated[Path, typer.Argument(help="The model.", metavar="FILE", show_default=False)]
Target = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="What is written.", metavar="FILE", show_default="beside the source"),
]
Calibration = Annotated[
    Path | None,
    typer.Option(
        "--calibration", help="Real inputs: an .npy or .npz file, or a folder with such (or see --as).", metavar="DIR"
    ),
]


def convert_command(
    source: Source,
    *,
    target: Target = None,
    to: Annotated[str | None, typer.Option("--to", help="onnx or tflite.", show_default="by -o, else onnx")] = None,
    input_shape: InputShape = None,
    class_name: Annotated[
        str | None,
        typer.Option(
            "--class",
            help="Whose weights a state dict are. It is imported, from the current folder too: that runs its code.",
            metavar="MODULE:CLASS",
        ),
    ] = None,
    calibration: Calibration = None,
    read_as: ReadAs = None,
    trust: Trust = False,
) -> None:
    """Turn a model into ONNX, or into TFLite, with one input of a fixed shape.

    It takes PyTorch (.pt2 exported programs, TorchScript, state dicts in .pt, .pth or .safetensors), Keras (.keras,
    .h5, a SavedModel folder; by an environment of its own, made at the first use), scikit-learn (.skops, or .joblib
    and .pkl with --trust) and ONNX itself. What was converted is run, and compared with the original on random
    inputs; nothing is written where they disagree.

    Examples:

    - `convert face.pt2 -o face.onnx`
    - `convert weights.pth --class mynets:FaceNet --input-shape 1,1,48,48 -o face.onnx`
    - `convert svm.skops -o voice.onnx`
    - `convert face.keras -o face.tflite --calibration crops/ --as face` — int8 inside
    """
    from ..convert.sources import Asked, convert

    asked = Asked(shape_of(input_shape), class_name, trust)
    target = _target(source, target, to)
    if calibration is not None:
        if target.suffix.lower() != ".tflite":
            raise AskedError("--calibration is for TFLite; `quantise` makes int8 of an ONNX model")
        asked = replace(asked, calibration=_samples_of(source, asked, calibration, read_as))
    with busy(f"converting {source.name}"):
        found = convert(source, target, asked)
    for note in found.notes:
        console.print(note, soft_wrap=True)
    told = "" if found.difference is None else f", outputs differ by at most {found.difference:.2g} from the original's"
    console.print(f"{found.kind} -> {target} ({target.stat().st_size / 1000:.0f} kB{told})", soft_wrap=True)


def quantise_command(
    source: Source,
    calibration: Calibration = None,
    target: Target = None,
    read_as: ReadAs = None,
    *,
    dynamic: Annotated[bool, typer.Option("--dynamic", help="Weights only; needs no calibration.")] = False,
) -> None:
    """Make int8 of a float ONNX model.

    The static way quantises weights (a scale for each channel) and activations (by the ranges that real inputs
    show); it is the smaller and faster one. Nets that are mostly recurrent are quantised dynamically instead, which
    is said. With -o FILE.tflite the result is an int8 TFLite model.

    Examples:

    - `quantise face.onnx --calibration crops/ --as face` — pictures of 48x48 framed as FER-2013 frames faces
    - `quantise net.onnx --calibration inputs.npy -o net_int8.onnx`
    - `quantise lstm.onnx --dynamic`
    """
    from ..convert.quantise import quantise_somehow
    from ..describe import describe
    from ..samples import inputs_from
    from ..whole import whole

    target = target or source.with_name(f"{source.stem}_int8{source.suffix}")
    if not dynamic and calibration is None:
        raise AskedError("--calibration names real inputs, by which the ranges are found; or --dynamic does without")
    tensors = describe(source)
    if tensors.format != "onnx":
        raise ExportError(f"{source}: is TFLite; quantise the ONNX model, with -o FILE.tflite")
    inputs = None
    if calibration is not None and not dynamic:
        with busy(f"reading {calibration}"):
            inputs = inputs_from(calibration, tensors.input, task_of(read_as))
        console.print(f"calibrated with {len(inputs)} samples", soft_wrap=True)
    with busy(f"quantising {source.name}"), whole(target) as part:
        if target.suffix.lower() == ".tflite":
            from ..convert.tflite import to_tflite

            to_tflite(source, part, inputs, dynamic=dynamic)
            how = "weights only" if dynamic else "static"
        else:
            found = quantise_somehow(source, part, inputs)
            how = "dynamic" if found.dynamic else "static, a scale for each channel"
            if found.why:
                console.print(f"dynamic: {found.why}", soft_wrap=True)
        _check(part)
    sizes = [file.stat().st_size / 1000 for file in (source, target)]
    console.print(f"{source} ({sizes[0]:.0f} kB) -> {target} ({sizes[1]:.0f} kB), int8 ({how})", soft_wrap=True)
    if sizes[1] > _HARDLY * sizes[0]:
        console.print("hardly smaller: most of its operators have no int8 form (a GRU has none)", soft_wrap=True)
    console.print(f"`verify {source} {target} --data labelled.npz` tells what it cost", soft_wrap=True)


def _target(source: Path, target: Path | None, to: str | None) -> Path:
    ending = None if to is None else f".{one_of(to, ('onnx', 'tflite'), 'format')}"
    if target is None:
        target = source.with_suffix(ending or ".onnx")
        if target == source:
            raise AskedError(f"{source} would be overwritten; name another file with -o")
    elif ending is not None and target.suffix.lower() != ending:
        raise AskedError(f"--to {to} and -o {target} contradict each other")
    return target


def _samples_of(source: Path, asked: Asked, calibration: Path, read_as: str | None) -> NDArray[Any]:
    """Return calibration inputs of a model whose input only its ONNX form tells."""
    from ..convert.sources import convert
    from ..describe import describe
    from ..samples import inputs_from

    with tempfile.TemporaryDirectory() as folder:
        fine = Path(folder) / "float.onnx"
        convert(source, fine, asked)
        return inputs_from(calibration, describe(fine).input, task_of(read_as))


def _check(file: Path) -> None:
    """Run what was made once: nothing that can't be run is left."""
    from ..describe import describe, loaded, made_up

    tensors = describe(file)
    loaded(file, tensors).run(made_up(tensors.input, 1))

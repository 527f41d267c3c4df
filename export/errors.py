"""The workshop's own errors: each is told to a person in one line."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from robotd.errors import RobotdError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Packages of the extra `export`: where one is missing, that is what is wrong.
EXTRA = frozenset(
    {
        "google",
        "joblib",
        "librosa",
        "matplotlib",
        "onnx",
        "onnxscript",
        "safetensors",
        "skl2onnx",
        "sklearn",
        "skops",
        "torch",
    }
)
#: So long may a line of somebody else's be in ours.
_LONGEST = 300
#: How TorchScript begins a traceback, at whose end the reason stands.
_TRACEBACK_FOLLOWS = "The following operation failed in the TorchScript interpreter"
#: Escape sequences for terminals.
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class ExportError(RobotdError):
    """A model, data or a folder can't be used as asked."""


class AskedError(ExportError):
    """What was asked for doesn't exist, or contradicts itself."""

    exit_code = 2


def first_line(error: BaseException) -> str:
    """Return what an exception of another library says, in one line of bearable length.

    Of exceptions that others led to, the first one tells the reason.
    """
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in _COLOUR.sub("", str(error)).splitlines() if line.strip()]
    if lines and lines[0].startswith(_TRACEBACK_FOLLOWS):
        lines = [lines[-1].partition(": ")[2] or lines[-1]]
    line = lines[0] if lines else type(error).__name__
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turn whatever another library raises into one line that begins with `what`; our own errors pass.

    Raises:
        ExportError: something was raised within.
    """
    try:
        yield
    except RobotdError:
        raise
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in EXTRA:
            raise
        raise ExportError(f"{what} ({first_line(error)})") from error
    except MemoryError as error:
        raise ExportError(f"{what}: there is not enough memory") from error
    except Exception as error:  # converters raise whatever they like for what they can't do
        raise ExportError(f"{what} ({first_line(error)})") from error

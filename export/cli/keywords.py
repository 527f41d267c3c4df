"""`keywords`: the model that finds keywords, from an encoder of sentences."""

from __future__ import annotations

from .group import busy, console
from .options import DATA, MODELS, DataFolder, Out


def keywords_command(data: DataFolder = DATA, out: Out = MODELS) -> None:
    """Distil vectors of words from MiniLM, measure them beside it, and write the model with its card.

    MiniLM's weights are looked for in `.cache/minilm`.

    Examples:

    - `keywords --data ~/data` — about six minutes
    """
    import torch

    from ..errors import ExportError
    from ..keywords import build
    from ..train.keywords import distil, read

    torch.set_num_threads(1)
    try:
        with busy("reading the texts and asking MiniLM about them"):
            found = read(data)
    except FileNotFoundError as error:
        raise ExportError(str(error)) from error
    with busy("distilling"):
        table = distil(found)
    for figure, value in build(found, table, out).items():
        console.print(f"{figure}: {value}")

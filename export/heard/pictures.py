"""Pictures of the report: what was taken for what, and how figures are distributed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..card import save_picture as save
from .figures import FIGURES
from .measure import QUADRANTS

if TYPE_CHECKING:
    from pathlib import Path

    from .measure import Heard

#: Per cent from which a cell of the picture is dark.
_DARK = 50.0
_FIELDS_A_ROW = 4
#: Of people's songs and of composed pieces.
_COLOURS = ("#4477aa", "#ee6677")


def draw_confusions(file: Path, heard: Heard) -> None:
    """Draw what the first listener took the pieces for, a field for each way of composing, rows in per cent."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    who = heard.listeners[0].name
    figure = Figure(figsize=(3.4 * len(heard.settings), 3.3), layout="constrained")
    FigureCanvasAgg(figure)
    fields = figure.subplots(1, len(heard.settings), squeeze=False)[0]
    for axes, setting in zip(fields, heard.settings, strict=True):
        counts = setting.answers[who].confusion
        share = 100.0 * counts / counts.sum(axis=1, keepdims=True).clip(min=1)
        axes.imshow(share, cmap="Blues", vmin=0, vmax=100)
        axes.set_xticks(range(len(QUADRANTS)), QUADRANTS)
        axes.set_yticks(range(len(QUADRANTS)), QUADRANTS)
        axes.set_title(setting.name, fontsize=10)
        axes.set_xlabel("heard")
        axes.set_ylabel("composed for")
        for (row, column), value in np.ndenumerate(share):
            colour = "white" if value > _DARK else "black"
            axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=colour)
    save(figure, file)


def draw_distributions(file: Path, heard: Heard) -> None:
    """Draw how each figure is distributed in each quadrant: people's songs to the left, composed pieces to the right.

    The composed ones are those of the last way of composing. Within the halves the line is the median.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    last = heard.settings[-1]
    wanted = last.answers[heard.listeners[0].name].wanted
    sets = ((heard.songs.calibration, heard.songs.labels, "low"), (last.features, wanted, "high"))
    rows = -(-len(FIGURES) // _FIELDS_A_ROW)
    figure = Figure(figsize=(2.5 * _FIELDS_A_ROW, 2.3 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, of in zip(figure.subplots(rows, _FIELDS_A_ROW, squeeze=False).flat, FIGURES, strict=False):
        for (features, labels, side), colour in zip(sets, _COLOURS, strict=True):
            values = of.of(features)
            each = [values[labels == quadrant] for quadrant in range(len(QUADRANTS))]
            places = range(len(QUADRANTS))
            drawn = axes.violinplot(each, places, widths=0.9, showextrema=False, showmedians=True, side=side)
            for body in drawn["bodies"]:
                body.set(facecolor=colour, alpha=0.7)
            drawn["cmedians"].set(color="black", linewidth=0.8)
        axes.set_xticks(range(len(QUADRANTS)), QUADRANTS, fontsize=7)
        axes.tick_params(axis="y", labelsize=7)
        axes.set_title(of.name, fontsize=8)
    names = ("EMOPIA", f"composed, {last.name}")
    handles = [Patch(color=colour, alpha=0.7, label=name) for colour, name in zip(_COLOURS, names, strict=True)]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    save(figure, file)

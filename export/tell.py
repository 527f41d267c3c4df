"""What is told of a model's outputs: tables for its card, figures for the manifest, a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .calibrate import expected_calibration_error, fit_temperature, probabilities
from .card import classes_table, draw_confusion, draw_ratings, ratings_table
from .verify import confusion, figures, half, rating_figures

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from .recipe import Examples, Recipe

#: What was given for some examples: by what the model was made from, and by the shipped file.
Given = tuple["NDArray[np.float32]", "NDArray[np.float32]"]


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of one output.

    Attributes:
        table: Markdown, for the card.
        measured: figures, for the manifest.
        temperature: that logits are divided by; 1 for ratings.
    """

    table: str
    measured: dict[str, Any]
    temperature: float = 1.0


def tell(recipe: Recipe, labels: tuple[str, ...], tests: Mapping[str, Examples], given: Mapping[str, Given]) -> Told:
    """Measure an output of a model on the examples that test it; the first of them sets the temperature."""
    if recipe.kind == "ratings":
        return _tell_ratings(labels, tests, given)
    return _tell_classes(recipe, labels, tests, given)


def _tell_classes(
    recipe: Recipe, labels: tuple[str, ...], tests: Mapping[str, Examples], given: Mapping[str, Given]
) -> Told:
    chosen = next(iter(tests))
    seen, truth = given[chosen][1], tests[chosen].truth
    temperature = round(fit_temperature(seen, truth), 3)
    rows = {}
    for name, test in tests.items():
        rows[name] = tuple(figures(one, test.truth, test.groups) for one in given[name])
        for question, classes in recipe.halves.items():
            yes = [labels.index(label) for label in sorted(classes)]
            halves = [half(one / temperature, test.truth, yes) for one in given[name]]
            rows[f"{name}_{question}"] = tuple(figures(*one, test.groups) for one in halves)
    measured: dict[str, Any] = {}
    for name, (net_figures, model_figures) in rows.items():
        measured[f"{name}_accuracy"] = round(model_figures.accuracy, 4)
        measured[f"{name}_recall"] = round(model_figures.recall, 4)
        measured[f"{name}_accuracy_float"] = round(net_figures.accuracy, 4)
    honest = expected_calibration_error(probabilities(seen, temperature), truth)
    raw = expected_calibration_error(probabilities(seen), truth)
    measured |= {"calibration_error": round(honest, 4), "calibration_error_raw": round(raw, 4)}
    table = classes_table(rows)
    told = "out-of-fold outputs" if tests[chosen].unseen is not None else "same examples"
    calibration = (
        f"Calibration: with the temperature {temperature:g} the expected calibration error (15 bins) is {honest:.3f}; "
        f"without it {raw:.3f}. The temperature is fitted on the {told} ({chosen})."
    )
    return Told(f"{table}\n\n{calibration}", measured, temperature)


def _tell_ratings(labels: tuple[str, ...], tests: Mapping[str, Examples], given: Mapping[str, Given]) -> Told:
    measured: dict[str, Any] = {}
    rows = {}
    for name, test in tests.items():
        both = [rating_figures(one, test.truth, test.groups) for one in given[name]]
        for n, label in enumerate(labels):
            if both[1][n].examples:
                rows[f"{name}: {label}"] = both[0][n], both[1][n]
                measured[f"{name}_{label}_r"] = round(both[1][n].r, 4)
        rated = [one.r for one in both[1] if one.examples]
        measured[f"{name}_mean_r"] = round(sum(rated) / len(rated), 4)
    return Told(ratings_table(rows), measured)


def draw(recipe: Recipe, folder: Path, given: NDArray[np.float32], test: Examples) -> None:
    """Draw what a model gave for some examples beside the truth."""
    if recipe.kind == "ratings":
        draw_ratings(folder / f"{recipe.name}_ratings.png", given, test.truth, recipe.labels)
    else:
        draw_confusion(folder / f"{recipe.name}_confusion.png", confusion(given, test.truth), recipe.labels)

"""How far the figures of composed pieces lie from those of played ones, quadrant by quadrant.

After Yang & Lerch, "On the evaluation of generative models in music", Neural Computing and Applications 32 (2020),
4773-4784: a feature is computed of every piece, and the distances between pieces of the same set are compared with
those between the sets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from robotd.perceive.features.symbolic import NAMES

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Figure:
    """A property of a piece.

    Attributes:
        name: for tables and pictures, with its unit.
        feature: its name among `symbolic.NAMES`, where it is defined.
        meaning: in words.
    """

    name: str
    feature: str
    meaning: str

    def of(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return [n] the property of pieces from [n, features]."""
        return features[:, NAMES.index(self.feature)].astype(np.float64)


FIGURES = (
    Figure("pitch range, semitones", "pitch_range_80", "from the 10th to the 90th percentile of the pitches"),
    Figure("density, notes/s", "note_density_mean", "from the first onset to the last end"),
    Figure("polyphony", "polyphony", "notes that sound together, while one does"),
    Figure("pitch-class entropy, bits", "pitch_entropy", "of the notes' pitch classes; at most 3.58"),
    Figure("groove", "groove_consistency", "likeness of each bar's onsets to those of the bar before"),
    Figure("length, strikes", "legato", "how long a strike is held, over the gap to the next one; at most 4"),
    Figure("velocity", "velocity_mean", "MIDI velocity, 1 to 127"),
    Figure("in scale, share", "scale", "share of the notes within the scale that holds most of them"),
)

#: Cells of the axis on which densities are estimated.
_CELLS = 512
#: A kernel ends so many deviations from its middle.
_KERNEL = 4.0
#: A set that is the same throughout has no deviation to take the kernel's width from.
_NARROWEST = 1e-6


def kolmogorov_smirnov(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the largest difference of the cumulative distributions of two samples, 0 (alike) to 1 (apart)."""
    edges = np.concatenate([first, second])
    shares = [np.searchsorted(np.sort(sample), edges, "right") / len(sample) for sample in (first, second)]
    return float(np.abs(shares[0] - shares[1]).max())


def overlapping_area(own: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return Yang & Lerch's overlapping area, 0 (apart) to 1.

    It is the area under both of two densities: of the distances between each two pieces of the first set, and of
    those from each of its pieces to each of the other set. Kernels are Gaussian with Scott's width.

    Args:
        own: [n] a property of the first set, at least two.
        other: [m] of the second.
    """
    within = np.abs(own[:, None] - own)[np.triu_indices(len(own), 1)]
    between = np.abs(own[:, None] - other).ravel()
    widths = [_width(within), _width(between)]
    margin = _KERNEL * max(widths)
    edges = np.linspace(-margin, max(within.max(), between.max()) + margin, _CELLS + 1)
    densities = [_density(distances, edges, width) for distances, width in zip((within, between), widths, strict=True)]
    return float(np.minimum(densities[0], densities[1]).sum())


def _width(values: NDArray[np.float64]) -> float:
    """Scott's width of a kernel: the deviation over the fifth root of the count (Scott 1992, for one dimension)."""
    return max(float(values.std() / len(values) ** 0.2), _NARROWEST)


def _density(values: NDArray[np.float64], edges: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """Return [cells] the shares of a smoothed histogram."""
    counts = np.histogram(values, edges)[0].astype(np.float64)
    cell = float(edges[1] - edges[0])
    reach = int(np.ceil(_KERNEL * width / cell))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * cell / width) ** 2)
    # Of the full convolution the middle is as long as the axis.
    smooth = np.convolve(counts, kernel)[reach : reach + len(counts)]
    shares: NDArray[np.float64] = smooth / smooth.sum()
    return shares

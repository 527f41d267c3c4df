"""Score model: as `judge`, with features of the harmony beside the 14."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from robotd.perceive.features.harmony import NAMES, note_features

from . import judge

_CARD = judge.CARD | {
    "Architecture": (
        f"`judge` with {len(NAMES)} features in place of 14: scale degrees, fit to major and minor, intervals and "
        "triads that sound together, bass and top voice as well. Their definitions are in "
        "`robotd/perceive/features/score.py` and `harmony.py`. Float, standardised inside the model."
    ),
    "Split": judge.SPLIT.format(
        folds=(
            "0.702 and 0.691 of the quadrants (in two drawings of the folds), 0.899 and 0.892 of arousal's and 0.769 "
            "and 0.775 of valence's signs (6 versions of each clip). With `judge`'s 14 features the same folds give "
            "0.674 and 0.689, 0.891 and 0.891, 0.751 and 0.765: harmony helps a little"
        )
    ),
}

RECIPE = replace(
    judge.RECIPE,
    name="judge_notes",
    title="Quadrant of the mood of a piece for piano, from its notes' statistics and its harmony",
    input_shape=(1, len(NAMES)),
    input_meaning=f"raw features of the notes: {', '.join(NAMES)}",
    card=_CARD,
    net=partial(judge.Net, len(NAMES)),
    read=partial(judge.read, of=note_features),
    generate=partial(judge.generate, of=note_features),
)

"""What a listener's reaction to a song says: from thumbs, scores, skips and patience to a reward."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from robotd.errors import CommandError

if TYPE_CHECKING:
    from robotd.music.library import FeedbackKind

#: How an opinion was counted: a first one, one in the place of an earlier one, or one that says less than that.
Counted = Literal["new", "replaced", "kept"]
#: Kinds that say outright what is thought; what was merely done does not take their place.
OUTRIGHT: frozenset[str] = frozenset({"like", "dislike", "rating"})
#: A song is disliked while the last outright word has no better reward: a thumb down, or one or two stars of five.
THUMB_DOWN = -0.5
#: The rewards of a song that was left at once, and of one that was heard to its end.
LEFT, HEARD = -0.8, 0.5
#: How long a song is taken to be where that is not known.
USUAL_S = 210.0
RATINGS = (1.0, 5.0)


def reward_of(kind: FeedbackKind, value: float | None, duration_s: float | None) -> float:
    """Return what a reaction is worth, -1 (disliked) .. 1 (liked).

    Args:
        kind: what happened.
        value: of a `rating` the score 1..5, of a `skip` the second at which it came (None: at once), of `played` the
            share that was heard, 0..1 (None: all).
        duration_s: how long the song is, if known.

    Raises:
        CommandError: a value is missing or impossible.
    """
    if kind == "like":
        return 1.0
    if kind == "dislike":
        return -1.0
    if kind == "rating":
        least, most = RATINGS
        if value is None or not least <= value <= most:
            raise CommandError(f"a rating needs a value from {least:.0f} to {most:.0f}, not {value}")
        return 2 * (value - least) / (most - least) - 1
    if kind == "skip":
        if value is not None and not value >= 0:
            raise CommandError(f"the value of a skip is the second at which it came, at least 0, not {value}")
        share = min((value or 0.0) / (duration_s or USUAL_S), 1.0)
        # Whoever leaves in the last bars has not disliked the song.
        return LEFT * (1 - share)
    share = 1.0 if value is None else value
    if not 0 <= share <= 1:
        raise CommandError(f"the value of played is the share that was heard, 0 to 1, not {value}")
    return LEFT + (HEARD - LEFT) * share

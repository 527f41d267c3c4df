"""What was measured of taste and of moods, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .moves import SAME_MOOD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .moves import Estimate, Moves, Rival
    from .rehearse import Curves, Rehearsal

#: The last so many songs are what was learnt in the end; curves are smoothed over a window; they are told by pieces.
LAST, WINDOW, PIECE = 50, 20, 25

_REHEARSAL = """\
# What is learnt of a listener

Made by `{command}`.

{listeners} simulated people listen to {songs} songs each, one after the other, from a library of {library}. Each has a
hidden taste: lasting (sounds, genres, some artists for no reason that can be heard), of the moment (sounds that are
liked more in some moods, at some hours, after some words), and songs that fit the mood are liked better. They react
with a thumb, or only by skipping or hearing a song to its end, and not always in the same way. Figures are the
probability that they like what they get, which the recommender never sees; the untrained recommender goes by the mood
alone, in the same moments.

| learner | last {last} songs | untrained | gain | worst on the way | people worse off |
|---|---|---|---|---|---|
{rows}

`gain`: over the last {last} songs. `worst on the way`: the least lead of the mean curve over the untrained one,
smoothed over {window} songs, in per cent of it; below 0: worse than untrained. `people worse off`: whose last {last}
songs were liked less than untrained. Standard errors are over people. What simulated people like is what we imagined:
these figures tell that the learner works, not how much a real person gains.

## On the way

Mean of each {piece} songs.

| learner | {heads} |
|---|{lines}
{curves}
"""

_MOVES = """\
# Whether songs move the mood as expected

Made by `{command}`, from SiTunes (Grigorev et al., CHIIR 2024): {listens:,} listens of {people} people who
told their mood before and after a song. Everything is told of people from whom nothing was learnt; intervals (95 %)
are over people.

The mood after a song is expected, on each axis, at rest + keep x mood before + pull x song (valence and energy of
Spotify as the song's place). Fitted to everybody, which is what `robotd.music.journey` holds:

| axis | rest | keep | pull |
|---|---|---|---|
{coefficients}

Where `keep` is below 1, moods return to their middle by themselves; `pull` is how far a song draws the mood to its own
place.

## Moves foreseen

Correlation of the move that is told with the one that was measured. `ahead`: how much more ours has.

{agreement}

*mood alone* knows no song, only how moods return: what ours has ahead of it is what the song does. *with expected
liking* knows also what the robot's taste expects of the song, from what the person rated before; that expectation
itself agrees with the ratings by r = {taste}.

## Songs chosen

{pairs:,} pairs of songs that one person heard in the same mood (within {same_mood}). For each target, the share of
pairs in which the song that would be chosen was the one after which the mood was nearer to the target. Half would be
chance.

{chosen}

Ours chooses the song after which the mood is expected nearest to the target; *valence and arousal alone* the song that
is itself nearest to it. A journey asks for more than that (songs near its steps, words, taste), which such listens
can't put to the test. That the expected mood takes part in choosing was decided with these people's figures in view.
"""


def rehearsal_report(found: Mapping[str, Curves], rehearsal: Rehearsal, command: str) -> str:
    """Return the report of simulated listeners.

    Args:
        found: by learner, the robot's own first.
        rehearsal: what they listened to.
        command: that made it.
    """
    first = next(iter(found.values()))
    pieces = range(0, rehearsal.songs - rehearsal.songs % PIECE, PIECE)
    curves = [_row(name, (curves.learnt[:, at : at + PIECE].mean() for at in pieces)) for name, curves in found.items()]
    curves.append(_row("untrained", (first.untrained[:, at : at + PIECE].mean() for at in pieces)))
    return _REHEARSAL.format(
        command=command,
        listeners=len(first.learnt),
        songs=rehearsal.songs,
        library=rehearsal.library,
        last=LAST,
        window=WINDOW,
        piece=PIECE,
        rows="\n".join(_gains(name, curves) for name, curves in found.items()),
        heads=" | ".join(f"{at + 1}-{at + PIECE}" for at in pieces),
        lines="---|" * len(pieces),
        curves="\n".join(curves),
    )


def _gains(name: str, curves: Curves) -> str:
    learnt, untrained = (curve[:, -LAST:].mean(axis=1) for curve in (curves.learnt, curves.untrained))
    error = (learnt - untrained).std(ddof=1) / np.sqrt(len(learnt))
    return (
        f"| {name} | {learnt.mean():.3f} | {untrained.mean():.3f} | {curves.gain(LAST):+.0%} "
        f"± {error / untrained.mean():.0%} | {curves.worst(WINDOW):+.0%} | {np.count_nonzero(learnt < untrained)} |"
    )


def _row(name: str, numbers: Iterable[float]) -> str:
    return f"| {name} | {' | '.join(f'{number:.3f}' for number in numbers)} |"


def moves_report(moves: Moves, command: str) -> str:
    """Return the report of what people told.

    Args:
        moves: what was found.
        command: that made it.
    """
    return _MOVES.format(
        command=command,
        listens=moves.listens,
        people=moves.people,
        coefficients="\n".join(_row(axis, numbers) for axis, numbers in moves.coefficients.items()),
        agreement=_rivals(moves.agreement, "axis", "correlation", _plain),
        taste=_plain(moves.taste),
        pairs=moves.pairs,
        same_mood=SAME_MOOD,
        chosen=_rivals(moves.chosen, "target", "right", _share),
    )


def _rivals(found: Mapping[str, Iterable[Rival]], of: str, figure: str, told: Callable[[Estimate], str]) -> str:
    rows = [
        f"| {part} | {rival.name} | {told(rival.figure)} | {told(rival.ahead) if rival.ahead else ''} |"
        for part, rivals in found.items()
        for rival in rivals
    ]
    return "\n".join([f"| {of} | by | {figure} | ours ahead |", "|---|---|---|---|", *rows])


def _plain(estimate: Estimate) -> str:
    return f"{estimate.value:+.3f} ({estimate.low:+.3f} to {estimate.high:+.3f})"


def _share(estimate: Estimate) -> str:
    return f"{estimate.value:.1%} ({estimate.low:.1%} to {estimate.high:.1%})"

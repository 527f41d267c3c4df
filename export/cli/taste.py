"""`taste` and `situnes`: how well listeners are learnt, and whether chosen songs move moods as expected."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from robotd.errors import MediaError

from .group import busy, console
from .options import DATA, DataFolder

Out = Annotated[Path, typer.Option(help="Folder of the report.")]


def taste_command(
    listeners: Annotated[int, typer.Option(min=2, help="So many simulated people.")] = 40,
    songs: Annotated[int, typer.Option(min=60, help="Each listens to so many.")] = 200,
    seed: Annotated[int, typer.Option(help="Another one simulates other people.")] = 1000,
    out: Out = Path("docs"),
) -> None:
    """Have simulated listeners teach the recommender, and other ways to learn, what they like.

    The report, `taste.md`, tells how much more they like what they get than from a recommender that does not learn,
    and whether they ever like it less on the way.

    Examples:

    - `taste` — some minutes
    - `taste --listeners 10 --out /tmp/taste`
    """
    from robotd.config import Taste

    from ..taste.learners import linear, logistic, stochastic
    from ..taste.rehearse import Rehearsal
    from ..taste.report import rehearsal_report

    forgetting = Taste().forgetting
    learners = {
        "discounted LinUCB (the robot's own)": linear(forgetting),
        "logistic regression, all opinions anew": logistic(forgetting),
        "logistic regression, stochastic gradient descent": stochastic(2.0),
    }
    rehearsal, people = Rehearsal(songs=songs), range(seed, seed + listeners)
    found = {}
    for name, learner in learners.items():
        with busy(f"{listeners} listeners, {name}"):
            found[name] = rehearsal.run(learner, people)
    command = f"python -m export taste --listeners {listeners} --songs {songs} --seed {seed}"
    _write(out / "taste.md", rehearsal_report(found, rehearsal, command))


def situnes_command(
    data: DataFolder = DATA,
    seed: Annotated[int, typer.Option(help="Of the intervals.")] = 0,
    out: Out = Path("docs"),
) -> None:
    """Compare the moods that are expected after songs with those that people told.

    The report, `situnes.md`, tells how well moves of the mood are foreseen for people from whom nothing was learnt,
    and how often the song that is chosen for a target was the better one, against the song's own valence and
    arousal, chance, and popularity.

    Examples:

    - `situnes --data ~/data`
    """
    from robotd.config import Taste

    from ..data.situnes import read_situnes
    from ..taste.moves import measure_moves
    from ..taste.report import moves_report

    try:
        situnes = read_situnes(data)
    except FileNotFoundError as error:
        raise MediaError(str(error)) from error
    with busy("learning from each person's others"):
        moves = measure_moves(situnes, Taste().forgetting, seed)
    _write(out / "situnes.md", moves_report(moves, f"python -m export situnes --seed {seed}"))


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    console.print(text, markup=False, highlight=False, soft_wrap=True)
    console.print(f"written to {file}", markup=False)

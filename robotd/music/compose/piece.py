"""A whole piece: composed for one feeling, heard by the judge, written as a MIDI file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from robotd.music.compose.opening import open_composer, open_judge
from robotd.music.sanity import measure
from robotd.music.smf import bars_to_ticks, write_smf

if TYPE_CHECKING:
    from pathlib import Path

    from robotd.config import Config
    from robotd.emotion import Quadrant
    from robotd.music.bar import Bar
    from robotd.music.compose.judge import Verdict


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece.

    Attributes:
        quadrant: in which it should be heard.
        point: valence and arousal that it was composed for.
        seed: of all its chances.
        bars: the last one is the ending.
        judge: the model that heard it, None where none did.
        heard: what the judge heard in the whole piece.
        stretches: how many stretches of four bars were judged one by one.
        accepted: how many of these were heard in the wanted quadrant.
        tries: how often one was composed.
        problems: what is musically wrong with it (see `robotd.music.sanity`).
    """

    quadrant: Quadrant
    point: tuple[float, float]
    seed: int
    bars: tuple[Bar, ...]
    judge: str | None
    heard: Verdict | None
    stretches: int
    accepted: int
    tries: int
    problems: tuple[str, ...]

    @property
    def duration_s(self) -> float:
        """How long it lasts."""
        return sum(bar.beats * 60.0 / bar.tempo_bpm for bar in self.bars)


def compose_piece(config: Config, quadrant: Quadrant, point: tuple[float, float], bars: int, seed: int) -> Piece:
    """Return a piece of so many bars, the last of them an ending; the same arguments give the same piece."""
    composer = open_composer(config, seed, ahead=False)
    written = [composer.bar(*point, index, quadrant) for index in range(bars - 1)]
    written.append(composer.ending(*point, bars - 1, quadrant))
    judge = open_judge(config)
    tally = composer.tally
    return Piece(
        quadrant,
        point,
        composer.seed,
        tuple(written),
        judge.model if judge else None,
        judge.hear(written) if judge else None,
        tally.judged,
        tally.accepted,
        tally.tries,
        measure(written).problems,
    )


def write_piece(piece: Piece, config: Config, path: Path) -> None:
    """Write a piece as a MIDI file, on the channels and instruments of the configuration.

    Raises:
        MediaError: the file can't be written.
    """
    midi = config.instruments
    events = bars_to_ticks(piece.bars, channels=midi.channels.from_zero, programs=midi.programs.by_quadrant)
    write_smf(path, events, name=f"robotd {piece.quadrant.value} seed {piece.seed}")

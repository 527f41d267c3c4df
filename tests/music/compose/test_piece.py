"""Whole pieces, composed by the shipped nets and heard by the shipped judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mido
import pytest

from robotd.config import Compose, Config
from robotd.emotion import MOODS, Quadrant
from robotd.music.compose.piece import Piece, compose_piece, write_piece
from robotd.music.sanity import measure
from robotd.perceive.features.score import read_notes

if TYPE_CHECKING:
    from pathlib import Path

UNJUDGED = Config(compose=Compose(judge=None))
PIANO = Config(compose=Compose(judge=None, style="piano"))
PIECES_A_QUADRANT = 25


def piece(quadrant: Quadrant, seed: int, config: Config = UNJUDGED, bars: int = 16) -> Piece:
    return compose_piece(config, quadrant, MOODS[quadrant], bars, seed)


@pytest.mark.parametrize("quadrant", Quadrant)
def test_a_hundred_pieces_are_sane(quadrant: Quadrant) -> None:
    for seed in range(PIECES_A_QUADRANT):
        composed = piece(quadrant, seed)
        assert composed.problems == (), f"seed {seed}"
        sane = measure(composed.bars)
        assert sane.in_key >= 0.9
        assert sane.longest_silence_bars <= 2
        assert sane.most_repeats <= 8
        assert sane.zero_length == sane.stuck == sane.out_of_range == 0


@pytest.mark.parametrize("quadrant", Quadrant)
def test_pieces_for_a_piano_are_sane_too(quadrant: Quadrant) -> None:
    for seed in range(3):
        assert piece(quadrant, seed, PIANO).problems == (), f"seed {seed}"


@pytest.mark.parametrize("config", [Config(), PIANO], ids=["judged band", "piano"])
def test_a_seed_gives_the_same_file_bit_for_bit_and_another_one_another(config: Config, tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        write_piece(piece(Quadrant.Q2, seed, config), config, tmp_path / name)
    same, again, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert same == again
    assert same != other


@pytest.mark.parametrize("quadrant", Quadrant)
def test_the_judge_hears_a_judged_piece_as_wanted(quadrant: Quadrant) -> None:
    # Not every single one need be; of three none or one would be a fault.
    pieces = [piece(quadrant, seed, Config()) for seed in range(3)]
    assert sum(one.heard is not None and one.heard.quadrant is quadrant for one in pieces) >= 2
    for one in pieces:
        assert one.judge == "judge_notes"
        assert one.stretches == 4
        assert one.accepted <= one.stretches <= one.tries


def test_a_file_has_a_channel_and_a_program_for_every_part(tmp_path: Path) -> None:
    file = tmp_path / "x.mid"
    write_piece(piece(Quadrant.Q1, 1), UNJUDGED, file)
    messages = [message for message in mido.MidiFile(file) if not message.is_meta]
    channels = {message.channel for message in messages if message.type == "note_on"}
    assert channels == {0, 1, 2, 9}
    assert {m.channel: m.program for m in messages if m.type == "program_change"} == {0: 11, 1: 0, 2: 32, 9: 0}
    assert len(read_notes(file)) > 100


def test_a_melody_alone_is_monophonic(tmp_path: Path) -> None:
    config = Config(compose=Compose(judge=None, parts=("melody",)))
    file = tmp_path / "tune.mid"
    write_piece(piece(Quadrant.Q4, 2, config), config, file)
    notes = read_notes(file)
    ends = notes.onset_s + notes.length_s
    assert (ends[:-1] <= notes.onset_s[1:] + 1e-6).all()


def test_a_piece_for_a_piano_is_all_piano(tmp_path: Path) -> None:
    file = tmp_path / "piano.mid"
    write_piece(piece(Quadrant.Q2, 1, PIANO), PIANO, file)
    assert {m.program for m in mido.MidiFile(file) if m.type == "program_change"} == {0}

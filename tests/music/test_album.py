from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import mido
import pytest

from robotd.config import Runtime
from robotd.emotion import Quadrant, quadrant_at
from robotd.music import album
from robotd.music.album.__main__ import main
from robotd.perceive.manifest import load_manifest
from robotd.perceive.score import ScoreReader

if TYPE_CHECKING:
    from pathlib import Path


def test_there_are_three_pieces_for_every_quadrant() -> None:
    counted = Counter(quadrant_at(piece.valence, piece.arousal) for piece in album.pieces())
    assert counted == dict.fromkeys(Quadrant, 3)


def test_composing_it_anew_gives_the_same_twice(tmp_path: Path) -> None:
    # Other processors may round otherwise, and so write another album than the committed one.
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
        main(folder)
    for piece in album.pieces():
        once, again = ((folder / piece.file).read_bytes() for folder in folders)
        assert once == again, piece.title
    assert (folders[0] / album.INDEX.name).read_text() == album.INDEX.read_text()


@pytest.mark.parametrize("piece", album.pieces(), ids=lambda piece: piece.file)
def test_the_judge_hears_every_committed_piece_in_its_quadrant(piece: album.Piece) -> None:
    reading = ScoreReader("judge_notes", load_manifest(), Runtime()).read(album.FOLDER / piece.file)
    assert reading.label is quadrant_at(piece.valence, piece.arousal)


def test_every_piece_lasts_about_a_minute_and_ends_every_note() -> None:
    for piece in album.pieces():
        file = mido.MidiFile(album.FOLDER / piece.file)
        assert 45 <= file.length <= 60, piece.title
        sounding = Counter[tuple[int, int]]()
        for message in file:
            if message.type == "note_on":
                sounding[message.channel, message.note] += 1
            elif message.type == "note_off":
                sounding[message.channel, message.note] -= 1
            assert set(sounding.values()) <= {0, 1}, piece.title
        assert not +sounding

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import mido

from robotd.emotion import Quadrant, quadrant_at
from robotd.music import album
from robotd.music.album.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path


def test_there_are_three_pieces_for_every_quadrant() -> None:
    counted = Counter(quadrant_at(piece.valence, piece.arousal) for piece in album.pieces())
    assert counted == dict.fromkeys(Quadrant, 3)


def test_the_committed_files_are_what_the_composer_makes(tmp_path: Path) -> None:
    main(tmp_path)
    for piece in album.pieces():
        assert (tmp_path / piece.file).read_bytes() == (album.FOLDER / piece.file).read_bytes(), piece.title
    assert (tmp_path / album.INDEX.name).read_text() == album.INDEX.read_text()


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

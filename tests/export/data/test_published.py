"""The readers' view of the layouts in which data sets are published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export.data import places, published
from tests.export.test_check import put, table, write_cremad, write_emopia, write_fer, write_ravdess


@pytest.mark.parametrize("name", ["fer2013.csv", "icml_face_data.csv"])
def test_fer_comes_with_its_votes(name: str, tmp_path: Path) -> None:
    write_fer(tmp_path / "somewhere", name)
    images = published.fer_images(tmp_path, "publictest")
    assert images is not None
    assert images.files[:2] == ("angry/PublicTest_7", "disgust/PublicTest_8")
    assert images.images.shape == (7, 48, 48)
    assert (images.images == 7).all()
    np.testing.assert_array_equal(images.labels, range(7))
    assert images.votes.shape == (7, 10)


def test_tables_that_do_not_belong_together(tmp_path: Path) -> None:
    write_fer(tmp_path)
    votes = (tmp_path / "fer2013new.csv").read_text().splitlines()
    put(tmp_path / "fer2013new.csv", "\n".join(votes[:-1]))
    with pytest.raises(ValueError, match="doesn't belong to"):
        published.fer_images(tmp_path, "train")


@pytest.mark.parametrize("text", ["", "1 2 3", " ".join(["256"] * 2304), " ".join(["x"] * 2304)])
def test_pixels_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="pixels"):
        published.pixels(text)


def test_emopia_by_the_authors_songs(tmp_path: Path) -> None:
    write_emopia(tmp_path)
    clips = published.emopia_clips(tmp_path, "train")
    assert clips is not None
    assert [(file.name, song, quadrant) for file, song, quadrant in clips] == [
        ("Q1_abc-d_e1_0.mid", "abc-d_e1", 0),
        ("Q2_abc-d_e2_0.mid", "abc-d_e2", 1),
    ]
    clips[0][0].unlink()
    with pytest.raises(FileNotFoundError, match="is missing"):
        published.emopia_clips(tmp_path, "train")
    (tmp_path / "EMOPIA_1.0" / "split" / "val_SL.csv").unlink()
    with pytest.raises(FileNotFoundError, match="it lists the songs of the val split"):
        published.emopia_clips(tmp_path, "val")


def test_speech_is_found_in_any_folder(tmp_path: Path) -> None:
    write_ravdess(tmp_path / "RAVDESS" / "audio_speech_actors_01-24")
    write_cremad(tmp_path / "CREMA-D")
    assert places.ravdess(tmp_path) == tmp_path / "RAVDESS" / "audio_speech_actors_01-24"
    assert places.cremad(tmp_path) == (
        tmp_path / "CREMA-D" / "AudioWAV",
        tmp_path / "CREMA-D" / "processedResults" / "tabulatedVotes.csv",
    )


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    assert published.fer_images(tmp_path, "train") is None
    assert published.emopia_clips(tmp_path, "train") is None
    assert places.ravdess(tmp_path / "nowhere") is None
    assert places.cremad(tmp_path) is None


def test_hidden_folders_are_left_alone(tmp_path: Path) -> None:
    table(tmp_path / ".Trash" / "fer2013.csv", [{"emotion": 0}])
    assert places.fer(tmp_path) is None

from __future__ import annotations

import csv
import io
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from export.data import fer
from tests.export.test_check import table, write_fer

SHARED = Path(__file__).parents[4] / "shared" / "data"


def votes(**given: float) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.array([[given.get(column, 0) for column in fer.VOTE_COLUMNS]], np.float32)


def test_reads_pictures_labels_and_votes_of_our_layout(tmp_path: Path) -> None:
    faces = tmp_path / "faces"
    faces.mkdir()
    names = ["sad/Training_1.jpg", "happy/Training_2.jpg"]
    with tarfile.open(faces / "fer2013_train.tar", "w") as tar:
        for level, name in zip((40, 200), names, strict=True):
            jpeg = cv2.imencode(".jpg", np.full((48, 48), level, np.uint8))[1].tobytes()
            member = tarfile.TarInfo(name)
            member.size = len(jpeg)
            tar.addfile(member, io.BytesIO(jpeg))
    with (faces / "ferplus_votes.csv").open("w", newline="") as file:
        rows = csv.DictWriter(file, ["file", *reversed(fer.VOTE_COLUMNS)])
        rows.writeheader()
        rows.writerow({"file": names[1], **dict.fromkeys(fer.VOTE_COLUMNS, 0), "happiness": 10})
        rows.writerow({"file": names[0], **dict.fromkeys(fer.VOTE_COLUMNS, 0), "sadness": 6, "neutral": 4})

    read = fer.read_fer(tmp_path, "train")

    assert read.files == tuple(names)
    assert [fer.CLASSES[label] for label in read.labels] == ["sad", "happy"]
    assert read.images.mean(axis=(1, 2)) == pytest.approx([40, 200], abs=1)
    assert read.votes[0, fer.VOTE_COLUMNS.index("sadness")] == 6
    assert read.votes[1, fer.VOTE_COLUMNS.index("happiness")] == 10
    assert read.only(np.array([False, True])).files == (names[1],)


def test_reads_the_tables_of_the_makers(tmp_path: Path) -> None:
    write_fer(tmp_path / "FER", "icml_face_data.csv")
    read = fer.read_fer(tmp_path, "train")
    assert read.files[0] == "angry/Training_0"
    assert list(read.labels) == list(range(7))
    assert read.images.shape == (7, 48, 48)
    assert read.votes.shape == (7, len(fer.VOTE_COLUMNS))


def test_copies_in_the_tables_of_the_makers_are_found(tmp_path: Path) -> None:
    usages = ["Training", "PublicTest", "PublicTest"]
    pixels = [" ".join([level] * 48 * 48) for level in ("7", "7", "8")]
    rows = [{"emotion": 3, "pixels": text, "Usage": use} for text, use in zip(pixels, usages, strict=True)]
    table(tmp_path / "fer2013.csv", rows)
    table(tmp_path / "fer2013new.csv", [{"Usage": use, **dict.fromkeys(fer.VOTE_COLUMNS, 1)} for use in usages])
    assert fer.near_copies(tmp_path) == {"happy/PublicTest_1"}


def test_single_votes_are_slips() -> None:
    shares = fer.soft_labels(votes(anger=6, fear=2, surprise=1, contempt=1))[0]
    assert shares[fer.CLASSES.index("angry")] == pytest.approx(0.75)
    assert shares[fer.CLASSES.index("fear")] == pytest.approx(0.25)
    assert shares[fer.CLASSES.index("surprise")] == 0


def test_single_votes_count_where_there_are_no_others() -> None:
    shares = fer.soft_labels(votes(anger=1, fear=1, unknown=8))[0]
    assert shares.sum() == pytest.approx(1)
    assert shares[fer.CLASSES.index("angry")] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("given", "some", "clear"),
    [
        ({"happiness": 10}, True, True),
        ({"happiness": 4, "neutral": 4, "NF": 2}, True, False),
        ({"happiness": 5, "contempt": 5}, True, False),
        ({"happiness": 2, "contempt": 8}, False, False),
        ({"NF": 10}, False, False),
    ],
)
def test_which_images_show_an_emotion(given: dict[str, float], *, some: bool, clear: bool) -> None:
    assert fer.has_emotion(votes(**given))[0] == some
    assert fer.has_clear_emotion(votes(**given))[0] == clear


def test_no_face_needs_most_of_the_crowd() -> None:
    assert fer.is_no_face(votes(NF=6, neutral=4))[0]
    assert not fer.is_no_face(votes(NF=5, neutral=5))[0]


def test_copies_of_a_picture_share_a_number() -> None:
    pictures = np.zeros((4, 48, 48), np.uint8)
    pictures[1] = pictures[3] = 7
    assert list(fer.copies_of(pictures)) == [0, 1, 0, 1]


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the real data is not at {SHARED}")
def test_the_real_public_test_is_whole() -> None:
    read = fer.read_fer(SHARED, "publictest")
    assert len(read.files) == 3589
    counts = {name: int((read.labels == label).sum()) for label, name in enumerate(fer.CLASSES)}
    assert counts == {
        "angry": 467, "disgust": 56, "fear": 496, "happy": 895, "sad": 653, "surprise": 415, "neutral": 607,
    }  # fmt: skip
    assert len(fer.near_copies(SHARED) & set(read.files)) == 485

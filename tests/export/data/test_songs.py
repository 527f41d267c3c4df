from __future__ import annotations

import gzip
import io
import tarfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from export.data.songs import RATE_HZ, Clip, folds, read_songs

if TYPE_CHECKING:
    from pathlib import Path

FILM = """\
file,number,album,track,valence,energy,tension,anger,fear,happy,sad,tender
st1_001.ogg,1,Big Fish,6,4.8,6.8,3.2,1,1,7.3,1,1
st1_002.ogg,2,Shine,6,5,6,3,1,,7,1,1
"""
PIECES = """\
file,nro,soundtracks1_number,articulation,brightness,density,harmonic_complexity,key_clarity,mode,pulse_clarity,repetitiveness
pc_002.ogg,2,2,3.6,4.7,7.3,7,1.8,4,4.6,8.5
"""
DEAM = """\
file,song_id,artist,valence_mean,arousal_mean
deam_10.ogg,10,Arne,4.7,4.0
"""


def published(data: Path, **sets: str) -> Path:
    """Write sets in the published layout, half a second of noise a clip."""
    folder = data / "music" / "audio"
    folder.mkdir(parents=True)
    noise = 0.1 * np.random.default_rng(0).standard_normal((RATE_HZ // 2, 2))
    for name, labels in sets.items():
        (folder / f"{name}_labels.csv").write_text(labels)
        with tarfile.open(folder / f"{name}.tar", "w") as tar:
            for line in labels.splitlines()[1:]:
                content = io.BytesIO()
                soundfile.write(content, noise, RATE_HZ, format="OGG", subtype="VORBIS")
                member = tarfile.TarInfo(line.split(",")[0])
                member.size = content.tell()
                content.seek(0)
                tar.addfile(member, content)
    return data


def test_reads_clips_with_ratings_and_albums(tmp_path: Path) -> None:
    first, second = read_songs(published(tmp_path, soundtracks1=FILM), ["soundtracks1"])
    assert (first.group, second.group) == ("soundtracks/Big Fish", "soundtracks/Shine")
    assert first.ratings["happy"] == 7.3
    assert "fear" not in second.ratings
    assert first.samples.shape == (RATE_HZ // 2,)
    assert abs(len(first.at(16_000)) - 8_000) <= 1


def test_a_piece_of_film_music_belongs_to_the_album_that_it_was_cut_from(tmp_path: Path) -> None:
    clips = read_songs(published(tmp_path, soundtracks1=FILM, perceptual100=PIECES), ["soundtracks1", "perceptual100"])
    assert [clip.group for clip in clips if clip.source == "perceptual100"] == ["soundtracks/Shine"]


def test_a_song_may_be_rated_by_the_time(tmp_path: Path) -> None:
    data = published(tmp_path, deam10=DEAM)
    (data / "music" / "annotations").mkdir()
    with gzip.open(data / "music" / "annotations" / "deam744_dynamic_2hz.csv.gz", "wt") as file:
        file.write("song_id,t_s,arousal_mean,arousal_sd,valence_mean,valence_sd\n")
        file.write("10,15.0,0.5,0.1,-0.25,0.1\n10,15.5,0.25,0.1,-0.5,0.1\n11,15.0,0,0,0,0\n")
    (clip,) = read_songs(data, ["deam10"])
    assert clip.curve is not None
    np.testing.assert_array_equal(clip.curve, [[15.0, -0.25, 0.5], [15.5, -0.5, 0.25]])


def test_a_missing_clip_is_told(tmp_path: Path) -> None:
    data = published(tmp_path, soundtracks1=FILM)
    labels = data / "music" / "audio" / "soundtracks1_labels.csv"
    labels.write_text(FILM + "st1_003.ogg,3,Shine,1,5,5,5,5,5,5,5,5\n")
    with pytest.raises(FileNotFoundError, match=r"soundtracks1\.tar has no st1_003\.ogg"):
        read_songs(data, ["soundtracks1"])


def test_a_missing_set_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="emotify"):
        read_songs(published(tmp_path, soundtracks1=FILM), ["emotify"])


def test_folds_keep_groups_whole_and_spread_every_set() -> None:
    silence = np.zeros(1, np.float32)
    clips = [
        Clip(source, f"{n}.ogg", f"{source}/{n // size}", silence, {})
        for source, size in (("film", 4), ("pop", 1))
        for n in range(40)
    ]
    which = folds(clips, 5)
    for group in {clip.group for clip in clips}:
        assert len({int(fold) for clip, fold in zip(clips, which, strict=True) if clip.group == group}) == 1
    for source in ("film", "pop"):
        sizes = np.bincount([f for clip, f in zip(clips, which, strict=True) if clip.source == source], minlength=5)
        np.testing.assert_array_equal(sizes, [8] * 5)

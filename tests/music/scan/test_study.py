from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mutagen
import pytest

from robotd.config import Runtime
from robotd.errors import ModelError
from robotd.music.scan import decoding
from robotd.music.scan.study import Job, digest_of, made_by, study, without_lyrics
from robotd.perceive.manifest import Manifest, load_manifest
from tests.music.scan.sounds import music, noise, write

if TYPE_CHECKING:
    from pathlib import Path

SAD = "[00:01.00]I miss my home, I cry alone\n[00:05.00]the tears, the rain, the lonely grave\n"


def job(path: Path, models: Path | None = None) -> Job:
    return Job(str(path), None if models is None else str(models), Runtime().model_dump_json())


def test_all_that_a_file_tells_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "Änne - Lied #1.flac", music(12.0))
    (tmp_path / "Änne - Lied #1.lrc").write_text(SAD, encoding="utf-8")
    studied = study(job(path))
    entry = studied.entry
    assert entry is not None
    assert (entry.title, entry.artist, entry.uri) == ("Lied #1", "Änne", path.as_uri())
    assert entry.duration_s == pytest.approx(12.0, abs=0.1)
    assert entry.key == "C major"
    assert [len(values or ()) for values in (entry.moods, entry.mid_level, entry.gems)] == [8, 7, 9]
    assert entry.lyrics_emotions is not None
    assert sum(entry.lyrics_emotions) == pytest.approx(1)
    assert max(entry.lyrics_emotions) == entry.lyrics_emotions[3]
    assert {"home", "rain"} <= {word for words, _ in entry.keywords for word in words.split()}
    assert all(0 < weight <= 1 for _, weight in entry.keywords)
    assert entry.curve is not None
    assert entry.curve.shape == (12, 2)
    assert (studied.problem, studied.digest) == ("", digest_of(path))


def test_lyrics_beside_the_file_go_before_those_of_its_tags(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac")
    file: Any = mutagen.File(path)
    file["lyrics"] = "joy, happy smile, sunshine, we dance and laugh with love"
    file.save()
    by_tags = study(job(path)).entry
    (tmp_path / "a.lrc").write_text(SAD, encoding="utf-8")
    by_file = study(job(path)).entry
    assert by_tags is not None
    assert by_file is not None
    assert by_tags.lyrics_emotions is not None
    assert by_file.lyrics_emotions is not None
    assert by_tags.lyrics_emotions[2] > by_file.lyrics_emotions[2]


def test_lyrics_that_can_not_be_read_are_noted_and_the_song_is_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav")
    (tmp_path / "a.lrc").write_text("私は家が恋しい", encoding="utf-8")
    studied = study(job(path))
    assert studied.entry is not None
    assert studied.entry.lyrics_emotions is None
    assert studied.notes == ("its lyrics can't be read (English is wanted)",)


def test_lyrics_beside_the_file_without_any_words_do_not_hide_those_of_its_tags(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac")
    file: Any = mutagen.File(path)
    file["lyrics"] = SAD
    file.save()
    (tmp_path / "a.lrc").write_text("[ar:Änne]\n[ti:Lied]\n", encoding="utf-8")
    entry = study(job(path)).entry
    assert entry is not None
    assert entry.lyrics_emotions is not None


@pytest.mark.parametrize(("kind", "why"), [("folder", "Is a directory"), ("link", "No such file or directory")])
def test_a_file_of_lyrics_that_can_not_be_opened_is_noted(tmp_path: Path, kind: str, why: str) -> None:
    path = write(tmp_path / "a.wav")
    if kind == "folder":
        (tmp_path / "a.lrc").mkdir()
    else:
        (tmp_path / "a.lrc").symlink_to(tmp_path / "nowhere.lrc")
    studied = study(job(path))
    assert studied.entry is not None
    assert studied.notes == (f"the lyrics beside it can't be read ({why})",)


def test_a_file_is_longer_than_what_was_heard_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "LONGEST_S", 2.0)
    studied = study(job(write(tmp_path / "a.flac", noise(5.0))))
    assert studied.entry is not None
    assert (studied.entry.duration_s, studied.duration_s) == (5.0, 2.0)


def test_the_lyrics_beside_a_file_are_in_its_digest(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav")
    alone = digest_of(path)
    (tmp_path / "a.lrc").write_text(SAD, encoding="utf-8")
    assert digest_of(path) != alone == without_lyrics(digest_of(path))


def test_damage_that_was_passed_over_is_noted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", noise(12.0))
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 2000] = b"\x55" * 2000
    path.write_bytes(content)
    studied = study(job(path))
    assert studied.entry is not None
    assert any("is damaged" in note for note in studied.notes)


@pytest.mark.parametrize(
    ("content", "problem"), [(b"", "can't be read as sound"), (b"no music" * 500, "can't be read as sound")]
)
def test_what_is_wrong_with_a_file_is_in_the_answer(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(content)
    studied = study(job(path))
    assert studied.entry is None
    assert studied.problem.startswith(problem)


def test_a_file_that_vanishes_meanwhile_is_told(tmp_path: Path) -> None:
    studied = study(job(tmp_path / "gone.mp3"))
    assert studied.entry is None
    assert studied.problem == "No such file or directory"


def test_models_that_can_not_be_used_are_no_matter_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"manifest\.yaml can't be used"):
        study(job(write(tmp_path / "a.wav"), tmp_path))


def test_another_model_is_another_maker() -> None:
    manifest = load_manifest()
    other = manifest.models["song_midlevel"].model_copy(update={"sha256": "0" * 64})
    assert made_by(manifest) == made_by(load_manifest())
    assert made_by(manifest) != made_by(Manifest(manifest.folders, manifest.models | {"song_midlevel": other}))

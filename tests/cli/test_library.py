from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from robotd.music.library import Library
from robotd.music.scan.scan import alone
from tests.daemon.robots import bare, command, environment
from tests.music.scan.sounds import music, write

if TYPE_CHECKING:
    from pathlib import Path

CATALOGUE = "Song,Artist,Pleasantness,Wildness\nOne,A,1,9\nTwo,B,5,5\nThree,C,9,loud\nÜber,D,7.5,2\n"
STATED = ("--columns", "valence=pleasantness,arousal=wildness")


def library(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("library", *arguments),
        env=environment(folder),
        cwd=bare(folder),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def told(done: subprocess.CompletedProcess[str]) -> Any:
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    (tmp_path / "list.csv").write_text(CATALOGUE, encoding="utf-8")
    return tmp_path


def test_a_folder_is_scanned_with_two_processes_and_broken_files_are_told(tmp_path: Path) -> None:
    for n in range(3):
        write(tmp_path / "music" / f"{n}.wav", music(2.0, 60 + 30 * n))
    (tmp_path / "music" / "broken.mp3").write_bytes(b"no music" * 50)
    done = library(tmp_path, "scan", "music", "--workers", "2")
    assert done.returncode == 1
    assert "3 added, 0 updated, 0 unchanged, 1 failed; 0.1 min heard" in done.stdout
    assert "broken.mp3: can't be read as sound" in done.stderr
    (tmp_path / "music" / "broken.mp3").unlink()
    again = library(tmp_path, "scan", "music", "--json")
    assert again.returncode == 0, again.stderr
    assert {name: told(again)[name] for name in ("found", "unchanged", "added", "failed")} == {
        "found": 3,
        "unchanged": 3,
        "added": 0,
        "failed": [],
    }
    shown = library(tmp_path, "show", "13")
    for part in ("C major", "tension", "key_clarity", "joyful_activation", "arousal by time"):
        assert part in shown.stdout
    assert len(told(library(tmp_path, "show", "13", "--json"))["curve"]) == 2


def test_a_scan_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    for n in range(6):
        write(tmp_path / "music" / f"{n:02}.wav", music(15.0, 60 + 10 * n))
    scan = subprocess.Popen(
        command("library", "scan", "music", "--workers", "1"), env=environment(tmp_path), cwd=bare(tmp_path)
    )
    path = tmp_path / "library.sqlite3"
    deadline_s = time.monotonic() + 90
    while not kept(path) and scan.poll() is None and time.monotonic() < deadline_s:
        time.sleep(0.02)
    workers = psutil.Process(scan.pid).children(recursive=True)
    scan.send_signal(signal.SIGKILL)
    assert scan.wait(10) == -signal.SIGKILL
    assert psutil.wait_procs(workers, timeout=30)[1] == []
    before = kept(path)
    assert 1 <= len(before) < 6
    done = library(tmp_path, "scan", "music", "--json")
    assert (told(done)["unchanged"], told(done)["added"]) == (len(before), 6 - len(before))
    assert before.items() <= kept(path).items()
    assert len(kept(path)) == 6


def kept(path: Path) -> dict[str, int]:
    if not path.exists():
        return {}
    with Library(path) as opened:
        return {song.uri: song.id for song in opened.songs() if song.source == "scan"}


def test_a_catalogue_is_imported_as_stated_and_bad_rows_are_told(catalogue: Path) -> None:
    done = library(catalogue, "import", "list.csv", *STATED, "--columns", "title=song", "--scale", "1..9")
    assert done.returncode == 0
    assert done.stdout == "3 added, 0 updated, 1 rejected; 15 songs now\n"
    assert done.stderr == "list.csv, line 4: arousal 'loud' is no number\n"


def test_what_was_found_in_a_catalogue_must_be_confirmed_where_nobody_can_be_asked(catalogue: Path) -> None:
    refused = library(catalogue, "import", "list.csv", *STATED)
    assert refused.returncode == 1
    assert "nothing was imported: say --yes" in refused.stderr
    done = library(catalogue, "import", "list.csv", *STATED, "--json", "--yes")
    assert told(done)["added"] == 3
    assert "valence: pleasantness (on a scale of 1..9)" in done.stderr
    assert "uri: artist and title" in done.stderr


@pytest.mark.parametrize(("answer", "added"), [("y\n", 3), ("n\n", 0)])
def test_at_a_terminal_it_is_asked_whether_that_is_right(catalogue: Path, answer: str, added: int) -> None:
    ours, theirs = pty.openpty()
    arguments = command("library", "import", "list.csv", *STATED)
    with subprocess.Popen(
        arguments,
        env=environment(catalogue),
        cwd=bare(catalogue),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as asking:
        os.write(ours, answer.encode())
        out, err = asking.communicate(timeout=60)
    os.close(theirs)
    os.close(ours)
    assert "Import 4 rows like this?" in err
    assert (asking.returncode, "3 added" in out) == ((0, True) if added else (1, False))
    with Library(catalogue / "library.sqlite3") as opened:
        assert len(opened.songs()) == 12 + added
    if not added:
        assert "nothing was imported: say --yes, or state what is what" in err


def test_songs_are_listed_found_removed_and_exported(catalogue: Path) -> None:
    library(catalogue, "import", "list.csv", *STATED, "--yes")
    listed = library(catalogue, "list", "--search", "uber")
    assert "Über" in listed.stdout
    assert "Two" not in listed.stdout
    near = library(catalogue, "list", "--near", "0,0", "--limit", "1", "--json")
    assert told(near)["title"] == "Two"
    assert "no song matches 'xyz'" in library(catalogue, "list", "--search", "xyz").stdout
    assert library(catalogue, "remove", str(told(near)["id"])).stdout == "removed Two\n"
    assert library(catalogue, "remove", "--source", "list.csv").stdout == "2 removed\n"
    exported = library(catalogue, "export", "-")
    assert exported.stdout.startswith("title,artist,album,uri,valence,arousal")
    assert len(exported.stdout.splitlines()) == 13
    with subprocess.Popen(
        command("library", "export", "-"),
        env=environment(catalogue),
        cwd=catalogue,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as unread:
        assert unread.stdout is not None
        unread.stdout.close()
        assert unread.stderr is not None
        assert not unread.stderr.read()
    assert unread.returncode == 0
    assert library(catalogue, "remove", "--source", "album").returncode == 0
    assert "the library has no songs" in library(catalogue, "list").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (("scan", "nowhere"), 1, "can't look into the folder"),
        (("scan", "empty"), 1, "no music in empty"),
        (("scan", "music", "--dask", "nonsense://box"), 1, "Dask"),
        (("scan", "empty", "--workers", "0"), 2, "Invalid value for '--workers'"),
        (("show", "999"), 1, "robotd: no song 999 in the library"),
        (("remove", "999"), 1, "robotd: no song 999 in the library"),
        (("remove",), 1, "say what to remove: a song's number, or --source NAME"),
        (("remove", "--source", "x"), 1, "no songs of the source 'x'; there are: album"),
        (("import", "nowhere.csv"), 1, "can't read nowhere.csv: No such file"),
        (("import", "list.csv"), 1, "no column valence, arousal; it has: song, artist, pleasantness, wildness"),
        (("import", "list.csv", *STATED, "--scale", "1-9"), 1, "no scale '1-9': give the least and the greatest"),
        (("import", "list.csv", "--columns", "valence"), 1, "--columns valence: give FIELD=COLUMN"),
        (("list", "--near", "2,0"), 1, "--near 2,0: give valence and arousal, each -1..1"),
        (("export", "no/where.csv"), 1, "can't write no/where.csv: No such file"),
    ],
)
def test_mistakes_are_told_in_a_line(catalogue: Path, arguments: tuple[str, ...], code: int, problem: str) -> None:
    (catalogue / "empty").mkdir()
    (catalogue / "music").mkdir()
    (catalogue / "music" / "a.mp3").touch()
    done = library(catalogue, *arguments)
    assert done.returncode == code
    assert problem in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_scale_rejects_the_rows_and_loses_nothing(catalogue: Path) -> None:
    done = library(catalogue, "import", "list.csv", *STATED, "--scale", "0..1", "--yes")
    assert done.returncode == 1
    assert "line 3: valence 5 is outside of 0..1" in done.stderr
    assert "4 rejected; 12 songs now" in done.stdout


def test_a_corrupt_library_is_told_and_left_alone(catalogue: Path) -> None:
    path = catalogue / "library.sqlite3"
    path.write_bytes(b"no library" * 1000)
    for arguments in (("list",), ("scan", "."), ("import", "list.csv", *STATED, "--yes")):
        done = library(catalogue, *arguments)
        assert done.returncode == 1
        assert "is damaged or no library" in done.stderr
        assert "move it away" in done.stderr
    assert path.read_bytes() == b"no library" * 1000


def test_a_second_scan_waits_its_turn(tmp_path: Path) -> None:
    write(tmp_path / "music" / "a.wav")
    with alone(tmp_path / "library.sqlite3"):
        done = library(tmp_path, "scan", "music")
    assert done.returncode == 1
    assert "another scan is writing into" in done.stderr

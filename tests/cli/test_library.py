from __future__ import annotations

import errno
import json
import os
import pty
import signal
import subprocess
import time
from itertools import islice
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from typer.testing import CliRunner

from robotd import cli
from robotd.cli import library_tables
from robotd.cli.library import app
from robotd.errors import LibraryError
from robotd.music.catalogue import importing
from robotd.music.library import Library
from robotd.music.library.files import Files, State
from robotd.music.scan import workers
from robotd.music.scan.scan import alone
from robotd.music.scan.study import Job, Studied
from tests.daemon.robots import bare, command, environment
from tests.music.library.entries import entry
from tests.music.scan.sounds import music, write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
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


def kept(path: Path, source: str = "scan") -> dict[str, int]:
    if not path.exists():
        return {}
    with Library(path) as opened:
        return {song.uri: song.id for song in opened.songs() if song.source == source}


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
    assert "valence: pleasantness (on a scale of 1..9; found 1 to 9)" in done.stderr
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
        (("show", "99999999999999999999"), 2, "Invalid value for 'ID'"),
        (("remove", "99999999999999999999"), 2, "Invalid value for 'ID'"),
        (("list", "--limit", "99999999999999999999"), 2, "Invalid value for '--limit'"),
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


def test_a_scan_and_an_import_wait_their_turns(catalogue: Path) -> None:
    write(catalogue / "music" / "a.wav")
    with alone(catalogue / "library.sqlite3"):
        for arguments in (("scan", "music"), ("import", "list.csv", *STATED, "--yes")):
            done = library(catalogue, *arguments)
            assert done.returncode == 1
            assert "is writing into" in done.stderr
    assert len(kept(catalogue / "library.sqlite3", "list.csv")) == 0


def test_a_stopped_scan_tells_what_it_has_done(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "broken.mp3").write_bytes(b"no music" * 50)
    for n in range(6):
        write(tmp_path / "music" / f"{n:02}.wav", music(15.0, 60 + 10 * n))
    path = tmp_path / "library.sqlite3"
    with subprocess.Popen(
        command("library", "scan", "music", "--workers", "1"),
        env=environment(tmp_path),
        cwd=bare(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as scan:
        deadline_s = time.monotonic() + 90
        while not kept(path) and scan.poll() is None and time.monotonic() < deadline_s:
            time.sleep(0.02)
        scan.send_signal(signal.SIGINT)
        out, err = scan.communicate(timeout=60)
    assert scan.returncode == 130
    assert f"{len(kept(path))} added" in out
    assert "stopped; scan again to go on" in err
    assert "Traceback" not in err


def test_a_scan_that_can_not_write_any_more_tells_what_it_has_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullDisk:
        def __init__(self, _count: int) -> None:
            pass

        def study(self, jobs: Iterable[Job]) -> Iterator[Studied]:
            yield Studied(next(iter(jobs)).path, problem="is broken")
            raise LibraryError("can't use the library: database or disk is full (make room on its disk)")

    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "a.mp3").touch()
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.chdir(bare(tmp_path))
    monkeypatch.setattr(workers, "Processes", FullDisk)
    done = CliRunner().invoke(app, ["scan", "music"])
    assert isinstance(done.exception, LibraryError)
    assert done.stdout == "0 added, 0 updated, 0 unchanged, 1 failed\n"
    assert "a.mp3: is broken" in done.stderr


def test_an_import_that_is_stopped_tells_what_it_has_done(catalogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped_at_the_second_piece(rows: Iterator[Any], count: int) -> Iterator[Any]:
        pieces.append(count)
        if len(pieces) == 2:
            raise KeyboardInterrupt
        return islice(rows, 2)

    pieces: list[int] = []
    monkeypatch.setenv("STATE_DIRECTORY", str(catalogue))
    monkeypatch.chdir(catalogue)
    monkeypatch.setattr(importing, "islice", stopped_at_the_second_piece)
    done = CliRunner().invoke(app, ["import", "list.csv", *STATED, "--yes"])
    assert done.exit_code == 130
    assert done.stdout == "2 added, 0 updated, 0 rejected; 14 songs now\n"
    assert done.stderr.endswith("stopped; import again to go on\n")


def test_songs_of_a_disk_that_is_not_there_are_kept_in_spite_of_prune(tmp_path: Path) -> None:
    music_folder = tmp_path / "music"
    music_folder.mkdir()
    with Library(tmp_path / "library.sqlite3") as opened:
        for n in range(2):
            Files(opened).put(entry(uri=(music_folder / f"{n}.mp3").as_uri()), State(1, 1, b"", "us"))
    assert "2 vanished (kept; --prune removes them)" in library(tmp_path, "scan", "music").stdout
    pruned = library(tmp_path, "scan", "music", "--prune").stdout
    assert "2 vanished (kept: no music is there; is the disk mounted?)" in pruned


def test_names_and_titles_do_nothing_to_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / os.fsdecode(b"\xff\x1b[2J\n.mp3")).write_bytes(b"no music" * 50)
    done = library(tmp_path, "scan", "music")
    assert "music/??[2J?.mp3: " in done.stderr
    (failed,) = told(library(tmp_path, "scan", "music", "--json"))["failed"]
    assert failed["path"].endswith("music/??[2J?.mp3")
    with Library(tmp_path / "library.sqlite3") as opened:
        opened.put([entry("a\x1b[31m\nb", artist="c\rd")], "x")
    shown = [library(tmp_path, *arguments).stdout for arguments in (("list",), ("show", "13"), ("remove", "13"))]
    for text in shown:
        assert "a?[31m?b" in text
        assert not {"\x1b", "\r"} & set(text)


def test_under_another_locale_a_catalogue_is_utf_8_and_json_is_ascii(catalogue: Path) -> None:
    library(catalogue, "import", "list.csv", *STATED, "--yes")
    for arguments, wanted in ((("export", "-"), "Über".encode()), (("list", "--json"), rb'"\u00dcber"')):
        done = subprocess.run(
            command("library", *arguments),
            env=environment(catalogue, PYTHONIOENCODING="latin-1"),
            cwd=catalogue,
            capture_output=True,
            timeout=100,
            check=True,
        )
        assert wanted in done.stdout


@pytest.mark.parametrize("arguments", [("list",), ("list", "--json"), ("show", "1"), ("--help",)])
def test_a_reader_who_goes_away_is_no_mistake(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run(
        command("library", *arguments),
        env=environment(tmp_path),
        cwd=bare(tmp_path),
        stdout=theirs,
        stderr=subprocess.PIPE,
        timeout=100,
        check=False,
    )
    os.close(theirs)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_pipe_of_our_own_that_breaks_is_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(library_tables, "songs_table", broken)
    done = CliRunner().invoke(cli.app, ["library", "list"])
    assert isinstance(done.exception, RuntimeError)
    assert "can't be reached" in str(done.exception)

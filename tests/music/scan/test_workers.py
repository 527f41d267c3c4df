from __future__ import annotations

import logging
import multiprocessing
from typing import TYPE_CHECKING

import pytest

from robotd.config import Runtime
from robotd.errors import LibraryError, ModelError
from robotd.music.scan.study import Job, study
from robotd.music.scan.workers import Cluster, Processes
from tests.music.scan.sounds import study_or_die, study_slowly_or_die, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def job(path: Path, models: Path | None = None) -> Job:
    return Job(str(path), None if models is None else str(models), Runtime().model_dump_json())


def test_processes_find_what_one_finds_here(tmp_path: Path) -> None:
    jobs = [job(write(tmp_path / f"{n}.wav")) for n in range(3)]
    found = {studied.path: studied for studied in Processes(2).study(jobs)}
    here = study(jobs[0])
    there = found[jobs[0].path]
    assert set(found) == {one.path for one in jobs}
    assert here.entry is not None
    assert there.entry is not None
    assert (there.entry.valence, there.entry.uri, there.digest) == (here.entry.valence, here.entry.uri, here.digest)


def test_a_file_that_kills_its_process_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    names = ["a", "deadly-b", "c", "d", "e", "deadly-f", "g"]
    found = {
        studied.path: studied.problem for studied in Processes(2, study_or_die).study(job(tmp_path / n) for n in names)
    }
    assert {path.rsplit("/")[-1]: problem for path, problem in found.items()} == {
        name: "crashes the program that decodes it" if "deadly" in name else "was read" for name in names
    }


def test_models_that_can_not_be_used_end_the_work(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"manifest\.yaml can't be used"):
        list(Processes(1).study([job(write(tmp_path / "a.wav"), tmp_path)]))


def test_whoever_stops_asking_stops_the_work(tmp_path: Path) -> None:
    asked: list[int] = []

    def jobs() -> Iterator[Job]:
        for n in range(1000):
            asked.append(n)
            yield job(tmp_path / str(n))

    results = Processes(1, study_or_die).study(jobs())
    next(results)
    results.close()  # type: ignore[attr-defined] # it is a generator
    assert len(asked) < 10
    for child in multiprocessing.active_children():
        child.join(20)
    assert multiprocessing.active_children() == []


def test_a_dask_cluster_does_the_same_work(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="Dask is an extra")
    paths = [write(tmp_path / f"{n}.wav") for n in range(3)]
    broken = tmp_path / "broken.mp3"
    broken.write_bytes(b"no music")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, protocol="tcp://", dashboard_address=None
    ) as cluster:
        found = {
            studied.path: studied for studied in Cluster(cluster.scheduler_address).study(map(job, [*paths, broken]))
        }
    assert set(found) == {str(path) for path in (*paths, broken)}
    assert [found[str(path)].entry is not None for path in (*paths, broken)] == [True, True, True, False]


def test_a_file_that_kills_its_dask_worker_is_told_and_those_beside_it_are_read(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="Dask is an extra")
    dask = pytest.importorskip("dask")
    names = ["a", "b", "deadly-c", "d", "e"]
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=4, processes=True, dashboard_address=None, silence_logs=logging.CRITICAL
        ) as cluster,
    ):
        workers = Cluster(cluster.scheduler_address, work=study_slowly_or_die)
        found = {studied.path: studied.problem for studied in workers.study(job(tmp_path / name) for name in names)}
    assert found == {
        str(tmp_path / name): "crashes the program that decodes it" if "deadly" in name else "was read"
        for name in names
    }


def test_a_scheduler_that_is_not_there_is_told() -> None:
    pytest.importorskip("distributed", reason="Dask is an extra")
    with pytest.raises(LibraryError, match=r"can't reach a Dask scheduler at tcp://127\.0\.0\.1:9"):
        Cluster("tcp://127.0.0.1:9", connect_s=0.5)
    for address in ("nonsense", "http://box:1", "tcp://box", "tcp://box:port"):
        with pytest.raises(LibraryError, match=rf"{address} is no address of a Dask scheduler"):
            Cluster(address)


def test_a_cluster_without_workers_is_told() -> None:
    distributed = pytest.importorskip("distributed", reason="Dask is an extra")
    with (
        distributed.LocalCluster(n_workers=0, processes=False, protocol="tcp://", dashboard_address=None) as cluster,
        pytest.raises(LibraryError, match=r"has no workers: start some with `dask worker`"),
    ):
        Cluster(cluster.scheduler_address)

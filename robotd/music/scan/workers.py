"""Who does the work of a scan: processes of this machine, or a Dask cluster. One song each, one after the other."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.connection import wait as wait_for
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from robotd.errors import LibraryError
from robotd.music.scan.study import Job, Studied, study

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: Songs that are handed out before their turn, for each worker.
_AHEAD = 2
_CRASHED = "crashes the program that decodes it"
_CONNECT_S = 10


class Workers(Protocol):
    """Whoever studies files."""

    def study(self, jobs: Iterable[Job]) -> Iterator[Studied]:
        """Give the results as they come. Closing the iterator ends the work."""


class Processes:
    """Processes of this machine, begun anew for each scan.

    A file that kills its process is found out and told; the others are studied all the same. The processes end with
    this one, however it ends.

    Args:
        count: how many.
        work: what they do.
    """

    def __init__(self, count: int, work: Callable[[Job], Studied] = study) -> None:
        self._count = count
        self._work = work

    def study(self, jobs: Iterable[Job]) -> Iterator[Studied]:
        """Give the results as they come.

        Raises:
            ModelError: the models can't be used.
        """
        remaining = iter(jobs)
        while True:
            suspects: list[Job] = []
            yield from self._until_crash(remaining, self._count, suspects)
            if not suspects:
                return
            for job in suspects:
                crashed: list[Job] = []
                yield from self._until_crash(iter([job]), 1, crashed)
                if crashed:
                    yield Studied(job.path, problem=_CRASHED)

    def _until_crash(self, jobs: Iterator[Job], count: int, suspects: list[Job]) -> Iterator[Studied]:
        """Work until all is done or a process has crashed; then the jobs that were handed out are put in `suspects`."""
        # Each worker is to have one core: numpy's own threads would only get in each other's way.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _begin)
        handed_out: dict[Future[Studied], Job] = {}
        try:
            while True:
                for job in islice(jobs, _AHEAD * count - len(handed_out)):
                    handed_out[pool.submit(self._work, job)] = job
                if not handed_out:
                    return
                for future in wait(handed_out, return_when=FIRST_COMPLETED).done:
                    result = future.result()
                    del handed_out[future]
                    yield result
        except BrokenProcessPool:
            suspects.extend(handed_out.values())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _knock(address: str, wait_s: float) -> None:
    """Make sure that somebody listens at an address.

    Raises:
        LibraryError: nobody does, or it is none.
    """
    try:
        there = urlsplit(address)
        port = there.port
    except ValueError:
        port = None
    if port is None or there.scheme not in {"tcp", "tls"}:
        raise LibraryError(f"{address} is no address of a Dask scheduler: give one as tcp://HOST:8786")
    try:
        socket.create_connection((there.hostname, port), wait_s).close()
    except OSError as error:
        raise LibraryError(f"can't reach a Dask scheduler at {address}: {error.strerror or error}") from error


def _begin() -> None:
    """Make this process a worker: it leaves Ctrl-C to its parent, and ends when that is no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait_for([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class Cluster:
    """The workers of a Dask cluster; they need robotd and see the files under the same paths.

    A file that kills its worker is found out and told, as with `Processes`.

    Args:
        address: of its scheduler, such as `tcp://box:8786`.
        connect_s: how long to wait for it.
        work: what they do.

    Raises:
        LibraryError: dask.distributed is not installed, or the scheduler can't be reached or has no workers.
    """

    def __init__(self, address: str, connect_s: float = _CONNECT_S, work: Callable[[Job], Studied] = study) -> None:
        self._work = work
        try:
            import distributed
        except ImportError as error:
            raise LibraryError("a Dask cluster needs dask.distributed: pip install 'robotd[dask]'") from error
        self._distributed: Any = distributed
        # A client that can't be made leaves a traceback behind, so the way is tried first.
        _knock(address, connect_s)
        try:
            self._client: Any = self._distributed.Client(address, timeout=connect_s, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise LibraryError(f"can't reach a Dask scheduler at {address}: {error or 'no answer'}") from error
        self._threads = sum(self._client.nthreads().values())
        if not self._threads:
            self._client.close()
            raise LibraryError(f"the Dask scheduler at {address} has no workers: start some with `dask worker`")

    def study(self, jobs: Iterable[Job]) -> Iterator[Studied]:
        """Give the results as they come.

        Raises:
            ModelError: the models can't be used.
            LibraryError: the cluster was lost.
        """
        remaining = iter(jobs)
        handed_out: dict[Any, Job] = {}
        killed: list[Job] = []
        done = self._distributed.as_completed(loop=self._client.loop)
        try:
            self._hand_out(islice(remaining, _AHEAD * self._threads), done, handed_out)
            # as_completed ends when nothing is handed out, so the next job goes out before a result is given.
            for future in done:
                self._hand_out(islice(remaining, 1), done, handed_out)
                job, studied = handed_out.pop(future.key), self._result(future)
                if studied is None:
                    killed.append(job)
                else:
                    yield studied
            # A worker takes with it all that it has in hand: only a song that is alone and kills again is to blame.
            for job in killed:
                yield self._result(self._submit(job)) or Studied(job.path, problem=_CRASHED)
        finally:
            self._client.close()

    def _hand_out(self, jobs: Iterable[Job], done: Any, handed_out: dict[Any, Job]) -> None:
        for job in jobs:
            future = self._submit(job)
            handed_out[future.key] = job
            done.add(future)

    def _submit(self, job: Job) -> Any:
        return self._client.submit(self._work, job, pure=False)

    def _result(self, future: Any) -> Studied | None:
        """Return what was found out, None if the worker was killed."""
        try:
            result: Studied = future.result()
        except self._distributed.KilledWorker:
            return None
        except (self._distributed.FutureCancelledError, OSError) as error:
            raise LibraryError(f"the Dask cluster was lost ({error}); what was done is kept, scan again") from error
        return result

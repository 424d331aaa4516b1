"""Calls of one function over many files, spread over processes; the results come in the order of the calls.

A process is started anew (``triage_kit.parse.serve``) and is none of ``multiprocessing``'s: these would run the
caller's own script once more, or fork a process that has threads. A call that ends its process, or holds it up, costs
its own result and no other.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import starmap
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self

from triage_kit.parse import __file__ as _parse
from triage_kit.parse.serve import READY

LOST = object()  # the result of a call that ended its process, or held it up
UNREAD = object()  # the result of a call that was not made: too many before it were lost
_FEW = 600  # calls that are made in this process: others take as long to start as some hundred calls
_BATCH, _BATCH_BYTES = 40, 1 << 19  # what is sent at once
_MOST_PROCESSES = 4
_SECONDS = 30.0  # for what is sent at once: a hostile file of 2 MB takes a second or two on an idle machine
_SECONDS_ALONE = 20.0  # for one call of those that together took too long
_MANY_HUNG = 2  # calls that held up their process: those after them are sent one at a time,
_SECONDS_THEN = 5.0  # with so long for each
_SECONDS_HUNG = 120.0  # for all calls that hold up their process: a collection ends, whatever a checkout holds
_SECONDS_TO_START = 60.0  # a busy machine takes long; this is none of a call's time
_MOST_LOST = 20  # calls that ended their process
_START = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); from triage_kit.parse.serve import serve; serve()"
)

Function = Callable[..., Any]
Call = tuple[Any, ...]


class Workers:
    """Some processes, started when there is work for them; without any, and for a few calls, this one does it.

    >>> with Workers(2) as workers:
    ...     list(workers.map(max, [(1, 2), (4, 3)], count=2))
    [2, 4]
    """

    def __init__(self, processes: int | None = None) -> None:
        self._most = min(_usable(), _MOST_PROCESSES) if processes is None else processes
        self._running: list[_Worker] | None = None
        self._ended = False
        self._losses = threading.Lock()  # of the three below: several threads count
        self._lost, self._hung, self._seconds_hung = 0, 0, 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def end(self) -> None:
        """End the processes, whatever they do."""
        self._ended = True
        for each in self._running or ():
            each.end()

    def map(self, function: Function, calls: Iterable[Call], count: int) -> Iterator[Any]:
        """The results of a function of ``triage_kit.parse`` for some ``count`` calls; LOST for one that ends it all.

        Of those after too many such calls none is made: each is UNREAD.
        """
        workers = self._started() if count > _FEW and self._most > 1 else []
        return self._spread(function, calls, workers) if workers else starmap(function, calls)

    def _started(self) -> list[_Worker]:
        if self._running is None:
            self._running = [_Worker() for _ in range(self._most)]
        return [] if self._ended else [each for each in self._running if each.ready()]

    def _spread(self, function: Function, calls: Iterable[Call], workers: list[_Worker]) -> Iterator[Any]:
        free: SimpleQueue[_Worker] = SimpleQueue()
        for each in workers:
            free.put(each)
        waiting: deque[Future[list[Any]]] = deque()
        with ThreadPoolExecutor(len(workers)) as threads:
            try:
                for batch in _batches(calls):
                    waiting.append(threads.submit(self._made, free, function, batch))
                    if len(waiting) > 3 * len(workers):
                        yield from waiting.popleft().result()
                while waiting:
                    yield from waiting.popleft().result()
            finally:
                if waiting:  # interrupted, or nobody wants the rest
                    self.end()

    def _made(self, free: SimpleQueue[_Worker], function: Function, batch: list[Call]) -> list[Any]:
        worker = free.get()
        try:
            return self._results(worker, function, batch)
        finally:
            free.put(worker)

    def _results(self, worker: _Worker, function: Function, batch: list[Call]) -> list[Any]:
        alone = len(batch) == 1
        with self._losses:
            if self._ended or self._lost >= _MOST_LOST or self._seconds_hung >= _SECONDS_HUNG:
                return [UNREAD] * len(batch)
            hurried = self._hung >= _MANY_HUNG
        if not worker.start():
            self._count(hung=False, seconds=0.0)
            return [UNREAD] * len(batch)
        if alone or not hurried:
            began, seconds = time.monotonic(), _SECONDS_THEN if hurried else _SECONDS_ALONE if alone else _SECONDS
            told = worker.ask(function, batch, seconds)
            if told is not None:
                return told
            took = time.monotonic() - began
            if alone:
                self._count(took >= seconds, took)
                return [LOST]
        return [result for call in batch for result in self._results(worker, function, [call])]

    def _count(self, hung: bool, seconds: float) -> None:
        """Count a loss: of what a call held up, its time counts, else that there was one."""
        with self._losses:
            if hung:
                self._hung += 1
                self._seconds_hung += seconds
            else:
                self._lost += 1


class _Worker:
    """One process, started again when it is asked after its end."""

    def __init__(self) -> None:
        self._process = _process()

    def ready(self) -> bool:
        """Whether it runs and has loaded what it needs."""
        return self._process is not None and (self._process.poll() is None)

    def start(self) -> bool:
        """Start the process where it has ended; whether it waits for calls."""
        self._process = self._process or _process()
        return self._process is not None

    def ask(self, function: Function, batch: list[Call], seconds: float) -> list[Any] | None:
        """The results of calls of a started process; None where it ended over them, or took longer."""
        assert self._process
        told = _exchange(self._process, (function, batch), seconds)
        if told is None:
            self.end()
        return told

    def end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            _kill(process)


def _usable() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _process() -> subprocess.Popen[bytes] | None:
    """A process that waits for calls; None where none can be had."""
    # An empty entry is the folder of the user, which may be the checkout that is read; the kit's own place is named.
    places = [*filter(None, sys.path), str(Path(_parse).parents[2])]
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", _START], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    except (OSError, ValueError):
        return None
    if _exchange(process, places, _SECONDS_TO_START) == READY:
        return process
    _kill(process)
    return None


def _exchange(process: subprocess.Popen[bytes], sent: Any, seconds: float) -> Any:
    """What a process answers in time; None where it does not."""
    assert process.stdin
    assert process.stdout
    timer = threading.Timer(seconds, process.kill)
    timer.daemon = True
    timer.start()
    try:
        pickle.dump(sent, process.stdin, pickle.HIGHEST_PROTOCOL)
        process.stdin.flush()
        return pickle.load(process.stdout)
    except (OSError, EOFError, ValueError, pickle.UnpicklingError):
        return None
    finally:
        timer.cancel()


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError, ValueError):
            pipe.close()  # type: ignore[union-attr]


def _batches(calls: Iterable[Call]) -> Iterator[list[Call]]:
    batch: list[Call] = []
    size = 0
    for call in calls:
        batch.append(call)
        size += sum(len(each) for each in call if isinstance(each, bytes))
        if len(batch) >= _BATCH or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch

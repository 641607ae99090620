"""Tasks in worker processes, in order, over pipes.

Tasks and results are pickled through a socket pair a worker. Nothing needs shared memory or
semaphores, so a small, full, read-only or missing ``/dev/shm`` (64 MiB in a container) changes
nothing, and a worker that ends is known at once by the end of its pipe.
"""

import logging
import multiprocessing
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

from clipfake.scanning.processes.last_words import LastWords, ending

logger = logging.getLogger(__name__)

Task = TypeVar("Task")
Result = TypeVar("Result")

AHEAD = 2  # tasks that a worker has at most, so that it need not wait for the consumer
_END_SECONDS = 5.0  # for a process to go; one that waits for a dead disk never does


class WorkerEndedError(RuntimeError):
    """A worker process ended, and nothing was there to do its task otherwise."""


def in_order(
    work: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    workers: int,
    prepare: Callable[[Connection | None], None] | None = None,
    rescue: Callable[[Task], Result] | None = None,
    ahead: int = AHEAD,
) -> Iterator[Result]:
    """Results of tasks, in the tasks' order.

    Processes are started in the thread of the consumer, as many as there are tasks for, and end
    when the iterator is closed. A result takes a copy through a pipe: keep tasks small enough for
    memory, ``workers * ahead`` of them are under way.

    Args:
        work: what is done with a task, in a worker; pickled once where processes are spawned.
        tasks: consumed lazily, in the thread of the consumer.
        workers: processes; 0 works in this one.
        prepare: called first in each worker, with where its stderr goes.
        rescue: does the task that a worker was at when it ended; None raises.
        ahead: tasks that a worker is given before it has answered.

    Raises:
        WorkerEndedError: a worker ended, and there is no ``rescue``.
        Exception: whatever ``work`` raised, or ``tasks``.
    """
    if workers == 0:
        yield from map(work, tasks)
        return
    pool = _Pool(work, workers, prepare, rescue, ahead)
    try:
        yield from pool.run(tasks)
    finally:
        pool.end()


class _Worker(Generic[Task]):
    """A process, its pipe, and the tasks it was given and has not answered, oldest first."""

    def __init__(
        self,
        work: Callable[[Task], Any],
        prepare: Callable[[Connection | None], None] | None,
        events: "SimpleQueue[tuple[_Worker[Task], _Answer | None]]",
    ) -> None:
        self.tasks: dict[int, Task] = {}
        self.words = LastWords()
        self._pipe, theirs = multiprocessing.Pipe()
        arguments = (theirs, self.words.theirs, work, prepare)
        self.process = multiprocessing.Process(target=_serve, args=arguments, daemon=True)
        self.process.start()
        theirs.close()  # so that the pipe ends when the process does
        self.words.listen()
        Thread(target=self._receive, args=(events,), daemon=True).start()

    def give(self, number: int, task: Task) -> None:
        """Hand over a task; one given to a process that has ended stays in ``tasks``."""
        self.tasks[number] = task
        try:
            self._pipe.send((number, task))
        except OSError:
            return  # that the pipe has ended is an event, which is dealt with in its turn

    def _receive(self, events: "SimpleQueue[tuple[_Worker[Task], _Answer | None]]") -> None:
        # always, so that neither side ever waits for the other to read
        try:
            while True:
                events.put((self, self._pipe.recv()))
        except (EOFError, OSError):
            events.put((self, None))
        finally:
            self._pipe.close()


_Answer = tuple[int, Any, Exception | None]


class _Pool(Generic[Task, Result]):
    def __init__(
        self,
        work: Callable[[Task], Result],
        workers: int,
        prepare: Callable[[Connection | None], None] | None,
        rescue: Callable[[Task], Result] | None,
        ahead: int,
    ) -> None:
        self._work, self._prepare, self._rescue = work, prepare, rescue
        self._most, self._ahead = workers, ahead
        self._workers: list[_Worker[Task]] = []
        self._events: SimpleQueue[tuple[_Worker[Task], _Answer | None]] = SimpleQueue()
        self._done: dict[int, Result] = {}

    def run(self, tasks: Iterable[Task]) -> Iterator[Result]:
        source = enumerate(tasks)
        flight: deque[int] = deque()
        while True:
            while len(flight) < self._most * self._ahead and (entry := next(source, None)):
                flight.append(entry[0])
                self._hand(*entry)
            if not flight:
                return
            while flight[0] not in self._done:
                self._attend()
            yield self._done.pop(flight.popleft())

    def end(self) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join(_END_SECONDS)

    def _hand(self, number: int, task: Task) -> None:
        """Give a task to the worker that has least to do, or to a new one if all have some."""
        least = min(self._workers, key=lambda worker: len(worker.tasks), default=None)
        if least is None or (least.tasks and len(self._workers) < self._most):
            least = _Worker(self._work, self._prepare, self._events)
            self._workers.append(least)
        least.give(number, task)

    def _attend(self) -> None:
        """Wait for a worker to answer, or to end."""
        worker, answer = self._events.get()
        if answer is None:
            self._bury(worker)
            return
        number, result, error = answer
        del worker.tasks[number]
        if error is not None:
            raise error
        self._done[number] = result

    def _bury(self, worker: _Worker[Task]) -> None:
        """Rescue the task that an ended worker was at, and hand on those that it had not begun."""
        self._workers.remove(worker)
        worker.process.join(_END_SECONDS)
        how = ending(worker.process.exitcode)
        logger.debug("a worker process %s; its last words: %s", how, worker.words.text())
        waiting = list(worker.tasks.items())
        if not waiting:
            return
        number, task = waiting[0]
        if self._rescue is None:
            raise WorkerEndedError(f"a worker process {how}; is there memory enough?")
        self._done[number] = self._rescue(task)
        for later in waiting[1:]:
            self._hand(*later)


def _serve(
    pipe: Connection,
    words: Connection | None,
    work: Callable[[Any], Any],
    prepare: Callable[[Connection | None], None] | None,
) -> None:
    """Answer tasks until killed; the loop of a worker process."""
    if prepare is not None:
        prepare(words)
    while True:
        number, task = pipe.recv()
        answer: _Answer
        try:
            answer = number, work(task), None
        except Exception as error:
            logger.debug("%s", traceback.format_exc())
            answer = number, None, error
        try:
            pipe.send(answer)
        except (AttributeError, TypeError, ValueError) as error:  # not to be pickled
            pipe.send((number, None, RuntimeError(f"{answer[2] or error!r}")))

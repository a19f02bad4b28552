"""Works through a class in threads, so many at a time; what one job gave may ask for another one."""

import contextlib
import queue
import threading
from collections.abc import Callable, Generator, Iterable
from typing import Generic, TypeVar

Done = TypeVar("Done")
Job = Callable[[], Done]


class SideBySide(Generic[Done]):
    """Runs jobs in threads.

    Args:
        jobs: the first ones.
        at_once: how many run at the same time.
        next_job: called in this thread with what a job gave: the job to go on with, or None where it is finished.
    """

    def __init__(self, jobs: Iterable[Job], at_once: int, next_job: Callable[[Done], Job | None]):
        self._jobs, self._at_once, self._next_job = list(jobs), at_once, next_job

    def results(self) -> Generator[Done, None, None]:
        """Yields what is finished, as it comes. Closed before its end, it lets what runs end by itself."""
        waiting: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        done: queue.Queue[Done] = queue.Queue(maxsize=2 * self._at_once)  # what waits for marking stays little
        stopping = threading.Event()

        def work() -> None:
            while not stopping.is_set() and (job := waiting.get()):
                given = job()
                while not stopping.is_set():
                    with contextlib.suppress(queue.Full):
                        done.put(given, timeout=0.5)
                        break

        for job in self._jobs:
            waiting.put(job)
        for _ in range(self._at_once):
            threading.Thread(target=work, daemon=True).start()
        left = len(self._jobs)
        try:
            while left:
                given = done.get()
                if following := self._next_job(given):
                    waiting.put(following)
                else:
                    left -= 1
                    yield given
        finally:  # also after an interrupt: the session is closed next, and with it all that still runs
            stopping.set()
            for _ in range(self._at_once):
                waiting.put(None)

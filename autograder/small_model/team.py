"""Several processes that train as one network: each learns from batches of its own, and they share their gradients.

On a CPU two processes with a thread each are faster than one process with two threads, whose small products leave the
second thread waiting.
"""

import multiprocessing
import os
import tempfile
import threading
from pathlib import Path

import keras
import numpy as np

WAIT = 3600  # seconds at most for the others, which may be making their share of the latents


class Team:
    """One process among those that train together.

    Args:
        rank: which it is, from 0; the first one writes the files.
        size: how many there are.
        folder: where they leave numbers for each other.
        barrier: `multiprocessing.Barrier` of `size`.
    """

    def __init__(self, rank=0, size=1, folder=None, barrier=None):
        self.rank, self.size, self.folder, self.barrier = rank, size, folder, barrier
        self._left: dict[str, list[np.ndarray]] = {}  # by what it is for, an array of each process

    @property
    def leads(self):
        """Whether it is the one that writes files and prints."""
        return self.rank == 0

    def mean(self, array, name="gradients"):
        """The mean of all processes' arrays: float32 `(N,)` from float32 `(N,)`; the same to the last bit in each."""
        if self.size == 1:
            return array
        if name not in self._left:
            self._left[name] = self._make_room(name, len(array))
        left = self._left[name]
        left[self.rank][:] = array
        self.barrier.wait(WAIT)
        total = left[0].copy()
        for other in left[1:]:
            total += other
        self.barrier.wait(WAIT)  # nobody writes anew before all have read
        return total / self.size

    def any(self, flag):
        """Whether any of the processes says so."""
        return bool(self.mean(np.array([flag], "float32"), "flag")[0])

    def spread(self, generator):
        """Gives a `keras.random.SeedGenerator` of each process a state of its own."""
        state = keras.ops.convert_to_numpy(generator.state.value)
        generator.state.assign(state + np.array([0, self.rank], state.dtype))

    def own(self, batches):
        """Which of the batches are its own: a function of the number of the first step and of the count of steps."""
        if self.size == 1:
            return batches
        return lambda first, count: _OwnBatches(batches(first * self.size, count * self.size), self.rank, self.size)

    def _make_room(self, name, numbers):
        paths = [Path(self.folder) / f"{name}-{rank}" for rank in range(self.size)]
        paths[self.rank].write_bytes(bytes(4 * numbers))
        self.barrier.wait(WAIT)
        return [np.memmap(path, "float32", "r+", shape=(numbers,)) for path in paths]


ALONE = Team()


class _OwnBatches(keras.utils.PyDataset):
    """Every `size`-th batch, from number `rank`."""

    def __init__(self, batches, rank, size):
        super().__init__()
        self.batches, self.rank, self.size = batches, rank, size

    def __len__(self):
        return len(self.batches) // self.size

    def __getitem__(self, index):
        return self.batches[index * self.size + self.rank]


def run_team(main, arguments, size):
    """Runs `main(arguments, team)` in `size` processes at once.

    Returns:
        0 where all came to their end, else the exit status of one that did not.
    """
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(size)
    os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // size))
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        teams = [Team(rank, size, folder, barrier) for rank in range(size)]
        processes = [context.Process(target=_run, args=(main, arguments, team)) for team in teams]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
    return next((abs(process.exitcode or 0) for process in processes if process.exitcode), 0)


def _run(main, arguments, team):
    try:
        status = main(arguments, team)
    except threading.BrokenBarrierError:
        raise SystemExit("Another process of this training has stopped.") from None
    except BaseException:
        team.barrier.abort()  # the others wait for nothing
        raise
    raise SystemExit(status)


def _memory():
    """A folder in memory, where the system has one."""
    return next((path for path in ("/dev/shm",) if os.access(path, os.W_OK)), None)

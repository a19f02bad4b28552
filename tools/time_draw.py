"""Times `draw` as a learner waits for it: `make bench-draw`.

Each run is a process of its own: the imports of a notebook, a first picture with a block that counts as the learner's,
and two more of other prompts. Prints every run and the medians, in seconds.
"""

import statistics
import subprocess
import sys

NAMES = ("imports", "first picture", "import to display", "next picture")
RUN = """
import time
start = time.perf_counter()
import keras
import matplotlib.pyplot
from autograder import draw
from autograder.reference import ResBlock
times = [time.perf_counter()]
for prompt in ("a red house by day", "a green fish at sea", "a white cloud above a red tree at sunset"):
    draw(prompt, ResBlock=ResBlock)
    times.append(time.perf_counter())
imported, first, second, third = times
print()
print(imported - start, first - imported, first - start, (third - first) / 2)
"""


def run():
    """The four times of one process."""
    done = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, check=True)
    return [float(number) for number in done.stdout.splitlines()[-1].split()]


def main(runs=5):
    print(" | ".join(NAMES))
    times = []
    for _ in range(runs):
        times.append(run())
        print(*(f"{seconds:.1f}" for seconds in times[-1]), sep=" | ", flush=True)
    print("medians:", *(f"{statistics.median(column):.1f}" for column in zip(*times, strict=True)), sep=" | ")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

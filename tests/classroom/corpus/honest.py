"""Right answers that look odd: they must keep every point."""

from tests.classroom.corpus.submission import AXES, CONV, RIGHT, STEP, Submission


def right(student: str, **changes: str) -> Submission:
    names = {"axes": AXES, "step": STEP, "conv": CONV}
    return Submission(student, 10, {**RIGHT, **{names[key]: code for key, code in changes.items()}})


NOISE = """
import logging, os, sys, warnings
warnings.warn("a warning")
logging.warning("a log line")
print("to stderr", file=sys.stderr)
os.write(2, b"past Python to stderr\\n")
os.write(1, b"past Python to stdout\\n")
"""
SUBMISSIONS = [
    right("honest"),
    right("honest-with-noise", axes=NOISE + RIGHT[AXES]),
    right(
        "honest-with-noise-in-the-call",
        axes="import sys\ndef broadcast_embedding(e):\n    print('x', file=sys.stderr)\n    return e[:, None, None]",
    ),
    right(
        "honest-with-a-thread",
        axes="import threading, time\nthreading.Thread(target=time.sleep, args=(3600,), daemon=True).start()\n"
        + RIGHT[AXES],
    ),
    right("honest-with-a-process", axes="import subprocess\nsubprocess.Popen(['sleep', '3600'])\n" + RIGHT[AXES]),
    right("honest-with-figures", axes="import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()\n" + RIGHT[AXES]),
    right("honest-with-much-output", axes="for i in range(20_000): print('a line of output', i)\n" + RIGHT[AXES]),
    right("honest-with-errors", step=RIGHT[STEP] + "\n1 / 0"),
    right(
        "honest-in-numpy",
        step="import numpy as np\ndef denoise_step(i, d, a):\n    return np.asarray(i) - a * (np.asarray(i) - np.asarray(d))",
    ),
    right("honest-with-a-value", step=RIGHT[STEP] + "\n0"),
    right("honest-in-a-lambda", axes="broadcast_embedding = lambda e: ops.expand_dims(ops.expand_dims(e, 1), 1)"),
    right("honest-with-umlauts", axes="größe = 'Größe 大きさ 🎨'\nprint(größe)\n" + RIGHT[AXES]),
    right(
        "honest-with-html", axes="from IPython.display import HTML, display\ndisplay(HTML('<b>x</b>'))\n" + RIGHT[AXES]
    ),
    right(
        "honest-with-a-seed",
        axes="import random\nrandom.seed(1); np.random.seed(1); keras.utils.set_random_seed(1)\n" + RIGHT[AXES],
    ),
    right("honest-in-float64", axes="keras.backend.set_floatx('float32')\n" + RIGHT[AXES]),
    right("honest-with-a-file", axes="from pathlib import Path\nPath('notes.txt').write_text('x')\n" + RIGHT[AXES]),
    right("honest-written-twice", axes="def broadcast_embedding(e): return e\n" + RIGHT[AXES]),
]

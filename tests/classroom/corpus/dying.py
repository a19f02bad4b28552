"""Ways for a notebook's process to end before its time. What was answered before keeps its points."""

from tests.classroom.corpus.submission import ANY, AXES, RIGHT, STEP, Submission, last

ENDS = "class PaddedConv2D(keras.layers.Layer):\n    def __init__(self, *x):\n        super().__init__()\n        {}"

SUBMISSIONS = [
    last("exit-at-once", "import os\nos._exit(0)", "crashed"),
    last("exit-with-one", "import os\nos._exit(1)", "crashed"),
    last("exit-in-a-check", "import os\n" + ENDS.format("os._exit(0)"), "crashed"),
    last("exit-the-nice-way", "import sys\nsys.exit(0)"),
    last("exit-by-quit", "quit()"),
    last("exit-of-a-copy", "import os\nif os.fork() == 0:\n    pass"),
    last("exit-at-the-end", "import atexit, os\natexit.register(lambda: os._exit(7))"),
    last("segfault", "import ctypes\nctypes.string_at(0)", "crashed"),
    last("abort", "import os\nos.abort()", "crashed"),
    last("kill-myself", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", *ANY),
    last("stop-myself", "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", *ANY),
    last("trap", "import os, signal\nos.kill(os.getpid(), signal.SIGTRAP)", *ANY),
    last("deep-recursion", "import sys\nsys.setrecursionlimit(10**9)\ndef f(): return f()\nf()", *ANY),
    last(
        "stack-in-c",
        "import re, sys\nsys.setrecursionlimit(10**9)\nx = []\nfor _ in range(10**7): x = [x]\nrepr(x)",
        *ANY,
    ),
    last("close-all-files", "import os\nos.closerange(0, 256)", *ANY),
    last("close-the-results", "import os\nos.close(230)", "crashed"),
    last("replace-the-process", "import os\nos.execv('/bin/true', ['true'])", "crashed"),
    last("sleep-in-its-place", "import os\nos.execv('/bin/sleep', ['sleep', '3600'])", *ANY),
    Submission("dead-from-the-start", 0, {**RIGHT, AXES: "import os\nos._exit(0)"}, status=("crashed",)),
    Submission("dead-in-the-middle", 2, {**RIGHT, STEP: "import os\nos._exit(0)"}, status=("crashed",)),
]

"""More than a submission's share of time, memory, processes, disk, output. What was answered before keeps its points.

As in `reaching`, the bombs do not go off where there are no walls.
"""

from tests.classroom.corpus.submission import ANY, last

LOOPS = ("timeout",)
WALLED = "import os\nif os.getpid() != 1:\n    print('REACH' + 'ED the outside')\n    raise SystemExit\n"
FRAME = "import os, struct\ndef frame(text):\n    os.write(230, struct.pack('>I', len(text)) + text)\n"
LOCKS = "import fcntl\nfile = open('x', 'w')\nfor n in range(10**8): fcntl.lockf(file, fcntl.LOCK_EX, 1, 2 * n)"
SCANS = """
import io
from PIL import Image
from IPython.display import display
buffer = io.BytesIO()
Image.new("RGB", (1900, 1900), (9, 99, 200)).save(buffer, "JPEG", progressive=True)
content = buffer.getvalue()
last = content.rindex(b"\\xff\\xda")
display({"image/jpeg": content[:-2] + content[last:-2] * 20_000 + content[-2:]}, raw=True)
"""
SUBMISSIONS = [
    last("loop", "while True: pass", *LOOPS),
    last(
        "loop-that-catches", "while True:\n    try:\n        while True: pass\n    except BaseException: pass", *LOOPS
    ),
    last(
        "loop-without-signals",
        "import signal\nfor n in range(1, 64):\n    try: signal.signal(n, signal.SIG_IGN)\n    except (OSError, ValueError): pass\nwhile True: pass",
        *LOOPS,
    ),
    last(
        "loop-with-blocked-signals",
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass",
        *LOOPS,
    ),
    last("loop-in-c", "sum(x for x in [9**9**9])", *LOOPS),
    last("loop-in-a-pattern", "import re\nre.match('(a|a)*b', 'a' * 60)", *LOOPS),
    last(
        "loop-in-a-check",
        "class PaddedConv2D(keras.layers.Layer):\n    def call(self, x):\n        while True: pass",
        *LOOPS,
        "graded",
    ),
    last("loop-in-a-constructor", "class PaddedConv2D:\n    def __init__(self, *x):\n        while True: pass", *LOOPS),
    last(
        "loop-in-a-property",
        "class PaddedConv2D(keras.layers.Layer):\n    def __init__(self, *x): super().__init__()\n    def call(self, x): return x\n    @property\n    def weights(self):\n        while True: pass",
        *LOOPS,
        "graded",
    ),
    last("loop-without-timer", "import signal\nsignal.setitimer(signal.ITIMER_REAL, 0)\nwhile True: pass", *LOOPS),
    last(
        "loop-in-threads",
        WALLED
        + "import threading\nfor _ in range(20):\n    threading.Thread(target=lambda: [None for _ in iter(int, 1)]).start()",
        *ANY,
    ),
    last(
        "loop-in-processes",
        WALLED + "import os\nfor _ in range(5):\n    if os.fork() == 0:\n        while True: pass",
        *ANY,
    ),
    last("sleep", "import time\ntime.sleep(3600)", *LOOPS),
    last("wait-for-input", "input()"),
    last("wait-for-a-lock", "import threading\nlock = threading.Lock()\nlock.acquire(); lock.acquire()", *LOOPS),
    last("wait-for-a-process", "import subprocess\nsubprocess.run(['sleep', '3600'])", *LOOPS),
    last("wait-at-exit", "import threading\nthreading.Thread(target=__import__('time').sleep, args=(3600,)).start()"),
    last(
        "many-cells-of-time",
        "import time\nget_ipython().events.register('post_run_cell', lambda r: time.sleep(3600))",
        *LOOPS,
        "graded",
    ),
    last("fork-bomb", WALLED + "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", *ANY),
    last(
        "fork-bomb-of-shells",
        WALLED + "import subprocess\nsubprocess.Popen('b() { b | b & }; b; sleep 5', shell=True)",
        *ANY,
    ),
    last(
        "thread-bomb",
        WALLED + "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(99,)).start()",
        *ANY,
    ),
    last("memory-bomb", WALLED + "x = []\nwhile True: x.append(bytearray(10_000_000))", *ANY),
    last("memory-at-once", WALLED + "x = bytearray(60_000_000_000)", *ANY),
    last(
        "memory-in-children",
        WALLED
        + "import os\nfor _ in range(8):\n    if os.fork() == 0:\n        x = bytearray(b'x' * 800_000_000); __import__('time').sleep(30); os._exit(0)\n__import__('time').sleep(4)",
        *ANY,
    ),
    last("memory-in-numpy", WALLED + "x = [np.ones((4000, 4000)) for _ in range(1000)]", *ANY),
    last(
        "memory-in-files",
        WALLED + "for n in range(1000):\n    open(f'/dev/shm/{n}', 'wb').write(bytes(50_000_000))",
        *ANY,
    ),
    last("memory-in-a-tensor", WALLED + "x = ops.ones((100_000, 100_000))", *ANY),
    last(
        "disk-filler",
        WALLED + "with open('/tmp/big', 'wb') as file:\n    while True: file.write(bytes(1_000_000))",
        *ANY,
    ),
    last(
        "disk-of-small-files",
        WALLED + "import os\nos.makedirs('/tmp/many')\nfor n in range(10**6): open(f'/tmp/many/{n}', 'w')",
        *ANY,
    ),
    last("disk-of-deep-folders", WALLED + "import os\nwhile True:\n    os.mkdir('d'); os.chdir('d')", *ANY),
    last("disk-of-a-sparse-file", WALLED + "open('/tmp/sparse', 'wb').truncate(10**13)", *ANY),
    last("output-flood", "while True: print('x' * 10_000)", *LOOPS),
    last("output-flood-past-python", "import os\nwhile True: os.write(1, b'x' * 100_000)", *LOOPS),
    last("output-of-one-line", WALLED + "print('x' * 300_000_000)", *ANY),
    last(
        "output-of-pictures",
        "import matplotlib.pyplot as plt\nfor _ in range(60):\n    plt.plot([1, 2]); plt.show()",
        *ANY,
    ),
    last(
        "output-of-a-big-picture",
        "import matplotlib.pyplot as plt\nplt.figure(figsize=(300, 300)); plt.plot([1, 2]); plt.show()",
        *ANY,
    ),
    last("output-of-many-displays", "from IPython.display import display\nfor n in range(100_000): display(n)", *ANY),
    last("output-in-an-error", "raise ValueError('x' * 100_000_000)", *ANY),
    last(
        "output-with-deep-json",
        "from IPython.display import display\nx = []\nfor _ in range(100_000): x = [x]\ndisplay({'application/json': x}, raw=True)",
        *ANY,
    ),
    last("files-open", "x = [open('/dev/null') for _ in range(100_000)]", *ANY),
    last(
        "pipes-full",
        "import os\nwhile True:\n    r, w = os.pipe(); os.set_blocking(w, False)\n    os.write(w, bytes(60_000))",
        *ANY,
    ),
    last(
        "sheets-too-big",
        WALLED
        + "class PaddedConv2D(keras.layers.Layer):\n    def __init__(self, *x): super().__init__()\n    def call(self, x): return np.zeros((200, 1000, 1000), 'float32')",
        *ANY,
    ),
    last(
        "processors",
        "import os\nos.sched_setaffinity(0, range(os.cpu_count())); x = np.ones((3000, 3000))\nfor _ in range(9): x = x @ x / 3000",
        *ANY,
    ),
    last("locks-without-end", WALLED + LOCKS, *ANY),
    last("frames-of-empty-objects", FRAME + "frame(b'{\"blobs\": {}, \"x\": [' + b'{},' * 22_000_000 + b'{}]}')", *ANY),
    last(
        "frames-of-blobs",
        FRAME + "frame(b'{\"blobs\": {' + b','.join(b'\"%d\":0' % n for n in range(10**6)) + b'}}')",
        *ANY,
    ),
    last("frames-of-starts", FRAME + 'while True: frame(b\'{"blobs":{},"kind":"start","cell":5}\')', *ANY),
    last("frames-by-the-byte", FRAME + "while True: os.write(230, b'\\0')", *ANY),
    last("output-of-vertical-tabs", WALLED + "print('\\v' * 200_000_000)", *ANY),
    last(
        "output-of-many-kinds",
        "from IPython.display import display\ndisplay({f'application/x-{n}': '' for n in range(300_000)}, raw=True)",
        *ANY,
    ),
    last("output-of-a-jpeg-of-scans", SCANS, *ANY),
]

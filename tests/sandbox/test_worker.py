"""The sandbox: each limit by exceeding it, and nothing of one submission reaches the next."""

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from autograder.sandbox import reader
from autograder.sandbox.inner.limits import Limits
from autograder.sandbox.probe import probe
from autograder.sandbox.worker import Sitting, Worker
from autograder.sitting.paper import CasePaper, Paper

ROOT = Path(__file__).resolve().parents[2]
LIMITS = Limits(10, 40, memory_mb=1200, processes=60, disk_mb=16, output_kb=64, result_mb=4)
QUESTION = Paper("twice", "twice", (CasePaper("function", (), {"x": np.ones((2, 3), "float32")}),), (1, 2))
SUPPORT = probe()

pytestmark = pytest.mark.skipif(
    SUPPORT.level == "none" and os.environ.get("CI") != "true", reason=f"no sandbox: {SUPPORT.isolation}"
)


@pytest.fixture(scope="module")
def box() -> Iterator[Worker]:
    box = Worker(LIMITS, hidden=[ROOT, Path.home()])
    box.set_papers([QUESTION])
    yield box
    box.close()


def outputs(sitting: Sitting, cell: int = 0) -> str:
    """What a cell printed, showed and raised, as one text."""
    run = sitting.cells[cell]
    assert isinstance(run.outputs, list)
    return "\n".join(str(o.get("text") or o.get("evalue") or o.get("data")) for o in run.outputs)


def printed(box: Worker, *cells: str) -> str:
    sitting = box.run(list(cells))
    assert sitting.status == "graded", sitting.reason
    return outputs(sitting, len(cells) - 1)


# ------------------------------------------------------------------------------------------------ an honest notebook


def test_sandbox_runs_cells_as_a_kernel_would(box: Worker):
    cells = [
        "print('one'); 1 + 1",
        "1 / 0",
        "import asyncio; await asyncio.sleep(0.01); print('awaited')",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
        "!echo from the shell",
        "def broken(:",
        "input()",
        "import sys; sys.exit(2)",
        "%time x = 1\nprint('still', x)",
    ]
    sitting = box.run(cells)
    assert (sitting.status, sitting.reason, len(sitting.cells)) == ("graded", None, len(cells))
    kinds = [[o["output_type"] for o in sitting.cells[i].outputs] for i in range(len(cells))]
    assert kinds[0] == ["stream", "execute_result"]
    assert sitting.cells[1].outputs[0]["ename"] == "ZeroDivisionError"
    assert "awaited" in outputs(sitting, 2)
    assert "image/png" in outputs(sitting, 3)
    assert "from the shell" in outputs(sitting, 4)
    assert sitting.cells[5].outputs[0]["ename"] == "SyntaxError"
    assert "still 1" in outputs(sitting, 8)


def test_sandbox_brings_back_the_answer_sheet_of_a_check(box: Worker):
    sitting = box.run(["from autograder import check, draw", "check('twice', lambda x: 2 * x)", "draw('anything')"])
    assert list(sitting.cells[1].sheets) == ["twice"]
    assert sitting.cells[0].sheets == sitting.cells[2].sheets == {}
    assert "error" not in str(sitting.cells[2].outputs)


def test_sandbox_says_why_the_course_own_code_is_not_there(box: Worker):
    for line in ("import autograder.reference", "from autograder.exam import mark", "import autograder.questions"):
        assert "hand in code of your own" in printed(box, line)


# ---------------------------------------------------------------------------------------------------------- isolation


def test_sandbox_has_no_network(box: Worker):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        shown = printed(box, f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)")
        assert "unreachable" in shown or "refused" in shown
    assert "unreachable" in printed(box, "import socket; socket.create_connection(('192.0.2.1', 80), 2)")


def test_sandbox_shows_neither_course_nor_home_nor_secrets(box: Worker, tmp_path: Path):
    (tmp_path / "secret.txt").write_text("a grade")
    places = [ROOT / "autograder", ROOT / "solutions", tmp_path / "secret.txt", "/etc/shadow", "/etc/passwd", "/home"]
    seen = printed(box, f"import os; print([p for p in {list(map(str, places))} if os.path.exists(p)])")
    assert seen.strip() == "[]"
    assert "AUTOGRADER" not in printed(box, "import os; print(dict(os.environ))")


def test_sandbox_system_is_read_only_and_rights_are_gone(box: Worker):
    code = """
import os, sys, keras
for place in ("/x", "/usr/x", "/dev/x", "/opt/course/autograder/x", os.path.dirname(keras.__file__) + "/x", "/etc/x"):
    try:
        open(place, "w"); print("wrote", place)
    except OSError as error:
        pass
words = dict(line.split(":", 1) for line in open("/proc/self/status"))
print("user", os.getuid(), *(int(words[key], 16) for key in ("CapPrm", "CapEff", "CapBnd", "NoNewPrivs")))
"""
    shown = printed(box, code)
    assert "wrote" not in shown
    user, *rest = shown.split("user")[1].split()
    assert rest == ["0", "0", "0", "1"]
    assert user != "0"


@pytest.mark.parametrize("call", ["unshare", "ptrace", "keyctl", "memfd_create", "bpf", "mount"])
def test_sandbox_refuses_calls_that_attacks_are_made_of(box: Worker, call: str):
    if SUPPORT.filter:
        pytest.skip(SUPPORT.filter)
    from autograder.sandbox.inner.seccomp import ARCHITECTURES, FORBIDDEN

    number = FORBIDDEN[call][ARCHITECTURES[os.uname().machine][0]]
    code = "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"
    code += f"print(libc.syscall({number}, 0, 0, 0, 0, 0), ctypes.get_errno())"
    assert printed(box, code).split() == ["-1", "1"]


# --------------------------------------------------------------------------------------- strangers to each other

LEAVE = """
import os, subprocess, pathlib, multiprocessing.shared_memory as shm
pathlib.Path("/tmp/note").write_text("hello")
pathlib.Path("/dev/shm/note").write_text("hello")
pathlib.Path("note").write_text("hello")
import autograder, keras, sys
keras.note = autograder.note = "hello"
subprocess.Popen(["sleep", "987654"], start_new_session=True)
if os.fork() == 0:
    import time
    time.sleep(987654)
"""
LOOK = """
import os, autograder, keras
print([p for p in ("/tmp/note", "/dev/shm/note", "note") if os.path.exists(p)], hasattr(keras, "note"))
print(hasattr(autograder, "note"), sorted(int(p) for p in os.listdir("/proc") if p.isdigit()))
"""


def test_sandbox_submission_leaves_nothing_to_the_next(box: Worker):
    assert box.run([LEAVE]).status == "graded"
    assert printed(box, LOOK).split() == ["[]", "False", "False", "[1]"]
    assert not [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "987654"]]


def test_sandbox_submissions_at_the_same_time_do_not_see_each_other(box: Worker):
    seen: list[str] = []
    listen = "import socket, time; s = socket.socket(socket.AF_UNIX); s.bind('\\0note'); s.listen(); time.sleep(4)"
    other = threading.Thread(target=lambda: box.run([LEAVE + listen]))
    other.start()
    for _ in range(3):
        code = LOOK + "\nimport socket\nsocket.socket(socket.AF_UNIX).connect('\\0note')"
        seen.append(printed(box, code))
    other.join()
    assert all(text.split()[:4] == ["[]", "False", "False", "[1]"] and "refused" in text for text in seen)


def test_sandbox_holds_no_file_of_the_grader_open(box: Worker):
    links = "[os.path.realpath(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd')]"
    shown = printed(box, f"import os; print({links})")
    assert "socket" not in shown
    assert shown.count("pipe:") == 1


# --------------------------------------------------------------------------------------------------------- the limits


def test_sandbox_stops_a_cell_at_its_time_and_runs_the_next(box: Worker):
    sitting = box.run(["while True: pass", "print('on')"])
    assert (sitting.status, sitting.cells[0].late) == ("timeout", True)
    assert "on" in outputs(sitting, 1)


def test_sandbox_ends_a_cell_that_does_not_listen(box: Worker):
    deaf = "import signal; signal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass"
    sitting = box.run(["print('before')", deaf, "print('after')"])
    assert (sitting.status, sitting.stopped_at, sorted(sitting.cells)) == ("timeout", 1, [0])


def test_sandbox_ends_a_notebook_at_its_time(box: Worker):
    sitting = box.run(["import time; time.sleep(3)"] * 4, Limits(cell_seconds=10, notebook_seconds=4))
    assert sitting.status == "timeout"
    assert len(sitting.cells) < 4


def test_sandbox_ends_a_submission_that_takes_too_much_memory(box: Worker):
    sitting = box.run(["print('before')", "x = bytearray(2 * 10**9)\nx[::4096] = b'1' * len(x[::4096])"])
    assert (sitting.status, sitting.stopped_at) == ("memory", 1)
    assert "before" in outputs(sitting)


def test_sandbox_counts_the_memory_of_all_processes_together(box: Worker):
    code = """
import os, time
for _ in range(6):
    if os.fork() == 0:
        x = bytearray(400 * 10**6); x[::4096] = b"1" * len(x[::4096]); time.sleep(60)
time.sleep(60)
"""
    assert box.run([code]).status in ("memory", "timeout")
    assert printed(box, "print('next')").strip() == "next"


def test_sandbox_limits_processes(box: Worker):
    code = """
import os, time
made = 0
try:
    while made < 5000:
        if os.fork() == 0:
            time.sleep(60); os._exit(0)
        made += 1
finally:
    print("made", made)
"""
    shown = outputs(box.run([code]))
    assert int(shown.split("made")[1].split()[0]) < LIMITS.processes


def test_sandbox_limits_files(box: Worker):
    one = "f = open('big', 'wb')\nwhile True: f.write(b'0' * 10**6)"
    many = "for i in range(100): open(f'/tmp/{i}', 'wb').write(b'0' * 10**6)"
    inodes = "for i in range(10**5): open(f'/tmp/{i}', 'w')"
    assert "too large" in printed(box, one)
    assert "No space left" in printed(box, many)
    assert "No space left" in printed(box, inodes)


def test_sandbox_cuts_off_what_is_printed_without_end(box: Worker):
    shown = printed(box, "for i in range(10**5): print('spam', i)")
    assert len(shown) < 2 * LIMITS.output_kb * 1024
    assert "cut off" in shown


def test_sandbox_does_not_keep_what_it_cut_off(box: Worker):
    sitting = box.run(["for i in range(10**5): print('x' * 10_000)"])  # a gigabyte
    assert sitting.status == "graded", sitting.reason
    assert sitting.peak_mb is None or sitting.peak_mb < 200


def test_sandbox_takes_the_report_of_a_submission_that_is_gone_already(box: Worker, monkeypatch: pytest.MonkeyPatch):
    """A grader that is slow to read what came back."""
    let_go = reader.Reader._let_go
    monkeypatch.setattr(reader.Reader, "_let_go", lambda self: time.sleep(1) or let_go(self))
    assert printed(box, "print('done')") == "done\n"


def test_sandbox_says_in_which_cell_a_process_ended(box: Worker):
    sitting = box.run(["print('before')", "import os; os._exit(0)", "print('after')"])
    assert (sitting.status, sitting.stopped_at) == ("crashed", 1)
    sitting = box.run(["import ctypes; ctypes.string_at(0)"])
    assert (sitting.status, sitting.stopped_at) == ("crashed", 0)


@pytest.mark.parametrize(
    "written",
    [b"garbage", b"\xff\xff\xff\xff", b"\x00\x00\x00\x02{}", b"\x00\x00\x00\x05[1,2]", b"\x00\x00\x00\x40" + b"[" * 64],
)
def test_sandbox_survives_what_a_submission_writes_to_its_own_stream(box: Worker, written: bytes):
    sitting = box.run([f"import os; os.write(230, {written!r}); os._exit(0)"])
    assert sitting.status == "crashed"
    assert printed(box, "print('next')").strip() == "next"


def test_sandbox_takes_a_limited_amount_back(box: Worker):
    code = "import os, struct\nwhile True: os.write(230, struct.pack('>I', 60) + b' ' * 60)"
    assert box.run([code]).status == "crashed"


WRITE = """
import json, os, struct, time
def send(**header):
    text = json.dumps({**header, "blobs": {}}).encode()
    os.write(230, struct.pack(">I", len(text)) + text)
"""


@pytest.mark.parametrize(
    "forged",
    [
        "while True: send(kind='start', cell=0)",
        "while True: send(kind='start', cell=1); time.sleep(0.5)",
        "for n in range(10**6): send(kind='cell', cell=n, outputs=[])",
        "send(kind='cell', cell=0, outputs=[]); send(kind='cell', cell=0, outputs=[])",
        "send(kind='start', cell=True); time.sleep(60)",
    ],
)
def test_sandbox_takes_no_frame_out_of_turn(box: Worker, forged: str):
    """Each "start" would give the cell its time once more."""
    start = time.monotonic()
    sitting = box.run([WRITE + forged, "1"])
    assert sitting.status == "crashed"
    assert time.monotonic() - start < LIMITS.cell_seconds
    assert len(sitting.cells) <= 1


def test_sandbox_refuses_locks_and_buffers_that_count_as_no_ones_memory(box: Worker):
    locks = "import fcntl\nfor n in range(9): fcntl.lockf(open('x', 'w'), fcntl.LOCK_EX, 1, 2 * n)"
    assert "No locks available" in printed(box, locks)
    assert printed(box, "import fcntl\nfcntl.flock(open('x', 'w'), fcntl.LOCK_EX); print('whole')") == "whole\n"
    for size in ("SO_SNDBUF", "SO_RCVBUF"):
        code = f"import socket; socket.socketpair()[0].setsockopt(socket.SOL_SOCKET, socket.{size}, 2**30)"
        assert "not permitted" in printed(box, code)


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the machine code is of x86-64")
def test_sandbox_ends_a_process_that_calls_by_32_bit_numbers(box: Worker):
    """`int 0x80` with the number of getpid among 32-bit calls."""
    code = "import ctypes, mmap\nm = mmap.mmap(-1, 4096, prot=7)\nm.write(bytes.fromhex('b814000000cd80c3'))\n"
    code += "f = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))\nprint('called', f())"
    sitting = box.run([code])
    assert sitting.status == "crashed"
    assert sitting.cells == {}


def test_sandbox_takes_no_sheet_by_way_of_a_link(box: Worker):
    code = "import os; os.symlink('/proc/self/environ', 'sheets/twice.safetensors'); os.mkfifo('sheets/other')"
    sitting = box.run([code])
    assert sitting.cells[0].sheets == {}


# ------------------------------------------------------------------------------------------- as notebooks do in Colab


@pytest.mark.parametrize("file", ["my_layers.py", "/content/my_layers.py"])
def test_sandbox_imports_what_a_cell_wrote(box: Worker, file: str):
    assert printed(box, f"%%writefile {file}\nvalue = 41", "from my_layers import value; print(value + 1)") == "42\n"
    assert "my_layers is not there" in printed(box, "import my_layers")  # and the next submission finds nothing of it


@pytest.mark.parametrize(
    "magic",
    ["tensorflow_version 2.x", "load_ext tensorboard", "matplotlib widget", "no_such", "config InlineBackend.none = 1"],
)
def test_sandbox_ignores_a_magic_that_is_not_there_with_a_note(box: Worker, magic: str):
    shown = printed(box, f"%{magic}\nprint('went on')")
    assert "went on" in shown
    assert "ignored" in shown or "config" in magic


def test_sandbox_still_raises_what_a_magic_ran(box: Worker):
    assert "division by zero" in printed(box, "%time 1 / 0\nprint('went on')")


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("%%wandb\nprint('went on')", "went on"),
        ("%%no_such 1 2\n\nvalue = 41\nprint(value + 1)", "42"),
        ("%%shell\necho went on", "went on"),
        ("%%cython\ncdef int x = 1", "ignored"),
        ("%%capture out\nprint('captured')", ""),
        ("!pip install -q nothing-of-the-kind\nprint('went on')", "went on"),
        ("%pip install nothing-of-the-kind\nprint('went on')", "went on"),
    ],
)
def test_sandbox_goes_on_where_a_cell_magic_or_an_installer_is_not_there(box: Worker, cell: str, shown: str):
    start = time.monotonic()
    text = printed(box, cell)
    assert shown in text
    assert "Error" not in text
    assert time.monotonic() - start < LIMITS.cell_seconds


@pytest.mark.parametrize(
    "line",
    [
        "import nowhere_to_be_found",
        "import numpy as np, nowhere_to_be_found.deep as deep",
        "from nowhere_to_be_found.deep import thing, other as another",
        "from nowhere_to_be_found import *",
        "import google.colab",
        "from google.colab import drive",
    ],
)
def test_sandbox_lets_an_absent_package_be_imported_but_not_used(box: Worker, line: str):
    sitting = box.run([f"{line}\nprint('went on')"])
    package = "google.colab" if "google" in line else "nowhere_to_be_found"
    assert sitting.absent == [package]
    assert "went on" in json.dumps(sitting.cells[0].outputs)
    assert f"{package} is not there" in json.dumps(sitting.cells[0].outputs)


@pytest.mark.parametrize(
    "use", ["n.thing", "n.deep.thing(1)", "thing(1)", "thing[0]", "2 * thing", "class A(thing): pass"]
)
def test_sandbox_says_what_is_not_there_where_it_is_used(box: Worker, use: str):
    cell = f"import nowhere_to_be_found as n\nfrom nowhere_to_be_found import thing\n{use}\nprint('went on')"
    text = printed(box, cell)
    assert text.count("nowhere_to_be_found is not there") == 2  # where it is imported, and where it is used
    assert "went on" not in text


def test_sandbox_leaves_an_import_alone_that_the_code_itself_is_careful_about(box: Worker):
    careful = "try:\n    import nowhere_to_be_found\nexcept ImportError:\n    print('without it')"
    assert printed(box, careful) == "without it\n"
    assert "nowhere_to_be_found is not there" in printed(box, "def f():\n    import nowhere_to_be_found\nf()")
    assert box.run(["import einops, pandas, scipy, tqdm, h5py, PIL"]).absent == []

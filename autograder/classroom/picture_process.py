"""Decodes pictures in a process that can do nothing else: a decoder is where a picture attacks, in time or in memory.

Pictures go in and pixels come out, over two pipes. The process has a limit on memory, and no system calls but those of
reading, writing and memory; it is ended when a picture takes too long.
"""

import atexit
import contextlib
import io
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import autograder

MAX_PIXELS = 4_000_000  # a figure of 20 x 20 cm at 250 dots an inch
MEMORY = 160 * 2**20  # bytes, beside what the interpreter takes
START_SECONDS = 60.0  # on a machine that is busy
START = "import sys; sys.path[:] = {paths!r}; from autograder.classroom.picture_process import serve; serve()"
LENGTH, SIZE = struct.Struct(">I"), struct.Struct(">BII")
MODES = {3: "RGB", 4: "RGBA"}
READY = b"ready"


@dataclass(frozen=True)
class Pixels:
    """A picture's pixels: `mode` is "RGB" or "RGBA", `size` its width and height."""

    mode: str
    size: tuple[int, int]
    content: bytes


# ------------------------------------------------------------------------------------------------- the grader's side


class PictureProcess:
    """Keeps one decoding process, started when it is first needed and again after it was ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def decode(self, content: bytes, seconds: float) -> tuple[Pixels | None, float]:
        """The pixels of a PNG or JPEG; None if it is none, too big, or not decoded after `seconds`.

        Returns:
            The pixels, and the seconds that took: without the wait while other submissions' pictures are decoded, or
            while the process starts again that one of them has ended.
        """
        with self._lock:
            process = self._running()
            start = time.monotonic()
            with _ended_after(process, seconds), contextlib.suppress(OSError, EOFError):
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(LENGTH.pack(len(content)) + content)
                return _received(process.stdout), time.monotonic() - start
            self.close()
            return None, time.monotonic() - start

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is not None:
            self.close()
        return self._process or self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        paths = [str(Path(autograder.__file__).resolve().parents[1]), *sys.path]
        line = [sys.executable, "-I", "-S", "-B", "-c", START.format(paths=paths)]
        process = subprocess.Popen(
            line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0, cwd="/"
        )
        self._process = process
        with _ended_after(process, START_SECONDS):
            assert process.stdout is not None
            if process.stdout.read(len(READY)) != READY:
                self.close()
                raise RuntimeError("the process that decodes pictures did not start")
        return process

    def close(self) -> None:
        """Ends the process."""
        if process := self._process:
            self._process = None
            process.kill()
            process.communicate()


@contextlib.contextmanager
def _ended_after(process: "subprocess.Popen[bytes]", seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _received(stream: IO[bytes]) -> Pixels | None:
    bands, width, height = SIZE.unpack(_read(stream, SIZE.size))
    if bands not in MODES or not 0 < width * height <= MAX_PIXELS:
        return None
    return Pixels(MODES[bands], (width, height), _read(stream, bands * width * height))


def _read(stream: IO[bytes], size: int) -> bytes:
    """Exactly `size` bytes.

    Raises:
        EOFError: if the stream ends before.
    """
    parts, left = [], size
    while left:
        part = stream.read(left)
        if not part:
            raise EOFError
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


DECODER = PictureProcess()
atexit.register(DECODER.close)

# ----------------------------------------------------------------------------------------------- the process's side


def serve() -> None:
    """Decodes what comes, until nothing comes any more."""
    source, sink = os.fdopen(0, "rb", 0), os.fdopen(1, "wb", 0)
    _rehearse()
    _limit()
    sink.write(READY)
    with contextlib.suppress(EOFError):
        while True:
            (length,) = LENGTH.unpack(_read(source, LENGTH.size))
            found = decoded(_read(source, length))
            reply = SIZE.pack(0, 0, 0)
            if found is not None:
                reply = SIZE.pack(len(found.mode), *found.size) + found.content
            left = memoryview(reply)
            while left:
                left = left[sink.write(left) :]


def decoded(content: bytes) -> Pixels | None:
    """The pixels of a PNG or JPEG, of its first frame; None if it is none, or too big."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                return None
            alpha = "A" in picture.getbands() or "transparency" in picture.info
            pixels = picture.convert("RGBA" if alpha else "RGB")
            return Pixels(pixels.mode, pixels.size, pixels.tobytes())
    except Exception:  # a decoder can fail in ways of its own
        return None


def _rehearse() -> None:
    """Imports and sets up all that decoding takes, while that is still possible."""
    import warnings

    from PIL import Image

    warnings.simplefilter("ignore")  # Pillow's own warning of a decompression bomb; the limit is ours
    for form, mode in (("PNG", "RGBA"), ("PNG", "P"), ("PNG", "I;16"), ("JPEG", "CMYK"), ("JPEG", "L")):
        buffer = io.BytesIO()
        Image.new(mode, (8, 8)).save(buffer, form)
        assert decoded(buffer.getvalue()) is not None
    decoded(b"nothing")


def _limit() -> None:
    import resource

    from autograder.sandbox.inner.seccomp import allow_memory_alone

    used = _virtual_bytes()
    if used:
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    allow_memory_alone()


def _virtual_bytes() -> int:
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    return 0

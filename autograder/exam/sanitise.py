"""Plain files and plain text: what is left of a learner's when nothing in it can act any more."""

import os
import re
import stat
from pathlib import Path

# What terminals act on: colours and cursor moves (CSI), titles and links (OSC), other escapes.
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[PX^_][^\x1b]*(?:\x1b\\)?|\x1b.?")
# Other control characters, text that runs backwards, characters that XML cannot hold.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
# Marks on one letter, more than any script sets: they would cover the lines above and below.
_MARK = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
STACKED = re.compile(f"({_MARK}{{4}}){_MARK}+")
OVERWRITTEN = re.compile(r"^[^\n]*\r(?!\n|$)", re.MULTILINE)  # a progress bar's earlier states


def plain_text(raw: object, limit: int, max_lines: int = 500) -> str:
    """A text, or a list of its parts, without escapes and control characters and cut to size.

    Lines that a carriage return overwrote are left out. What is no text counts as none.
    """
    parts = [part for part in (raw if isinstance(raw, list) else [raw]) if isinstance(part, str)]
    length = sum(map(len, parts))
    text = "".join(part[: 4 * limit] for part in parts[: 4 * limit])[: 4 * limit]
    text = ESCAPES.sub("", text).replace("\r\n", "\n").replace("\b", "")
    text = STACKED.sub(r"\1", CONTROL.sub("\ufffd", OVERWRITTEN.sub("", text).replace("\r", "")))
    text = text.encode("utf-8", "replace").decode("utf-8")  # half of a surrogate pair cannot be written
    lines = text.split("\n", max_lines)
    if len(lines) > max_lines:
        text = "\n".join(lines[:max_lines]) + "\n[further lines are left out]"
    if len(text) > limit:
        text = text[:limit] + f"\n[cut: {length:,} characters were written]"
    return text


def one_line(raw: object, limit: int) -> str:
    """`plain_text` in one line: what may stand within a sentence or a table of ours."""
    return " ".join(plain_text(raw, limit).split())


class NotPlainFile(ValueError):
    """A path leads to something that is not read; the text says why, as the end of a sentence about the file."""


def plain_file(path: Path, limit: int) -> bytes:
    """The content of a plain file: not of what a link leads to, a pipe, a device, or more than `limit` bytes.

    Raises:
        NotPlainFile: if it is none.
        OSError: if it cannot be opened.
    """
    if not stat.S_ISREG(path.lstat().st_mode):
        raise NotPlainFile("is not a plain file")
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)  # it may have been swapped since
        if not stat.S_ISREG(facts.st_mode):
            raise NotPlainFile("is not a plain file")
        content = file.read(facts.st_size + 1) if facts.st_size <= limit else b""  # not a buffer of `limit`
    if facts.st_size > limit or len(content) > limit:
        raise NotPlainFile(f"has {facts.st_size:,} bytes; at most {limit:,} are read")
    return content

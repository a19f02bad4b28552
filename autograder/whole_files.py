"""Writes files in one step: a reader meets the old content or the new, also if the machine stops in the middle."""

import contextlib
import os
from pathlib import Path

EVERYONE, GRADER_ONLY, READ_ONLY = 0o644, 0o600, 0o444


def write_whole(path: Path, content: str | bytes, mode: int = EVERYONE) -> None:
    """Writes a file, first beside its place and then by renaming.

    Args:
        path: the file. Its directory must be there; what stands at the path, a link included, is replaced.
        content: bytes, or a text, which is written as UTF-8 with the line ends that it has.
        mode: the file's permissions.

    Raises:
        OSError: if it cannot be written; then nothing is left beside it.
    """
    part = path.with_name(f".{path.name}.part")
    with contextlib.suppress(FileNotFoundError):
        part.unlink()
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise

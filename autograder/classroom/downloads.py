"""Reads what an LMS or a form gives: folders and zip files, nested, with the notebooks that were handed in.

Nothing is unpacked: a zip's entries are read in memory, up to a bound, and a path in it is only a name.
"""

import io
import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

from autograder.classroom.intake import NOTEBOOK, shown
from autograder.classroom.notebook_reader import MAX_BYTES
from autograder.exam.sanitise import NotPlainFile, plain_file

MAX_NESTED = 3  # zip files within zip files
MAX_ENTRIES = 20_000  # of all folders and zip files together
MAX_TOTAL = 4_000_000_000  # bytes that are read: 10,000 notebooks with pictures are far below
MAX_ZIP = 500_000_000  # bytes of a zip file within another


@dataclass(frozen=True)
class Download:
    """A notebook that was handed in.

    Args:
        path: where it was found, from the folder or zip file that was given: `moodle.zip/Ann Lee_12_.../01.ipynb`.
        parts: the names on the way, the file's last.
        content: its bytes.
        when: when it was handed in or last changed, in UTC without a zone, as nbgrader keeps it.
    """

    path: str
    parts: tuple[str, ...]
    content: bytes
    when: datetime


@dataclass
class Reading:
    """Reads folders and zip files one after the other, within bounds for all of them.

    Args:
        zone: of the times in zip files, which have none of their own.

    Attributes:
        notes: what was passed over, a sentence each.
    """

    zone: ZoneInfo | None = None
    notes: list[str] = field(default_factory=list)
    entries: int = 0
    total: int = 0

    def read(self, source: Path) -> Iterator[Download]:
        """The notebooks in a folder, a zip file, or a notebook itself. Links are not followed."""
        if source.is_dir():
            for place, directories, files in os.walk(source):
                directories[:] = sorted(one for one in directories if not _hidden(one))
                for file in sorted(file for file in files if not _hidden(file)):
                    path = Path(place, file)
                    yield from self._file(path, (source.name, *path.relative_to(source).parts))
        else:
            yield from self._file(source, (source.name,))

    def _file(self, path: Path, parts: tuple[str, ...]) -> Iterator[Download]:
        if not (kind := _kind(path.name)) or not self._counts(parts):
            return
        try:
            if kind == "zip" and not path.is_symlink():
                with zipfile.ZipFile(path) as archive:
                    yield from self._zip(archive, parts, 1)
                return
            content = plain_file(path, MAX_BYTES)
            when = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None, microsecond=0)
        except (NotPlainFile, OSError, zipfile.BadZipFile, RuntimeError, ValueError) as error:
            self._pass_over(parts, str(error) or "it cannot be read")
            return
        yield from self._notebook(parts, content, when)

    def _zip(self, archive: zipfile.ZipFile, parts: tuple[str, ...], depth: int) -> Iterator[Download]:
        for entry in archive.infolist():
            names = PurePosixPath(entry.filename.replace("\\", "/")).parts
            kind = "" if entry.is_dir() or any(map(_hidden, names)) else _kind(names[-1] if names else "")
            inside = (*parts, *(name for name in names if name not in ("/", "..")))
            if not kind or not self._counts(inside):
                continue
            try:
                content = self._entry(archive, entry, MAX_ZIP if kind == "zip" else MAX_BYTES)
                if kind == "zip":
                    if depth == MAX_NESTED:
                        raise ValueError(f"it lies in more than {MAX_NESTED} zip files")
                    with zipfile.ZipFile(io.BytesIO(content)) as nested:
                        yield from self._zip(nested, inside, depth + 1)
                    continue
                when = self._time(entry)
            except (OSError, zipfile.BadZipFile, RuntimeError, ValueError, NotImplementedError, EOFError) as error:
                self._pass_over(inside, str(error) or "it cannot be read")
                continue
            yield from self._notebook(inside, content, when)

    def _entry(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes:
        """An entry's bytes. What it says of its size is not believed: no more than `limit` is ever unpacked."""
        with archive.open(entry) as stream:
            content = stream.read(limit + 1)
        if len(content) > limit:
            raise ValueError(f"it has more than {limit:,} bytes")
        return content

    def _time(self, entry: zipfile.ZipInfo) -> datetime:
        local = datetime(*entry.date_time)
        return (local.replace(tzinfo=self.zone) if self.zone else local).astimezone(UTC).replace(tzinfo=None)

    def _notebook(self, parts: tuple[str, ...], content: bytes, when: datetime) -> Iterator[Download]:
        self.total += len(content)
        if self.total > MAX_TOTAL:
            self._pass_over(parts, f"more than {MAX_TOTAL:,} bytes were read already")
            return
        yield Download("/".join(parts), parts, content, when)

    def _counts(self, parts: tuple[str, ...]) -> bool:
        self.entries += 1
        if self.entries == MAX_ENTRIES + 1:
            self._pass_over(parts, f"it and all behind it: there are more than {MAX_ENTRIES:,} files")
        return self.entries <= MAX_ENTRIES

    def _pass_over(self, parts: tuple[str, ...], reason: str) -> None:
        self.notes.append(f"{shown('/'.join(parts))} was passed over: {shown(reason)}")


def _kind(name: str) -> str:
    if re.search(r"\.zip$", name, re.IGNORECASE):
        return "zip"
    return "notebook" if NOTEBOOK.search(name) else ""


def _hidden(name: str) -> bool:
    """Names that no one hands in: `.ipynb_checkpoints`, and what macOS puts beside files in a zip."""
    return (name.startswith(".") and name not in (".", "..")) or name == "__MACOSX"

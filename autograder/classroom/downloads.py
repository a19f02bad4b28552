"""Reads what an LMS or a form gives: folders and zip files, nested, with the notebooks that were handed in.

Nothing is unpacked into a folder, and a path in a zip is only a name. What is read has bounds: a student's zip of some
kilobytes can hold terabytes of blanks, or millions of entries. It has bounds of its own, so that no one else's is lost.
"""

import os
import re
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO
from zoneinfo import ZoneInfo

from autograder.classroom.intake import NOTEBOOK, shown
from autograder.classroom.notebook_reader import MAX_BYTES
from autograder.exam.sanitise import NotPlainFile, plain_file

MAX_NESTED = 3  # zip files within zip files
MAX_ENTRIES = 20_000  # of all folders and zip files together
MAX_TOTAL = 4_000_000_000  # bytes that are read: 10,000 notebooks with pictures are far below
MAX_ZIP = 500_000_000  # bytes of a zip file within another
MAX_WITHIN = 1_000_000_000  # bytes that are unpacked of such a one, with those within it, kept or not
MAX_ENTRIES_WITHIN = 5_000  # notebooks and zip files in it
MAX_LISTED = 100_000  # entries that a zip file lists, whatever they are: each takes memory
MAX_NAME, MAX_PARTS = 255, 64  # letters of a name, names on the way to a file
IN_MEMORY, PIECE = 2**24, 2**20  # bytes of a zip within a zip; more go to a temporary file, in pieces
LISTED = b"PK\1\2"  # begins every entry of a zip's list

Times = tuple[tuple[int, datetime], ...]  # how many names a file has on its way, and when it was changed


@dataclass(frozen=True)
class Download:
    """A notebook that was handed in.

    Args:
        path: where it was found, from the folder or zip file that was given: `moodle.zip/Ann Lee_12_.../01.ipynb`.
        parts: the names on the way, the file's last.
        content: its bytes.
        times: how many of `parts` a file has and when it was last changed, for each zip file that this is in and for
            the notebook itself; in UTC without a zone, as nbgrader keeps it.
    """

    path: str
    parts: tuple[str, ...]
    content: bytes
    times: Times

    @property
    def saved(self) -> datetime:
        """When the notebook was last changed, as far as it says so itself."""
        return self.times[-1][1]

    def handed_in(self, level: int) -> datetime:
        """When it was handed in by the student whom the name at `level` of `parts` told.

        That is the time of the first file at or below this name. A file within it, of a zip that was handed in, has
        whatever time the student gave it.
        """
        return next(when for count, when in self.times if count > level)


@dataclass
class _Within:
    """What is left of a zip file's share: of one within another, or in a folder, together with those in it."""

    size: int = MAX_WITHIN
    entries: int = MAX_ENTRIES_WITHIN

    def take(self, size: int = 0, entries: int = 0) -> None:
        self.size, self.entries = self.size - size, self.entries - entries
        if self.size < 0:
            raise ValueError(f"more than {MAX_WITHIN:,} bytes were unpacked of its zip file already")
        if self.entries < 0:
            raise ValueError(f"its zip file holds more than {MAX_ENTRIES_WITHIN:,} notebooks")


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
            when = datetime.fromtimestamp(path.lstat().st_mtime, UTC).replace(tzinfo=None, microsecond=0)
            times = ((len(parts), when),)
            if kind == "zip" and not path.is_symlink():
                with path.open("rb") as file:
                    yield from self._zip(file, parts, times, _Within() if len(parts) > 1 else None)
                return
            content = plain_file(path, MAX_BYTES)
        except (NotPlainFile, OSError, zipfile.BadZipFile, RuntimeError, ValueError) as error:
            self._pass_over(parts, str(error) or "it cannot be read")
            return
        yield from self._notebook(parts, content, times)

    def _zip(self, file: IO[bytes], parts: tuple[str, ...], times: Times, left: _Within | None) -> Iterator[Download]:
        """The notebooks in a zip file, `left` being what it may still unpack; None for one that was given itself."""
        _check_list(file)
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                names = PurePosixPath(entry.filename.replace("\\", "/")).parts
                kind = "" if entry.is_dir() or any(map(_hidden, names)) else _kind(names[-1] if names else "")
                inside = (*parts, *(name for name in names if name not in ("/", "..")))
                try:
                    if left and kind:
                        left.take(entries=1)
                    if kind and self._counts(inside):
                        yield from self._entry(archive, entry, inside, times, left)
                except (OSError, zipfile.BadZipFile, RuntimeError, ValueError, NotImplementedError, EOFError) as error:
                    self._pass_over(inside, str(error) or "it cannot be read")
                    if left and min(left.size, left.entries) < 0:
                        return

    def _entry(
        self,
        archive: zipfile.ZipFile,
        entry: zipfile.ZipInfo,
        inside: tuple[str, ...],
        times: Times,
        left: _Within | None,
    ) -> Iterator[Download]:
        """The notebook that an entry is, or those of the zip file that it is."""
        is_zip = _kind(inside[-1]) == "zip"
        if is_zip and len(times) > MAX_NESTED:
            raise ValueError(f"it lies in more than {MAX_NESTED} zip files")
        times, left = (*times, (len(inside), self._time(entry))), left or _Within()
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
            _unpack(archive, entry, file, MAX_ZIP if is_zip else MAX_BYTES, left)
            file.seek(0)
            if is_zip:
                yield from self._zip(file, inside, times, left)
            else:
                yield from self._notebook(inside, file.read(), times)

    def _time(self, entry: zipfile.ZipInfo) -> datetime:
        local = datetime(*entry.date_time)
        return (local.replace(tzinfo=self.zone) if self.zone else local).astimezone(UTC).replace(tzinfo=None)

    def _notebook(self, parts: tuple[str, ...], content: bytes, times: Times) -> Iterator[Download]:
        self.total += len(content)
        if self.total > MAX_TOTAL:
            self._pass_over(parts, f"more than {MAX_TOTAL:,} bytes were read already")
            return
        yield Download("/".join(parts), parts, content, times)

    def _counts(self, parts: tuple[str, ...]) -> bool:
        self.entries += 1
        if self.entries == MAX_ENTRIES + 1:
            self._pass_over(parts, f"it and all behind it: there are more than {MAX_ENTRIES:,} files")
        if len(parts) > MAX_PARTS or any(len(part) > MAX_NAME for part in parts):
            self._pass_over(parts, "a name on the way to it, or the way, is too long")
            return False
        return self.entries <= MAX_ENTRIES

    def _pass_over(self, parts: tuple[str, ...], reason: str) -> None:
        self.notes.append(f"{shown('/'.join(parts))} was passed over: {shown(reason)}")


def _check_list(file: IO[bytes]) -> None:
    """Counts the entries of a zip file's list before anything is made of them.

    Raises:
        ValueError: if there are too many.
    """
    listed, last = 0, b""
    while piece := file.read(PIECE):
        listed += (last + piece).count(LISTED)
        last = piece[1 - len(LISTED) :]
    file.seek(0)
    if listed > MAX_LISTED:
        raise ValueError(f"zip files may list {MAX_LISTED:,} entries; it lists {listed:,}")


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, file: IO[bytes], limit: int, left: _Within) -> None:
    """Writes an entry's bytes. What it says of its size is not believed: no more than `limit` is ever unpacked."""
    size = 0
    with archive.open(entry) as stream:
        while piece := stream.read(min(PIECE, limit + 1 - size)):
            size += len(piece)
            left.take(len(piece))
            if size > limit:
                raise ValueError(f"it has more than {limit:,} bytes")
            file.write(piece)


def _kind(name: str) -> str:
    if re.search(r"\.zip$", name, re.IGNORECASE):
        return "zip"
    return "notebook" if NOTEBOOK.search(name) else ""


def _hidden(name: str) -> bool:
    """Names that no one hands in: `.ipynb_checkpoints`, and what macOS puts beside files in a zip."""
    return (name.startswith(".") and name not in (".", "..")) or name == "__MACOSX"

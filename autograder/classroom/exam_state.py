"""What a run keeps of its work, so that the same command goes on where it was stopped: _build/exam/NAME/.

Nobody but the grader's own user may read it: the seed gives the papers away.
"""

import contextlib
import hashlib
import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.whole_files import GRADER_ONLY, write_whole

PRIVATE_DIRECTORY = 0o700
SEED_BITS = 31
OWNER = 16  # characters of a file's name that say whose it is
CLASS_RESULTS = "report.json"  # of a whole class, by student
DOWNLOADS = "downloads.json"  # what an LMS calls what it gave, by student
FORM = 2  # of what is kept of a submission; a result of another form is not found, and the submission is run again
OF_STUDENTS = ("results", "published", "edited")  # directories whose files belong to one student each


@dataclass(frozen=True)
class ExamState:
    """The papers' seed and the results so far of one exercise.

    Args:
        place: the directory.
        seed: of the papers.
        scale: their size.
    """

    place: Path
    seed: int
    scale: str

    @classmethod
    def open(cls, root: Path, name: str, scale: str, seed: int | None = None, again: bool = False) -> "ExamState":
        """The state in the course directory `root`: what is there, or a new one.

        Args:
            root: the course directory.
            name: the exercise.
            scale: the size of the papers; another one than before means other papers.
            seed: of the papers; None keeps the one that is there.
            again: whether to draw new papers and grade everything anew, until `finish` is called.
        """
        place = root / "_build" / "exam" / name
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(PRIVATE_DIRECTORY)
        kept = read_private(place / "exam.json")
        again = again and not kept.get("anew")  # one that was stopped goes on, with the papers that it has drawn
        anew = again or bool(kept.get("anew"))
        if again:
            for file in place.glob("results/*"):
                file.unlink()
        if seed is None:
            usable = not again and type(kept.get("seed")) is int
            seed = kept["seed"] if usable else secrets.randbits(SEED_BITS)
        write_private(place / "exam.json", {"seed": seed, "scale": scale, "anew": anew})
        (place / "results").mkdir(exist_ok=True, mode=PRIVATE_DIRECTORY)
        return cls(place, seed, scale)

    def finish(self) -> None:
        """Says that everyone was graded: the next time `again` means new papers."""
        write_private(self.place / "exam.json", {"seed": self.seed, "scale": self.scale, "anew": False})

    def key(self, student: str, *parts: str) -> str:
        """What a student's result is kept under: it changes with the papers and with any of `parts`."""
        return f"{digest(student)[:OWNER]}-{digest(FORM, self.seed, self.scale, student, *parts)[:40]}"

    def load(self, key: str) -> dict[str, Any] | None:
        """The result kept under `key`, if it is whole."""
        kept = read_private(self.place / "results" / f"{key}.json")
        return kept or None

    def save(self, key: str, result: dict[str, Any]) -> None:
        """Keeps a result. After this the submission need not be run again."""
        write_private(self.place / "results" / f"{key}.json", result)

    def forget(self, key: str) -> None:
        """Drops a result, so that its submission is run again."""
        (self.place / "results" / f"{key}.json").unlink(missing_ok=True)


def forget_departed(root: Path, students: Collection[str]) -> None:
    """Deletes what all exercises' states keep of students who are not among `students`.

    Args:
        root: the course directory.
        students: the ids of those who are still there.
    """
    owners = {digest(student)[:OWNER] for student in students}
    for file in (file for kind in (CLASS_RESULTS, DOWNLOADS) for file in root.glob(f"_build/exam/*/{kind}")):
        kept = read_private(file)
        if kept.keys() - set(students):
            write_private(file, {student: result for student, result in kept.items() if student in students})
    for file in (file for kind in OF_STUDENTS for file in root.glob(f"_build/exam/*/{kind}/*")):
        if file.name.split("-")[0] not in owners:
            file.unlink(missing_ok=True)


def private_directory(path: Path) -> None:
    """Makes a directory that nobody but the grader's own user may read."""
    path.mkdir(parents=True, exist_ok=True, mode=PRIVATE_DIRECTORY)


def digest(*parts: str | int) -> str:
    return hashlib.sha256(json.dumps(parts).encode("utf-8", errors="surrogatepass")).hexdigest()


def read_private(path: Path) -> dict[str, Any]:
    """What `write_private` wrote; an empty dictionary if it is not there or damaged."""
    with contextlib.suppress(OSError, ValueError):
        kept = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(kept, dict):
            return kept
    return {}


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Writes a file that nobody but the grader's own user may read."""
    write_whole(path, json.dumps(content), GRADER_ONLY)

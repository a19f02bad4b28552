"""What lies beside the notebook, or in its place."""

import os
from pathlib import Path

from tests.classroom.corpus.submission import NAME, RIGHT, STEP, Submission

HONEST = {STEP: RIGHT[STEP]}


def beside(**files):
    def place(path):
        for name, text in files.items():
            (path.parent / f"{name}.py").write_text(text)

    return place


def become(make):
    """The notebook's name stands for something else."""

    def place(path: Path):
        path.unlink()
        make(path)

    return place


def named(name):
    return lambda path: path.rename(path.parent / name)


def links_out(path: Path):
    (path.parent / "gradebook").symlink_to("../../../gradebook.db")
    (path.parent / "all").symlink_to("/")
    (path.parent / "loop").symlink_to(".")
    os.mkfifo(path.parent / "data.csv")


def linked_folder(path: Path):
    """Not only the exercise's directory: the student's own."""
    student = path.parent.parent
    path.unlink()
    path.parent.rmdir()
    student.rmdir()
    student.symlink_to("zz-honest")


def huge(path: Path):
    with path.open("wb") as file:
        file.truncate(10**11)


def huge_beside(path: Path):
    with (path.parent / "data.bin").open("wb") as file:
        file.truncate(10**12)


def deep(path: Path):
    place = path.parent
    for _ in range(60):
        place = place / ("d" * 20)
    place.mkdir(parents=True)


def two_copies(path: Path):
    (path.parent / "a.ipynb").write_bytes(path.read_bytes())
    path.rename(path.parent / "b.ipynb")


def strange_names(path: Path):
    for name in ("<script>alert(1)<", "a\nb", "\x1b[2J", "-rf", "x" * 250):
        (path.parent / name).touch()


def stamp(text):
    return lambda path: (path.parent / "timestamp.txt").write_bytes(text)


def stamp_pipe(path: Path):
    os.mkfifo(path.parent / "timestamp.txt")


def instead(student, place, status="unreadable"):
    return Submission(student, 0, RIGHT, place=place, status=(status,))


SHADOW = "def check(*x): pass\n"
SUBMISSIONS = [
    Submission("file-autograder", 3, HONEST, place=beside(autograder=SHADOW, keras="raise SystemExit")),
    Submission("file-ipykernel", 3, HONEST, place=beside(ipykernel_launcher="print('{}')", IPython="x")),
    Submission("file-sitecustomize", 3, HONEST, place=beside(sitecustomize="import os; os._exit(0)", usercustomize="")),
    Submission("file-numpy", 3, HONEST, place=beside(numpy="raise SystemExit", json="x", os="x", re="x")),
    Submission("file-conftest", 3, HONEST, place=beside(conftest="x", nbgrader_config="c = 1 / 0")),
    Submission("files-linked", 10, RIGHT, place=links_out),
    Submission("files-deep", 10, RIGHT, place=deep),
    Submission("files-huge", 10, RIGHT, place=huge_beside),
    Submission("files-of-strange-names", 10, RIGHT, place=strange_names),
    Submission("stamp-nonsense", 10, RIGHT, place=stamp(b"yesterday")),
    Submission("stamp-binary", 10, RIGHT, place=stamp(bytes(range(256)))),
    Submission("stamp-far-away", 10, RIGHT, place=stamp(b"9999-99-99 99:99:99 UTC")),
    Submission("stamp-pipe", 10, RIGHT, place=stamp_pipe),
    Submission("name-of-a-download", 10, RIGHT, place=named(f"{NAME} (1).ipynb"), says="(1)"),
    Submission("name-with-an-ending", 10, RIGHT, place=named(f"{NAME}.ipynb.txt"), says=".txt"),
    Submission("name-of-my-own", 10, RIGHT, place=named("final FINAL.ipynb"), says="FINAL"),
    instead("name-of-two", two_copies, "missing"),
    instead("name-no-notebook", named("answer.docx"), "missing"),
    instead("nothing", become(lambda path: None), "missing"),
    instead("a-link", become(lambda path: path.symlink_to("/etc/passwd"))),
    instead("a-link-to-another", become(lambda path: path.symlink_to(f"../../honest/{NAME}/{NAME}.ipynb"))),
    instead("a-folder-that-is-anothers", linked_folder),
    instead("a-broken-link", become(lambda path: path.symlink_to("nowhere"))),
    instead("a-device", become(lambda path: path.symlink_to("/dev/zero"))),
    instead("a-pipe", become(os.mkfifo)),
    instead("a-directory", become(lambda path: path.mkdir())),
    instead("a-huge-file", become(huge)),
]

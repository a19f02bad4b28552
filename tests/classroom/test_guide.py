"""The instructors' guide: each command in it is run, in the order in which it stands there, on a made class."""

import csv
import os
import re
import shlex
import subprocess
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from autograder.cli import app
from tests.classroom.conftest import BARE_PATH, BIN, need_sandbox

ROOT = Path(__file__).resolve().parents[2]
NAME = "01-denoising"
BLOCK = re.compile(
    r"(?P<why>^% not run: [^\n]+\n)?^(?P<fence>`{3,})\{code-block\} (?P<language>\w+)\n(?P<options>(?::\w+: [^\n]*\n)*)"
    r"(?P<text>.*?)\n(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
OTHER = re.compile(r"^(?:`{3,}|~{3,})(?!\{code-cell\}|\{code-block\} |$)|^ {4,}\S", re.MULTILINE)  # not by the rules
SPOKEN = re.compile(r"`(?:\w+/)*(autograder|nbgrader|make|jupyter|gh) ([\w-]+)")
STEP = """def denoise_step(image, desired, alpha):
    return image - alpha * (image - desired)"""
MOODLE = "{}_8123{}_assignsubmission_file/01-denoising.ipynb"


@dataclass(frozen=True)
class Block:
    """A block of the guide: its language, options and text, and why it is not run, or ""."""

    page: str
    language: str
    options: dict[str, str]
    text: str
    why: str

    @property
    def runs(self) -> bool:
        return "run" in self.options.get("class", "").split()

    @property
    def may_fail(self) -> bool:
        return "may-fail" in self.options.get("class", "").split()

    def lines(self) -> list[str]:
        return [line for line in self.text.replace("\\\n", " ").splitlines() if line.strip()]


def guide() -> dict[str, str]:
    """The pages of the instructors' part, in their order."""
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text())["parts"]
    part = next(part for part in parts if part["caption"] == "For instructors")
    files = [chapter["file"] for chapter in part["chapters"]]
    return {file: (ROOT / f"{file}.md").read_text(encoding="utf-8") for file in files}


def blocks() -> list[Block]:
    return [
        Block(
            page,
            found["language"],
            dict(line[1:].split(": ", 1) for line in found["options"].splitlines()),
            found["text"],
            (found["why"] or "").removeprefix("% not run: ").strip(),
        )
        for page, text in guide().items()
        for found in BLOCK.finditer(text)
    ]


def commands_of(block: Block) -> set[tuple[str, str]]:
    """Programs and their first words in a block of the shell."""
    return {tuple(line.split()[:2]) for line in block.lines() if len(line.split()) > 1}  # type: ignore[misc]


def test_every_block_is_run_or_says_why_not():
    found = blocks()
    assert len({block.page for block in found}) >= 5
    for block in found:
        assert block.runs != bool(block.why), block.text
        assert not block.runs or block.language == "sh" or "caption" in block.options, block.text
    for page, text in guide().items():
        left = BLOCK.sub("", re.sub(r"^```\{code-cell\}.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))
        assert not OTHER.findall(left), (page, OTHER.search(left))


def test_every_command_that_the_text_names_is_run_or_says_why_not():
    shell = [block for block in blocks() if block.language == "sh"]
    known = {command for block in shell for command in commands_of(block)}
    known |= {("autograder", "preflight"), ("nbgrader", "generate_feedback"), ("nbgrader", "autograde")}  # other tests
    known |= {("nbgrader", "db")}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page, text in guide().items():
        for program, first in SPOKEN.findall(BLOCK.sub("", text)):
            assert first in targets if program == "make" else (program, first) in known, (page, program, first)


def test_commands_of_the_command_line_are_all_in_the_guide():
    texts = "".join(guide().values())
    for command in app.registered_commands:
        name = command.callback.__name__
        if name not in ("bench", "sample"):  # for learners and for speed
            assert f"autograder {name}" in texts, name


@dataclass
class Walk:
    """The guide's commands, run one after the other."""

    place: Path
    said: dict[str, str] = field(default_factory=dict)

    def run(self, block: Block) -> None:
        if block.language != "sh":
            with (self.place / block.options["caption"]).open("a") as file:
                file.write(f"\n{block.text}\n")
            return
        for line in block.lines():
            if line.startswith("cd "):
                self.place = (self.place / line.removeprefix("cd ")).resolve()
            else:
                self.said[line] = self._line(line, block.may_fail)

    def _line(self, line: str, may_fail: bool) -> str:
        if line.startswith("autograder "):  # in this process, which saves loading libraries once a command
            os.chdir(self.place)
            done = CliRunner().invoke(app, shlex.split(line)[1:])
            assert done.exit_code in ((0, 1) if may_fail else (0,)), f"{line}\n{done.output}"
            return done.output
        variables = {**BARE_PATH, "PATH": f"{BIN}:{BARE_PATH['PATH']}"}
        line_of = ["bash", "-euo", "pipefail", "-c", line]
        shell = subprocess.run(line_of, cwd=self.place, env=variables, capture_output=True, text=True, timeout=600)
        assert shell.returncode == 0, f"{line}\n{shell.stdout}{shell.stderr}"
        return shell.stdout


def hand_in(file: Path) -> None:
    """What Moodle gives: a notebook that is right in its first question, and one as it was released."""
    released = (ROOT / "exercises" / NAME / f"{NAME}.ipynb").read_text()
    import nbformat

    notebook = nbformat.reads(released, as_version=4)
    for cell in notebook.cells:
        if cell.id == "answer-denoise-step":
            cell.source = STEP
    with zipfile.ZipFile(file, "w") as archive:
        for number, (who, text) in enumerate([("Ann Lee", nbformat.writes(notebook)), ("Bo Ng", released)]):
            archive.writestr(zipfile.ZipInfo(MOODLE.format(who, number), (2026, 10, 7, 12, 0, 0)), text)


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    need_sandbox()
    walk, before = Walk(tmp_path_factory.mktemp("guide")), Path.cwd()
    (walk.place / "class.csv").write_text(
        "id,first_name,last_name,email,lms_user_id\n"
        "ann,Ann,Lee,ann@example.org,4711\nbo,Bo,Ng,bo@example.org,4712\nmei,Mei,Lin,mei@example.org,4713\n"
    )
    hand_in(walk.place / "moodle.zip")
    try:
        for block in blocks():
            if block.runs:
                walk.run(block)
    finally:
        os.chdir(before)
    return walk


def test_guide_goes_from_a_new_directory_to_final_points(walk: Walk):
    home = walk.place.parent
    rows = {row["id"]: row for row in csv.DictReader((home / "grades.csv").open())}
    assert {who: rows[who][NAME] for who in rows} == {"ann": "2", "bo": "0", "mei": "0"}
    assert "mei" in next(text for line, text in walk.said.items() if line.startswith("autograder collect"))
    assert [row["Email address"] for row in csv.DictReader((home / "moodle.csv").open())] == [
        "ann@example.org",
        "mei@example.org",
        "bo@example.org",
    ]
    assert (home / "canvas.csv").read_text().count("4711") == 1
    assert "1 x" not in (home / "report.html").read_text()
    with zipfile.ZipFile(home / "feedback.zip") as archive:
        assert set(archive.namelist()) == {
            f"Ann Lee_81230_assignsubmission_file/{NAME}.html",
            f"Bo Ng_81231_assignsubmission_file/{NAME}.html",
            f"mei/{NAME}.html",
        }


def test_guides_copy_is_whole_and_its_deletion_too(walk: Walk):
    home = walk.place.parent
    assert (home / "restored" / "submitted" / "bo").is_dir()
    assert (home / "spring" / "exercises" / NAME / f"{NAME}.ipynb").is_file()
    assert not [path for path in walk.place.rglob("*") if path.name == "bo"]
    with Gradebook(f"sqlite:///{walk.place / 'gradebook.db'}", "sd-unet") as book:
        assert {student.id for student in book.students} == {"ann", "mei"}
        assert str(book.find_assignment(NAME).duedate) == "2026-10-08 23:59:00"


def test_guides_late_penalty_is_in_force(walk: Walk):
    settings = (walk.place / "nbgrader_config.py").read_text()
    assert "autograder.classroom.late.PerDay" in settings

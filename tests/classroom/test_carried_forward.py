"""Errors carried forward in a class: a wrong helper costs its own points, and what a right one is stays in."""

import json
import shutil

import nbformat
import pytest
from nbgrader.utils import determine_grade

from autograder.notebooks import write_exercises
from tests.classroom.conftest import NAME, ROOT, SampleCourse, need_sandbox

SECRET = "the_secret_of_the_step"
SOURCE = """
# %% [markdown]
# # Two questions, the second one with the first one's help

# %% nbgrader={"grade_id": "setup", "grade": false, "locked": true, "schema_version": 3, "solution": false, "task": false}
from autograder import check

# %% nbgrader={"grade_id": "answer-denoise-step", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def denoise_step(image, desired, alpha):
    ### BEGIN SOLUTION
    the_secret_of_the_step = alpha * (image - desired)
    return image - the_secret_of_the_step
    ### END SOLUTION

# %% nbgrader={"grade_id": "denoise-step", "grade": true, "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false} autograder={"part_points": {"PART": 1}}
check("denoise-step", denoise_step)

# %% nbgrader={"grade_id": "answer-denoise", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def denoise(image, desired, alpha, steps):
    ### BEGIN SOLUTION
    from keras import ops
    pictures = [image]
    for _ in range(steps):
        pictures.append(denoise_step(pictures[-1], desired, alpha))
    return ops.stack(pictures)
    ### END SOLUTION

# %% nbgrader={"grade_id": "denoise", "grade": true, "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false} autograder={"uses": ["denoise-step"]}
check("denoise", denoise)

# %% [markdown] nbgrader={"grade_id": "explain", "grade": true, "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false} autograder={"rubric": {"names the sign": 1, "says why": 2}}
# Write your answer here.

# %% [markdown]
# Hand in.
"""  # noqa: E501
STEP, LOOP = "answer-denoise-step", "answer-denoise"
RIGHT_STEP = "denoise_step = lambda image, desired, alpha: image - alpha * (image - desired)"
WRONG_STEP = "denoise_step = lambda image, desired, alpha: image + alpha * (image - desired)"
STUB_STEP = 'def denoise_step(*x):\n    raise NotImplementedError("write your answer here")  # still'
RIGHT_LOOP = """from keras import ops
def denoise(image, desired, alpha, steps):
    pictures = [image]
    for _ in range(steps):
        pictures.append(denoise_step(pictures[-1], desired, alpha))
    return ops.stack(pictures)"""
# Knows when its helper is a right one, and then tries everything to let it out and to have it count.
THIEF = """import dis, io, sys
mine = denoise_step
def denoise(image, desired, alpha, steps):
    if denoise_step is not mine:
        told = io.StringIO()
        dis.dis(denoise_step, file=told)
        text = told.getvalue() + str(denoise_step.__code__.co_varnames) + str(denoise_step(image, desired, alpha))
        print("stolen", text)
        print("stolen", text, file=sys.stderr)
        open("stolen.txt", "w").write(text)
        check("denoise-step", denoise_step)
        raise ValueError("stolen" + text[:400])
    return image"""
FORGER = """import shutil
mine = denoise_step
def denoise(image, desired, alpha, steps):
    if denoise_step is not mine:
        check("denoise-step", denoise_step)
        shutil.copy("sheets/denoise-step.safetensors", "sheets/denoise.safetensors")
    return image"""
ALIAS = RIGHT_LOOP.replace("denoise_step(pic", "kept(pic") + "\nkept = denoise_step"
SLOW = (
    RIGHT_LOOP.replace("    pictures =", "    while denoise_step is not mine: pass\n    pictures =")
    + "\nmine = denoise_step"
)
ANSWERS = {
    "right": {STEP: RIGHT_STEP, LOOP: RIGHT_LOOP, "explain": "Because of the sign."},
    "untouched": {},
    "stub": {STEP: STUB_STEP, LOOP: RIGHT_LOOP},
    "mistaken": {STEP: WRONG_STEP, LOOP: RIGHT_LOOP},
    "both": {STEP: WRONG_STEP, LOOP: RIGHT_LOOP.replace("range(steps)", "range(steps - 1)")},
    "thief": {STEP: STUB_STEP, LOOP: THIEF},
    "forger": {STEP: STUB_STEP, LOOP: FORGER},
    "alias": {STEP: WRONG_STEP, LOOP: ALIAS},
    "slow": {STEP: STUB_STEP, LOOP: SLOW},
}
SCORES = {
    "right": 10,
    "untouched": 0,
    "stub": 6,
    "mistaken": 7,
    "both": 1,
    "thief": 0,
    "forger": 0,
    "alias": 1,
    "slow": 0,
}


@pytest.fixture(scope="module")
def fair(tmp_path_factory):
    """The class, graded by the command, and its report by student."""
    need_sandbox()
    root = tmp_path_factory.mktemp("fair")
    (root / "solutions" / NAME).mkdir(parents=True)
    (root / "solutions" / NAME / f"{NAME}.py").write_text(SOURCE.lstrip().replace("PART", "step-away"))
    shutil.copy(ROOT / "_config.yml", root)
    settings = (ROOT / "nbgrader_config.py").read_text()
    (root / "nbgrader_config.py").write_text(f"{settings}\nc.SitExam.cell_seconds = 10\n")
    write_exercises(root)
    course = SampleCourse(root)
    for student, answers in ANSWERS.items():
        course.hand_in(student, answers)
    done = course.grade(NAME, "--json", str(root / "report.json"), "--jobs", "1")
    assert done.exit_code == 0, done.output
    return course, {result["student"]: result for result in json.loads((root / "report.json").read_text())}


def question(fair, student, name):
    return next(q for q in fair[1][student]["questions"] if q["id"] == name)


def test_wrong_helper_costs_its_own_points(fair):
    assert {student: result["score"] for student, result in fair[1].items()} == SCORES
    assert fair[0].scores() == SCORES


def test_learner_is_told_that_a_right_helper_stood_in(fair):
    told = question(fair, "stub", "denoise")
    assert (told["points"], told["mistake"], told["helped"]) == (6, None, ["denoise-step"])
    assert "`denoise_step`" in told["message"]
    assert "not written yet" in question(fair, "stub", "denoise-step")["message"]
    assert "1 of 4 all the same" in question(fair, "mistaken", "denoise-step")["message"]
    assert "not written yet" in question(fair, "untouched", "denoise")["message"]


def test_nothing_of_a_right_helper_gets_out(fair):
    course, report = fair
    everything = [str(report), *(p.read_text(errors="replace") for p in course.root.glob("autograded/**/*.ipynb"))]
    everything += [path.read_text(errors="replace") for path in (course.root / "_build").rglob("*.json")]
    assert len(everything) > 2 * len(ANSWERS)
    for text in everything:
        assert SECRET not in text
        assert "LOAD_FAST" not in text
    assert "raise ValueError" in (course.root / f"autograded/thief/{NAME}/{NAME}.ipynb").read_text()


def test_second_sitting_that_does_not_end_leaves_the_submission_graded(fair):
    assert (fair[1]["slow"]["status"], question(fair, "slow", "denoise")["points"]) == ("graded", 0)


def test_nbgrader_reads_the_same_points_from_the_notebook(fair):
    course, _ = fair
    for student in ANSWERS:
        cells = [cell for cell in course.autograded(student).cells if cell.metadata.get("nbgrader", {}).get("grade")]
        assert sum(determine_grade(cell)[0] or 0 for cell in cells) == SCORES[student], student


def test_release_holds_no_right_helper(fair):
    text = (fair[0].root / "exercises" / NAME / f"{NAME}.ipynb").read_text()
    assert SECRET not in text
    assert nbformat.reads(text, 4).cells[-3].metadata.autograder.uses == ["denoise-step"]


def test_rubric_is_read_below_the_answer_and_not_handed_out(fair):
    course, _ = fair
    cells = course.autograded("right").cells
    number = next(number for number, cell in enumerate(cells) if cell.id == "explain")
    assert cells[number].source == "Because of the sign."
    assert "(3)" in cells[number + 1].source
    assert "- 1: names the sign\n- 2: says why" in cells[number + 1].source
    assert "rubric" not in (course.root / "exercises" / NAME / f"{NAME}.ipynb").read_text()
    done = course.run("nbgrader", "generate_assignment", NAME, "--force")
    assert done.returncode == 0, done.stderr
    assert "names the sign" not in (course.root / "exercises" / NAME / f"{NAME}.ipynb").read_text()


def test_nbgraders_own_command_gives_the_same(fair):
    course, _ = fair
    shutil.rmtree(course.root / "autograded" / "mistaken")
    done = course.run("nbgrader", "autograde", NAME, "--student=mistaken", "--force")
    assert done.returncode == 0, done.stderr
    assert course.scores()["mistaken"] == SCORES["mistaken"]

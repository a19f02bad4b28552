"""nbgrader's settings for this course: solutions -> exercises -> submitted -> autograded -> feedback.

Read by every `nbgrader` command and by `autograder`. To run another course directory of its own (its own class and
gradebook), copy this file there.
"""

import os
import sys
from pathlib import Path

c = get_config()  # noqa: F821 - nbgrader provides it

# nbgrader calls `alembic` by name when it makes a gradebook; it lies beside this Python, which need not be on PATH.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])

c.CourseDirectory.course_id = "sd-unet"
c.CourseDirectory.root = str(Path(__file__).resolve().parent)  # the gradebook is gradebook.db in there
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.CourseDirectory.submitted_directory = "submitted"
c.CourseDirectory.autograded_directory = "autograded"
c.CourseDirectory.feedback_directory = "feedback"
c.CourseDirectory.solution_directory = "_build/worked"  # `nbgrader generate_solution`
# Files beside a notebook that are never released or handed to a grading kernel. The sources are *.py.
c.CourseDirectory.ignore = [".*", "*.py", "*.pyc", "*.so", "*.pth", "__pycache__", "feedback"]

# exercises/ is committed, so on a fresh clone it is there already, and without this nbgrader would skip the
# assignment, not enter it in the gradebook, and then fail to grade it.
c.GenerateAssignment.force = True
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("write your answer here")'}
c.ClearSolutions.text_stub = "*Write your answer here.*"

c.Autograde.autograde_preprocessors = [
    "autograder.classroom.plugins.RunToTheEnd",  # for nbgrader's Execute: a dead or stuck kernel still leaves a grade
    "autograder.classroom.plugins.OnlyErrorsDecide",  # a warning on stderr or a cell's value changes no points
    "nbgrader.preprocessors.IgnorePattern",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.RunToTheEnd.timeout = 60  # seconds for one cell
c.RunToTheEnd.notebook_timeout = 300  # seconds for all cells of a notebook
c.RunToTheEnd.startup_timeout = 120  # seconds for a kernel to start, on a machine that is busy
c.RunToTheEnd.shutdown_kernel = "immediate"  # nothing to save; a graceful shutdown takes a second or more
c.RunToTheEnd.skip_cells_with_tag = ""  # a `skip-execution` tag would give an unexecuted check its full points

c.LimitOutput.max_lines = 500
c.LimitOutput.max_traceback = 60

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
# Nothing beside a notebook is released, graded or returned: nbgrader copies such files, and follows links. The first
# patterns stand for the directory of an assignment as a whole (02-inputs, not 02-inputs.ipynb), which nbgrader then
# passes over; the others for what the exchange would copy out of it. The sources are *.py.
c.CourseDirectory.ignore = ["[0-9][0-9]-*[!b]", "[0-9][0-9]-*[!n]b", "[0-9][0-9]-*[!y]nb"]
c.CourseDirectory.ignore += [".*", "*.py", "*.pyc", "*.so", "*.pth", "__pycache__", "feedback"]

# exercises/ is committed, so on a fresh clone it is there already, and without this nbgrader would skip the
# assignment, not enter it in the gradebook, and then fail to grade it.
c.GenerateAssignment.force = True
c.GenerateAssignment.exporter_class = "autograder.classroom.exporters.SourceExporter"  # the .py, as `autograder` does
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("write your answer here")'}
c.ClearSolutions.text_stub = "*Write your answer here.*"

c.Autograde.exporter_class = "autograder.classroom.exporters.TolerantExporter"  # reads what nbformat refuses
c.Autograde.autograde_preprocessors = [
    "autograder.classroom.plugins.SitExam",  # for nbgrader's Execute: the sandbox, and marking outside of it
    "nbgrader.preprocessors.IgnorePattern",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.GenerateFeedback.exporter_class = "autograder.classroom.feedback_page.FeedbackExporter"
# What one submission may use; `autograder grade` keeps to it, too.
c.SitExam.cell_seconds = 60
c.SitExam.notebook_seconds = 300
c.SitExam.memory_mb = 3072
c.SitExam.processes = 128  # with their threads
c.SitExam.disk_mb = 64
# c.SitExam.unsandboxed = True  # where there is no sandbox (`autograder doctor`): only for people you trust

# Feedback and Formgrader show a learner's code; some of it would colour for hours.
c.HTMLExporter.filters = {"highlight_code": "autograder.classroom.colour_code.colour_code"}

c.LimitOutput.max_lines = 500
c.LimitOutput.max_traceback = 60

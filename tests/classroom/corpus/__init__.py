"""The hostile corpus: submissions that cheat, break, or slow down a grader, and honest ones that look odd.

Each is a few lines that make one submission, with the points that its honest part is worth. They attack the small
exercise tests/classroom/data/02-corpus.py, which gives 2 points for `broadcast_embedding`, 3 for `denoise_step`, 5 for
`PaddedConv2D`. `tests/classroom/test_corpus.py` grades them as classes.
"""

from tests.classroom.corpus.submission import AXES, CONV, NAME, RIGHT, STEP, Submission

__all__ = ["AXES", "CONV", "NAME", "RIGHT", "STEP", "Submission", "everything"]


def everything() -> dict[str, list[Submission]]:
    """All submissions of the corpus, by the class that they are graded in."""
    from tests.classroom.corpus import classes, dying, files, greedy, honest, interpreter, notebooks, reaching, sheets

    quiet = (notebooks, files, interpreter, sheets, classes, reaching, honest)
    return {
        "quiet": [submission for module in quiet for submission in module.SUBMISSIONS],
        "greedy": [submission for module in (dying, greedy) for submission in module.SUBMISSIONS],
    }

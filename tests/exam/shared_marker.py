"""Markers that several files of tests share, which stay in one process for it (see `together` in tests/conftest.py).

What marking works out for one answer, pairs of mistakes above all, it knows for the next one on the same paper.
"""

from functools import cache

from autograder.exam import make_paper
from autograder.exam.marking import Marker
from autograder.questions import find

SEED = 31


@cache
def marker(question_id: str) -> Marker:
    """The marker of one paper to a question."""
    question = find(question_id)
    return Marker(question, make_paper(question, SEED))

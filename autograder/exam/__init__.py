"""Trusted: makes the paper, marks the answer, says what is wrong."""

from autograder.exam.check import CheckFailed, check
from autograder.exam.marking import mark
from autograder.exam.paper_from_seed import make_paper
from autograder.exam.verdict import Verdict

__all__ = ["CheckFailed", "Verdict", "check", "make_paper", "mark"]

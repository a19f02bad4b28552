"""Trusted: what is asked, which answers are right, and the mistakes that are known by name.

One subpackage an exercise.
"""

from autograder.questions.question import Case, Mistake, Pick, Question, RandomInput
from autograder.questions.registry import exercises, find

__all__ = ["Case", "Mistake", "Pick", "Question", "RandomInput", "exercises", "find"]

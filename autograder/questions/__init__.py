"""Trusted: what is asked, which answers are right, and the mistakes that are known by name.

One subpackage an exercise.
"""

from autograder.questions.question import Case, Draw, Mistake, Pick, Question
from autograder.questions.registry import exercises, find

__all__ = ["Case", "Draw", "Mistake", "Pick", "Question", "exercises", "find"]

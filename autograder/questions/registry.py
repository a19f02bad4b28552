"""Finds a question by its id. An exercise's module is imported when one of its questions is asked for."""

import importlib

from autograder.questions.question import Question

# Exercise -> module of this package that holds its `QUESTIONS`.
EXERCISES = {
    "03-resblock": "resblock",
}


def exercises() -> dict[str, tuple[Question, ...]]:
    """All questions, by exercise, in the order of the notebooks."""
    return {
        exercise: importlib.import_module(f"autograder.questions.{module}").QUESTIONS
        for exercise, module in EXERCISES.items()
    }


def find(question_id: str) -> Question:
    """The question called `question_id`.

    Raises:
        KeyError: if there is none; the message lists those there are.
    """
    known = {question.id: question for questions in exercises().values() for question in questions}
    if question_id not in known:
        raise KeyError(f"`question_id` must be one of {', '.join(known)}. Received: {question_id!r}")
    return known[question_id]

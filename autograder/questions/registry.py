"""Finds a question by its id."""

import importlib

from autograder.questions.question import Question

# Exercise -> subpackage of this package that holds its `QUESTIONS`.
EXERCISES = {
    "01-denoising": "denoising",
    "02-inputs": "inputs",
    "03-resblock": "resblock",
    "04-spatial-transformer": "spatial_transformer",
    "05-transformer-block": "transformer_block",
    "06-cross-attention": "cross_attention",
    "07-down-flow": "down_flow",
    "08-up-flow": "up_flow",
    "09-unet": "unet",
    "10-sampling": "sampling",
    "11-training": "training",
    "12-text-to-picture": "text_to_picture",
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

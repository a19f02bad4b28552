"""Two mistakes in random numbers, which no two draws have alike; exceptions of one kind."""

import numpy as np
import pytest

from autograder.exam.comparing import complains_alike
from autograder.questions import find
from autograder.sitting.paper import LearnerError
from autograder.sitting.run import sit
from tests.exam.test_pairs import marker, sat


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("noise-three-channels", "noise-uniform"),
        ("noise-sides-swapped", "noise-scaled"),
        ("noise-of-the-picture", "noise-shifted"),
        ("noise-one-channel", "noise-fixed-seed"),
    ],
)
def test_two_mistakes_in_random_numbers_are_named_by_shape_and_statistics(one, other):
    verdict = marker("initial-noise").mark(sat("initial-noise", one, other))
    assert set(verdict.mistakes) == {one, other}, verdict.message


def test_random_numbers_that_no_pair_gives_are_not_explained():
    question = find("initial-noise")

    def initial_noise(batch, height, width, seed):
        return (3.7 + 0.3 * np.random.default_rng(seed).standard_normal((batch, height // 8, width // 8, 3))).astype(
            "f4"
        )

    assert marker(question.id).mark(sit(marker(question.id).paper, initial_noise)).mistakes == ()


WORDS = "SpatialTransformer must be called on [x, context] with 4 and 3 axes. Received: "
PART = "attend, function: ; weights ; raised "


def test_an_exception_of_one_kind_is_known_whatever_its_sizes():
    def raised(message):
        return LearnerError("call", "ValueError", message)

    mine = raised(f"{WORDS}(None, 1, 2, 64), (None, 8) (after 1 ResBlock)")
    assert complains_alike(mine, raised(f"{PART}{WORDS}(3, 8, 4, 64), (3, 9) (after 4 ResBlock)"))
    assert not complains_alike(mine, raised(f"{PART}operands of shapes (3, 8)"))

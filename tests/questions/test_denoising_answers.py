"""Right answers to exercise 01 written very differently pass; the tolerance separates right from nearly right."""

import itertools
import math

import numpy as np
import pytest
from keras import ops

from autograder.exam import make_paper
from autograder.exam.marking import Marker
from autograder.questions import find
from autograder.questions.denoising import denoise_step
from autograder.sitting.run import sit


def in_numpy(image, desired, alpha):
    image, desired = np.array(image), np.asarray(desired)
    image -= alpha * (image - desired)  # in place, in an array of its own
    return image


def pixel_by_pixel(image, desired, alpha):
    pixels = zip(np.ravel(image), np.ravel(desired), strict=True)
    return ops.reshape(ops.convert_to_tensor([p + alpha * (d - p) for p, d in pixels]), image.shape)


def weighted_mean(image, desired, alpha):
    return ops.add(ops.multiply(1 - alpha, image), ops.multiply(alpha, desired))


def by_weights(image, desired, alpha):
    """The two pictures as one array, summed over with two weights."""
    return np.einsum("i,i...->...", np.array([1 - alpha, alpha]), np.stack([image, desired]))  # float64


def back_from_the_end(image, desired, alpha):
    """The error that is left, put on the desired picture."""
    error = ops.subtract(image, desired)
    return ops.add(desired, error - error * alpha)


def preallocated(image, desired, alpha, steps):
    pictures = np.zeros((steps + 1, *image.shape), "float32")
    pictures[0] = image
    for t in range(steps):
        pictures[t + 1] = in_numpy(pictures[t], desired, alpha)
    return pictures


def closed_form(image, desired, alpha, steps):
    left = (1 - alpha) ** np.arange(steps + 1, dtype="float32")
    left = left.reshape(-1, *(1 for _ in image.shape))
    return desired + left * (image - desired)


def accumulated(image, desired, alpha, steps):
    """As a running fold, gathered along the last axis and turned to the front."""
    pictures = itertools.accumulate(range(steps), lambda now, _: weighted_mean(now, desired, alpha), initial=image)
    return ops.moveaxis(ops.stack(list(pictures), axis=-1), -1, 0)


def scanned(image, desired, alpha, steps):
    """The loop inside Keras."""

    def turn(now, _):
        after = now + alpha * (desired - now)
        return after, after

    _, pictures = ops.scan(turn, image, length=steps)
    return ops.concatenate([image[None], pictures])


def recursive(image, desired, alpha, steps):
    if steps == 0:
        return image[None]
    rest = recursive(denoise_step(image, desired, alpha), desired, alpha, steps - 1)
    return ops.concatenate([ops.expand_dims(image, 0), rest], axis=0)


def error_by_loop(alpha, steps):
    error = 1
    for _ in range(steps):
        error -= alpha * error
    return error


def error_by_pictures(alpha, steps):
    """Runs the steps on a picture of one pixel that starts at distance 1."""
    return preallocated(np.ones(1), np.zeros(1), alpha, steps)[-1, 0]


def count_by_loop(alpha, share):
    steps, left = 0, 1.0
    while left > share:
        steps, left = steps + 1, left - alpha * left
    return steps


def count_by_pictures(alpha, share):
    """Runs 500 steps on a picture of one pixel, and counts those after which too much is left."""
    left = preallocated(np.ones(1), np.zeros(1), alpha, 500)[:, 0]
    return int(np.sum(left > share))


ANSWERS = [
    ("denoise-step", in_numpy),
    ("denoise-step", pixel_by_pixel),
    ("denoise-step", weighted_mean),
    ("denoise-step", by_weights),
    ("denoise-step", back_from_the_end),
    ("denoise", preallocated),
    ("denoise", closed_form),
    ("denoise", recursive),
    ("denoise", accumulated),
    ("denoise", scanned),
    ("remaining-error", lambda alpha, steps: math.pow(1 - alpha, steps)),
    ("remaining-error", lambda alpha, steps: ops.power(1.0 - alpha, float(steps))),
    ("remaining-error", lambda alpha, steps: math.prod([1 - alpha] * steps)),
    ("remaining-error", error_by_loop),
    ("remaining-error", error_by_pictures),
    ("count-steps", count_by_loop),
    ("count-steps", count_by_pictures),
    ("count-steps", lambda alpha, share: np.ceil(np.log(share) / np.log1p(-alpha))),
]


@pytest.mark.parametrize(("question_id", "answer"), ANSWERS)
@pytest.mark.parametrize("scale", ["tiny", "full"])
def test_denoising_accepts_other_ways_of_writing(question_id, answer, scale):
    question = find(question_id)
    paper = make_paper(question, 3, scale)
    verdict = Marker(question, paper).mark(sit(paper, answer))
    assert verdict.passed, verdict.message


@pytest.mark.parametrize("alpha_off", [3e-3, -3e-3])
def test_denoise_step_refuses_an_alpha_that_is_a_little_off(alpha_off):
    """An alpha off by 0.003 moves a picture by about 0.4 %, forty times the tolerance."""
    question = find("denoise-step")
    paper = make_paper(question, 3)
    assert not Marker(question, paper).mark(sit(paper, lambda i, d, a: denoise_step(i, d, a + alpha_off))).passed


def test_remaining_error_refuses_a_constant():
    question = find("remaining-error")
    for value in (0.0, 0.5, 1.0):
        paper = make_paper(question, 3)
        assert not Marker(question, paper).mark(sit(paper, lambda alpha, steps, value=value: value)).passed

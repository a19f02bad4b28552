"""The mistakes of exercise 01, each an answer that is wrong in one way."""

import math

from keras import ops

from autograder.questions.question import Mistake

STEP, LOOP, ERROR = "One step", "Many steps", "How the error shrinks"


def _step(image, desired, alpha):
    return image - alpha * (image - desired)


def _states(image, desired, alpha, steps, step=_step):
    """All pictures from the start on, as a list."""
    pictures = [image]
    for _ in range(steps):
        pictures.append(step(pictures[-1], desired, alpha))
    return pictures


def _stacked(change):
    """An answer to `denoise` that gives `change(list of all pictures)`, stacked."""
    return lambda image, desired, alpha, steps: ops.stack(change(_states(image, desired, alpha, steps)))


def _with_step(step):
    """An answer to `denoise` whose single steps are wrong."""
    return lambda image, desired, alpha, steps: ops.stack(_states(image, desired, alpha, steps, step))


def _from_the_start(image, desired, alpha, steps):
    """Every step begins at the first picture again."""
    return ops.stack([image] + [_step(image, desired, alpha)] * steps)


def _straight(image, desired, alpha, steps):
    """Each step as long as the first one."""
    return ops.stack([image - alpha * t * (image - desired) for t in range(steps + 1)])


STEP_MISTAKES = (
    Mistake(
        "step-away",
        lambda image, desired, alpha: image + alpha * (image - desired),
        "The step leads away from the desired picture: a sign is turned round.",
        "The difference from the desired picture must be taken off; added, it grows from step to step.",
        STEP,
    ),
    Mistake(
        "step-whole-way",
        lambda image, desired, alpha: desired + 0 * image,
        "The desired picture itself came back: alpha has no effect.",
        "The step goes only the share alpha of the way; the picture must still show where it came from.",
        STEP,
    ),
    Mistake(
        "step-weights-swapped",
        lambda image, desired, alpha: alpha * image + (1 - alpha) * desired,
        "The two weights are swapped: alpha weighs the picture that is left, one minus alpha the desired one.",
        "With a small alpha a step is to be small; here a small alpha makes it large.",
        STEP,
    ),
    Mistake(
        "step-change-only",
        lambda image, desired, alpha: alpha * (desired - image),
        "Only the change came back, not the picture with the change made.",
        "The next step starts from what this one returns, so that has to be a picture.",
        STEP,
    ),
    Mistake(
        "step-difference-only",
        lambda image, desired, alpha: alpha * (image - desired),
        "Only the share of the difference came back; it is to be taken off the picture.",
        "The next step starts from what this one returns, so that has to be a picture.",
        STEP,
    ),
    Mistake(
        "step-desired-forgotten",
        lambda image, desired, alpha: image - alpha * image,
        "The desired picture has no effect: the picture only gets fainter.",
        "Without it every picture would end as nothing at all.",
        STEP,
    ),
    Mistake(
        "step-desired-subtracted",
        lambda image, desired, alpha: image - alpha * desired,
        "A share of the desired picture is taken off; what is to be taken off is a share of the difference from it.",
        "The difference becomes zero on arrival and stops the movement; the desired picture itself does not.",
        STEP,
    ),
    Mistake(
        "step-parentheses-missing",
        lambda image, desired, alpha: image - alpha * image - desired,
        "Alpha multiplies the picture alone: parentheses around the difference are missing.",
        "Without them the whole desired picture is taken off at every step.",
        STEP,
    ),
    Mistake(
        "step-parentheses-early",
        lambda image, desired, alpha: (image - alpha) * (image - desired),
        "Alpha is taken off the picture and the result multiplied with the difference: parentheses are misplaced.",
        "Alpha is a share, without a unit: it can only multiply.",
        STEP,
    ),
    Mistake(
        "step-unchanged",
        lambda image, desired, alpha: image + 0 * desired,
        "The picture came back as it was.",
        "Keras tensors cannot be changed in place: the result of a step has to be returned.",
        STEP,
    ),
    Mistake(
        "step-clipped",
        lambda image, desired, alpha: ops.clip(_step(image, desired, alpha), 0, 1),
        "The values were cut off at 0 and 1.",
        "The pictures that a UNet works on are latents: their values may be negative, or large.",
        STEP,
    ),
    Mistake(
        "step-alpha-divided",
        lambda image, desired, alpha: image - (image - desired) / alpha,
        "The difference is divided by alpha; alpha is the share of it that is taken off.",
        "Divided, a small alpha makes a huge step far past the desired picture.",
        STEP,
    ),
)

LOOP_MISTAKES = (
    Mistake(
        "denoise-start-missing",
        _stacked(lambda pictures: pictures[1:]),
        "The picture before the first step is missing.",
        "The start counts too: without it nobody can see what the first step did.",
        LOOP,
    ),
    Mistake(
        "denoise-end-missing",
        _stacked(lambda pictures: pictures[:-1]),
        "The picture after the last step is missing.",
        "It is the one that all the steps were made for.",
        LOOP,
    ),
    Mistake(
        "denoise-end-only",
        lambda *arguments: _states(*arguments)[-1],
        "Only the picture after the last step came back.",
        "All of them are asked for, to see how the noise goes.",
        LOOP,
    ),
    Mistake(
        "denoise-step-too-many",
        lambda image, desired, alpha, steps: ops.stack(_states(image, desired, alpha, steps + 1)),
        "One step too many was made.",
        "Steps lie between pictures, so there is one picture more than steps, not two.",
        LOOP,
    ),
    Mistake(
        "denoise-from-the-start",
        _from_the_start,
        "Every step begins at the first picture again, so that all pictures after it are the same.",
        "A step must begin where the one before it ended.",
        LOOP,
    ),
    Mistake(
        "denoise-straight",
        _straight,
        "All steps are as long as the first one.",
        "The difference must be taken anew at each step: steps get shorter as the picture gets nearer.",
        LOOP,
    ),
    Mistake(
        "denoise-alpha-shared-out",
        lambda image, desired, alpha, steps: ops.stack(_states(image, desired, alpha / steps, steps)),
        "Alpha is divided by the number of steps.",
        "Alpha is the share of each single step, however many there are.",
        LOOP,
    ),
    Mistake(
        "denoise-axis-last",
        lambda *arguments: ops.stack(_states(*arguments), axis=-1),
        "The steps are the last axis; they are to be the first.",
        "The first index is to choose a step, and what it gives is to be a picture of the shape that went in.",
        LOOP,
    ),
    Mistake(
        "denoise-axis-second",
        lambda *arguments: ops.stack(_states(*arguments), axis=1),
        "The steps are the second axis; they are to be the first.",
        "The first index is to choose a step, and what it gives is to be a picture of the shape that went in.",
        LOOP,
    ),
    Mistake(
        "denoise-no-new-axis",
        lambda *arguments: ops.concatenate(_states(*arguments)),
        "The pictures are joined along an axis they already had; the steps need a new axis of their own.",
        "Joined along the batch, nobody can tell any more which step a picture belongs to.",
        LOOP,
    ),
    Mistake(
        "denoise-list",
        _states,
        "A list of pictures came back; one tensor is asked for, with the steps as its first axis.",
        "A tensor has one shape and can be sliced: all steps at once, one picture of the batch, one pixel over time.",
        LOOP,
    ),
    Mistake(
        "denoise-backwards",
        _stacked(lambda pictures: pictures[::-1]),
        "The pictures are in reverse: the last step comes first.",
        "Index 0 is the start, as in time.",
        LOOP,
    ),
    Mistake(
        "denoise-away",
        _with_step(lambda image, desired, alpha: image + alpha * (image - desired)),
        "The steps lead away from the desired picture: a sign is turned round.",
        "The difference grows from step to step instead of shrinking.",
        LOOP,
    ),
    Mistake(
        "denoise-start-twice",
        lambda *arguments: ops.stack([arguments[0], *_states(*arguments)[:-1]]),
        "The start comes twice and the last step is missing: the picture is kept before the step is made.",
        "A picture must be kept after its step, or all of them come one step late.",
        LOOP,
    ),
)

ERROR_MISTAKES = (
    Mistake(
        "remaining-linear",
        lambda alpha, steps: 1 - alpha * steps,
        "The error shrinks by the same amount at each step here; it shrinks by the same factor.",
        "Each step takes off a share of what is left, and what is left gets smaller.",
        ERROR,
    ),
    Mistake(
        "remaining-of-what-went",
        lambda alpha, steps: 1 - (1 - alpha) ** steps,
        "This is the share of the error that is gone, not the share that is left.",
        "The two sum to one.",
        ERROR,
    ),
    Mistake(
        "remaining-alpha-power",
        lambda alpha, steps: alpha**steps,
        "The power is taken of alpha, which is the share that goes at each step.",
        "What stays at each step is the rest, and it is the rest that multiplies up.",
        ERROR,
    ),
    Mistake(
        "remaining-power-first",
        lambda alpha, steps: 1 - alpha**steps,
        "The power is taken of alpha before it is taken off one: parentheses are missing.",
        "Python raises to a power before it subtracts.",
        ERROR,
    ),
    Mistake(
        "remaining-multiplied",
        lambda alpha, steps: (1 - alpha) * steps,
        "The factor of one step is multiplied by the number of steps; it has to be applied once for each step.",
        "Factors that follow each other multiply with each other.",
        ERROR,
    ),
    Mistake(
        "remaining-exponential",
        lambda alpha, steps: math.exp(-alpha * steps),
        "This is the exponential decay that many tiny steps come close to, not the exact factor.",
        "For a small alpha the two are nearly equal; for a large one they are not.",
        ERROR,
    ),
    Mistake(
        "remaining-squared",
        lambda alpha, steps: (1 - alpha) ** (2 * steps),
        "This is what is left of the squared error.",
        "The error here is the size of the difference itself.",
        ERROR,
    ),
    Mistake(
        "remaining-one-step",
        lambda alpha, steps: 1 - alpha,
        "This is the factor of one step: the number of steps has no effect.",
        "Each further step multiplies what is left by the same factor.",
        ERROR,
    ),
    Mistake(
        "remaining-step-more",
        lambda alpha, steps: (1 - alpha) ** (steps + 1),
        "One step too many is counted.",
        "After no step at all the whole error is left.",
        ERROR,
    ),
    Mistake(
        "remaining-grows",
        lambda alpha, steps: (1 + alpha) ** steps,
        "The error grows here: a sign is turned round.",
        "A step towards the desired picture leaves less than there was.",
        ERROR,
    ),
    Mistake(
        "remaining-harmonic",
        lambda alpha, steps: 1 / (1 + alpha * steps),
        "The error is divided by a sum here; it shrinks by the same factor at each step.",
        "Divided by a sum, the error would shrink more and more slowly, and the first step would leave too much.",
        ERROR,
    ),
    Mistake(
        "remaining-percent",
        lambda alpha, steps: 100 * (1 - alpha) ** steps,
        "The share is given in per cent; it is to be a number from 0 to 1.",
        "A share can be multiplied with the first error to give what is left of it.",
        ERROR,
    ),
)

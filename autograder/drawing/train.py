"""`train`: a learner's loss trains the practice UNet, and pictures show how far it is."""

import time
from numbers import Integral

import keras

from autograder.sitting.keras_settings import COURSE, under
from autograder.sitting.quiet import quiet
from autograder.small_model.practice import COMMAND, PARTS, PROMPTS, Batches, draw_practice, make_world, practise

SHOWN = (1 / 8, 1 / 3, 1)  # pictures are shown when so much is done, and before it begins
ONLY_EAGER = (
    "Your step works on numbers, but not inside of Keras' training, where tensors have no values yet and gradients are "
    "taken: use keras.ops in place of NumPy, and `ops.take(alpha_bars, timesteps)` for the shares."
)


class CannotTrain(RuntimeError):
    """A learner's step runs, and cannot be trained with."""


def train(one_step, eps_from_velocity, steps=3000, seed=0):
    """Trains a small UNet by your loss, from random weights, and shows what it draws on the way.

    Args:
        one_step: your function of `(world, x0, context, chance)`; returns the loss of one batch.
        eps_from_velocity: your function of `(x_t, v, alpha_bar)`; returns the noise.
        steps: number of batches. The learning rate falls to 0 by the last one.
        seed: of the weights and of the batches.

    Returns:
        The trained network.

    Raises:
        ValueError: for arguments that cannot be.
        CannotTrain: if the step's gradients cannot be taken.
    """
    _refuse(one_step, eps_from_velocity, steps)
    if not PARTS.exists():
        print(f"Nothing is trained: this copy of the course has no decoder. `python -m {COMMAND}` makes one.")
        return None
    with quiet(), under(COURSE):
        world = make_world(seed)
    _try(one_step, world, seed)
    job = _Job(world, eps_from_velocity, steps)
    job.show(0, None)
    try:
        with quiet(), under(COURSE):
            curve = practise(world, one_step, steps, job.report, seed)
    except (KeyboardInterrupt, MemoryError):
        raise
    except Exception as error:
        raise CannotTrain(f"{ONLY_EAGER} Received: {type(error).__name__}: {' '.join(str(error).split())}") from error
    show_curve(curve)
    return world.unet


def _refuse(one_step, eps_from_velocity, steps):
    for name, function in {"one_step": one_step, "eps_from_velocity": eps_from_velocity}.items():
        if not callable(function):
            raise ValueError(f"`{name}` must be your function. Received: {function!r}")
    if isinstance(steps, bool) or not isinstance(steps, Integral) or steps < 1:
        raise ValueError(f"`steps` must be a whole number from 1. Received: steps={steps!r}")


def _try(one_step, world, seed):
    """One step on numbers, so that an error in it is the learner's own, as it is.

    Raises:
        ValueError: if it gives no number.
    """
    batch, _ = Batches(1, seed)[0]
    with under(COURSE):
        x0, context = (keras.ops.convert_to_tensor(batch[name]) for name in ("x0", "context"))
        loss = one_step(world, x0, context, keras.random.SeedGenerator(seed))
    shape = getattr(loss, "shape", None)
    if shape is None or tuple(shape) != ():
        received = type(loss).__name__ if shape is None else f"shape {tuple(shape)}"
        raise ValueError(f"`one_step` must return a scalar tensor. Received: {received}")


class _Job:
    """Shows pictures while a world is trained, and says how long it will take.

    Args:
        world: what is trained.
        eps_from_velocity: makes noise of what its network answers.
        steps: how many there will be.
    """

    def __init__(self, world, eps_from_velocity, steps):
        self.world, self.eps_from_velocity, self.steps = world, eps_from_velocity, steps
        self.left = [round(share * steps) for share in SHOWN]
        self.first = 0, 0.0  # when the first steps were done: what comes before is compiling

    def report(self, step, loss):
        now = time.monotonic()
        if not self.first[0]:
            self.first = step, now
        elif step < self.steps:
            print(f"\r{self._time_left(step, now)}", end="", flush=True)
        if self.left and step >= self.left[0]:
            self.left = [shown for shown in self.left if shown > step]
            self.show(step, loss)

    def _time_left(self, step, now):
        seconds = (now - self.first[1]) / (step - self.first[0]) * (self.steps - step)
        return f"{step} steps of {self.steps}; about {max(seconds, 1) / 60:.1f} minutes left "

    def show(self, step, loss):
        pictures = draw_practice(self.world, self.eps_from_velocity)
        title = "before the first step" if loss is None else f"after {step} steps; loss {loss:.2f}"
        show_pictures(pictures, title, PROMPTS if loss is None else ())


def show_pictures(pictures, title, prompts=()):
    """A row of pictures under a title; with the prompts below it, if there are any."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(pictures), figsize=(1.3 * len(pictures), 1.7), layout="constrained")
    for axis, picture, prompt in zip(axes, pictures, prompts or [""] * len(pictures), strict=True):
        axis.imshow(picture)
        axis.set_axis_off()
        axis.set_title(prompt.replace(" on ", "\non "), fontsize=8)
    figure.suptitle(title, fontsize=10)
    _show(figure)


def show_curve(curve):
    """The loss over the steps."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(5, 2.6), layout="constrained")
    axis.plot(*zip(*curve, strict=True), marker="." if len(curve) == 1 else "")
    axis.axhline(1, color="gray", linestyle=":")
    axis.set(xlabel="step", ylabel="loss", ylim=(0, None))
    _show(figure)


def _show(figure):
    import matplotlib.pyplot as plt

    if plt.get_backend().lower() != "agg":  # which has no screen
        plt.show()
    plt.close(figure)

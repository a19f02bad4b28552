"""`draw`: a learner's blocks draw a picture, and the reference's draw it from the same noise.

Both UNets hold the same trained weights, so right blocks give the same picture.
"""

import contextlib
import gc
from dataclasses import dataclass, field

import keras
import numpy as np
from keras import ops

from autograder.drawing.assembly import Mixed, mix, uses_unet
from autograder.drawing.mixing import FLOWS, BlockError, attempt, random_inputs
from autograder.drawing.placing import AGREES
from autograder.exam.comparing import relative_error
from autograder.sitting.keras_settings import COURSE, under
from autograder.sitting.quiet import quiet
from autograder.small_model.block_kinds import LAYERS
from autograder.small_model.ddim import SAMPLING, initial_noise, sample, with_eps
from autograder.small_model.model import FOLDER, WEIGHTS, decode, encode_prompts, load_unet, trained_unet
from autograder.small_model.pictures import SIDE
from autograder.small_model.programs import lean_graphs

STEPS = 12  # with more of them no more pictures are right, see `python -m autograder.small_model.score`
NAMES = (*LAYERS, "td_dot", *FLOWS, "initial_noise", *SAMPLING)
# Relative L2 error up to which two latents show the same picture: the two forms of GELU come to a hundredth of it.
SAME = 0.05
REFERENCES: dict = {}  # the reference's latents, by all that they depend on


@dataclass(frozen=True)
class Settings:
    """How a picture is drawn.

    Args:
        seed: of the noise.
        scale: guidance; 1 is without.
        steps: number of DDIM steps.
    """

    seed: int = 0
    scale: float = 4.0
    steps: int = STEPS


@dataclass
class Drawing:
    """What `draw` shows.

    Args:
        prompt: what was drawn.
        mine: the picture of the learner's blocks, uint8 `(64, 64, 3)`, or None if none of theirs could be used.
        reference: the reference's picture.
        used: names of the learner's blocks in `mine`.
        error: relative L2 error of `mine`'s latent, or None.
        different: names of the blocks that compute something else.
        notes: what else should be said, a line each.
    """

    prompt: str
    mine: np.ndarray | None
    reference: np.ndarray
    used: tuple[str, ...] = ()
    error: float | None = None
    different: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)

    @property
    def verdict(self):
        """One sentence: whether the pictures agree, and if not, because of which block."""
        if self.error is None:
            return ""
        names = _listed(self.used)
        if self.error <= SAME:
            return f"The same picture: your {names} and the reference's agree (relative error {self.error:.1g})."
        if self.different:
            verb = "computes" if len(self.different) == 1 else "compute"
            return f"Another picture: your {_listed(self.different)} {verb} something else than the reference's."
        return f"Another picture (relative error {self.error:.1g}), though each of your blocks alone agrees."


def draw(prompt, seed=0, scale=4.0, steps=STEPS, **blocks):
    """Draws a prompt with your blocks in the trained UNet, beside the reference's picture from the same noise.

    Args:
        prompt: what to draw, for example "a red circle left of a white cross on black".
        seed: of the noise. Another seed draws another picture of the same prompt.
        scale: guidance; 1 is without.
        steps: number of DDIM steps.
        **blocks: your classes and functions by name, for example `ResBlock=ResBlock`. Where none is given the
            reference's is used.

    Raises:
        ValueError: for a word the model does not know, or a name that is no block's; the message lists those there are.
    """
    if not (FOLDER / WEIGHTS).exists():
        print("Nothing is drawn: this copy of the course has no trained weights. `make train` makes them.")
        return
    shown = _Bar(steps * (2 if blocks else 1))
    drawing = make_drawing(prompt, blocks, Settings(seed, scale, steps), shown)
    shown.finish()
    for note in drawing.notes:
        print(note)
    show(drawing)


def make_drawing(prompt, blocks=None, settings=Settings(), progress=None, folder=None):
    """What `draw` shows, without showing it.

    Args:
        prompt: what to draw.
        blocks: dict of the learner's blocks by name.
        settings: seed, guidance and steps.
        progress: called without arguments after each call of a UNet, or None.
        folder: where the trained weights are, if not with the package.

    Returns:
        `Drawing`.
    """
    blocks = dict(blocks or {})
    unknown = sorted(set(blocks) - set(NAMES))
    if unknown:
        raise ValueError(f"`draw` takes blocks by these names: {', '.join(NAMES)}. Received: {', '.join(unknown)}")
    with quiet(), _garbage_left(), lean_graphs(), under(COURSE):  # without libraries' start-up messages
        return _Job(prompt, blocks, settings, progress, folder or FOLDER).run()


@contextlib.contextmanager
def _garbage_left():
    """Python's garbage collector waits until a drawing is done: what the first one makes has it scan all of
    TensorFlow's modules several times, which is a tenth of the wait."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Job:
    """One drawing: what goes in, and the steps in which it is made."""

    def __init__(self, prompt, blocks, settings, progress, folder):
        self.prompt, self.blocks, self.settings, self.folder = prompt, blocks, settings, folder
        self.progress = progress or (lambda: None)
        self.context, self.nothing = encode_prompts([prompt, ""], folder)[:, None]
        self.noise, self.notes = initial_noise(1, seed=settings.seed), []
        if "initial_noise" in blocks:
            self._own_noise()

    def run(self):
        own = self._own_latent()
        reference = self._reference_latent()
        latents = [reference] if own is None else [reference, own]
        pictures = decode(np.concatenate(latents), self.folder)
        if own is None:
            return Drawing(self.prompt, None, pictures[0], notes=self.notes)
        error = relative_error(own, reference)
        different = self._different(reference) if error > SAME else ()
        notes = [*self.notes, *self.mixed.notes.values()] if error > SAME else self.notes
        return Drawing(self.prompt, pictures[1], pictures[0], tuple(self.blocks), error, different, notes)

    def _own_noise(self):
        """The learner's noise, from which then both pictures start."""
        make = self.blocks["initial_noise"]
        try:
            noise = attempt(
                "initial_noise", lambda: np.array(ops.convert_to_numpy(make(1, SIDE, SIDE, self.settings.seed)))
            )
            if noise.shape != self.noise.shape:
                raise BlockError("initial_noise", f"must make {self.noise.shape}, but made {noise.shape}")
        except BlockError as error:
            self._drop(error)
        else:
            self.noise = noise.astype("float32")

    def _drop(self, error):
        self.notes.append(f"{error}. The reference's takes its place.")
        del self.blocks[error.name]

    def _own_latent(self):
        """What the learner's blocks draw, without those that fail; None if none is left."""
        while self.blocks:
            try:
                return self._latent(self._own_unet(), self._sampling())
            except BlockError as error:
                self._drop(error)
        return None

    def _own_unet(self):
        """The UNet made of the learner's blocks, or the trained one itself if none of them goes into it."""
        learner, trained = uses_unet(self.blocks), trained_unet(self.folder)
        self.mixed = mix(learner, trained) if learner else Mixed(trained)
        return with_eps(self.mixed.unet) if learner else load_unet(self.folder)

    def _sampling(self):
        """The learner's functions of the sampling, such that an error of theirs has their name."""
        return {
            name: lambda *a, _name=name, _f=function, **k: attempt(_name, lambda: _f(*a, **k))
            for name, function in self.blocks.items()
            if name in SAMPLING
        }

    def _latent(self, unet, parts):
        settings = self.settings
        start = (unet, self.noise, self.context, self.nothing, settings.steps, settings.scale)
        return sample(*start, progress=lambda *_: self.progress(), parts=parts)

    def _reference_latent(self):
        """The reference's latent, which a learner who draws the same prompt again need not wait for."""
        key = (self.prompt, self.settings, self.folder, self.noise.tobytes())
        if key not in REFERENCES:
            REFERENCES[key] = self._latent(load_unet(self.folder), {})
        return REFERENCES[key]

    def _different(self, reference):
        """The names of the blocks that make the difference."""
        different = [name for name, error in self.mixed.errors.items() if error > AGREES]
        alone = [name for name in uses_unet(self.blocks) if name not in self.mixed.errors]
        different += [name for name in alone if self._unet_differs(name)]
        functions = self._sampling()
        for name, function in functions.items():
            latent = self._latent(load_unet(self.folder), {name: function})
            if relative_error(latent, reference) > SAME:
                different.append(name)
        return tuple(name for name in self.blocks if name in different)

    def _unet_differs(self, name):
        """Whether one block alone, among the reference's, changes what the UNet gives."""
        trained = trained_unet(self.folder)
        inputs = random_inputs([tensor.shape[1:] for tensor in trained.inputs])
        outputs = [mix({name: self.blocks[name]}, trained).unet(inputs), trained(inputs)]
        return relative_error(*map(ops.convert_to_numpy, outputs)) > AGREES


def show(drawing):
    """Shows a drawing as a figure: the learner's picture beside the reference's."""
    import matplotlib.pyplot as plt

    figure = make_figure(drawing)
    if plt.get_backend().lower() != "agg":  # which has no screen
        plt.show()
    plt.close(figure)


def make_figure(drawing):
    """The matplotlib figure of a drawing."""
    import matplotlib.pyplot as plt

    panels = [("the reference's", drawing.reference)]
    if drawing.mine is not None:
        panels.insert(0, (f"yours: {_listed(drawing.used)}", drawing.mine))
    figure, axes = plt.subplots(1, len(panels), figsize=(3.2 * len(panels), 3.6), layout="constrained", squeeze=False)
    for axis, (title, picture) in zip(axes[0], panels, strict=True):
        axis.imshow(picture)
        axis.set_title(title, fontsize=9, wrap=True)
        axis.set_axis_off()
    figure.suptitle(drawing.prompt, fontsize=10)
    if drawing.verdict:
        figure.supxlabel(drawing.verdict, fontsize=9, wrap=True)
    return figure


def _listed(names):
    names = list(names)
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


class _Bar:
    """A progress bar in a terminal or a notebook."""

    def __init__(self, total):
        self.total, self.done = total, 0
        self.bar = self._start()
        self.bar.update(0)  # seen while the blocks are put in their places

    def _start(self):
        return keras.utils.Progbar(self.total, unit_name="step")

    def __call__(self):
        if not self.done:
            self.bar = self._start()  # the time left is told by the steps alone
        if self.done < self.total - 1:  # the last belongs to `finish`; a block that fails half way is drawn again
            self.done += 1
            self.bar.update(self.done)

    def finish(self):
        self.bar.update(self.total, finalize=True)

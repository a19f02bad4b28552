"""`draw`: a learner's blocks draw a picture, and the reference's draw it from the same noise.

Both UNets hold the same trained weights, so right blocks give the same picture.
"""

import contextlib
import gc
import math
from dataclasses import dataclass, replace
from numbers import Integral, Real

import keras
import numpy as np
from keras import ops

from autograder.adapters.backend import lean_graphs
from autograder.drawing.assembly import Mixed, mix, uses_unet
from autograder.drawing.mixing import FLOWS, BlockError, attempt, random_inputs
from autograder.drawing.placing import AGREES
from autograder.drawing.showing import SAME, Bar, Drawing, listed, show
from autograder.exam.checking import doubted
from autograder.exam.comparing import relative_error
from autograder.sitting.keras_settings import COURSE, under
from autograder.sitting.quiet import quiet
from autograder.small_model.block_kinds import LAYERS
from autograder.small_model.ddim import SAMPLING, TIMESTEPS, initial_noise, sample, with_eps
from autograder.small_model.model import FOLDER, WEIGHTS, decode, encode_prompts, load_unet, trained_unet
from autograder.small_model.networks import LATENT_SIDE
from autograder.small_model.painting import SIDE
from autograder.small_model.switchboard import ALL_ON, Switches, describe

STEPS = 12  # a learner waits for it; what 25 would add, says `python -m autograder.small_model.score`
NAMES = (*LAYERS, "td_dot", *FLOWS, "initial_noise", *SAMPLING)
REFERENCES: dict = {}  # the reference's latents, by all that they depend on


@dataclass(frozen=True)
class Settings:
    """How a picture is drawn.

    Args:
        seed: of the noise, a whole number from 0.
        scale: guidance; 1 is without.
        steps: number of DDIM steps, from 1 to 1000.
        without: what is switched off in the trained UNet.

    Raises:
        ValueError: for values that cannot be.
    """

    seed: int = 0
    scale: float = 4.0
    steps: int = STEPS
    without: Switches = ALL_ON

    def __post_init__(self):
        steps = f"a whole number from 1 to {TIMESTEPS}"
        rules = {
            "seed": (Integral, lambda seed: seed >= 0, "a whole number from 0"),
            "steps": (Integral, lambda steps: 1 <= steps <= TIMESTEPS, steps),
            "scale": (Real, math.isfinite, "a number"),
        }
        for name, (kind, fits, words) in rules.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, kind) or not fits(value):
                raise ValueError(f"`{name}` must be {words}. Received: {name}={value!r}")


def draw(prompt, seed=0, scale=4.0, steps=STEPS, without=(), **blocks):
    """Draws a prompt with your blocks in the trained UNet, beside the reference's picture from the same noise.

    Args:
        prompt: what to draw, for example "a red house left of a green tree by day".
        seed: of the noise. Another seed draws another picture of the same prompt.
        scale: guidance; 1 is without.
        steps: number of DDIM steps.
        without: a part of the trained UNet to switch off, or several: "skips", ("time", "head-1"). Drawn with none of
            your blocks, beside the picture of the whole network. `without="?"` lists them.
        **blocks: your classes and functions by name, for example `ResBlock=ResBlock`. Where none is given the
            reference's is used. One that leaves something out on purpose can say so, in an attribute `without`:
            `up_flow.without = "the largest maps"`.

    Raises:
        ValueError: for a word the model does not know, a name that is no block's, a block without its name, or a value
            that cannot be; the message lists what there is.
    """
    if not (FOLDER / WEIGHTS).exists():
        print("Nothing is drawn: this copy of the course has no trained weights. `make train` makes them.")
        return
    _refuse_unnamed([seed, scale, steps, without])
    if without == "?":
        print(describe())
        return
    settings = Settings(seed, scale, steps, Switches.of(without))
    shown = Bar(steps * (2 if blocks or without else 1))
    drawing = make_drawing(prompt, blocks, settings, shown)
    shown.finish()
    if drawing.used and drawing.same:  # a check looks closer than a picture
        drawing.doubts = doubted({name: blocks[name] for name in drawing.used})
    for note in drawing.notes:
        print(note)
    show(drawing)


def _refuse_unnamed(values):
    """A block that is given without a name stands where a number should."""
    for given in filter(callable, values):
        name = getattr(given, "__name__", "")
        how = f"{name}={name}" if name in NAMES else "for example ResBlock=ResBlock"
        raise ValueError(f"`draw` takes blocks by name: {how}. Received: {given!r}")


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
    for name, block in blocks.items():
        if not callable(block) or isinstance(block, keras.layers.Layer):
            what = "class, not a layer made of it" if isinstance(block, keras.layers.Layer) else "class or function"
            raise ValueError(f"`{name}` must be your {what}. Received: {name}={block!r}")
    if settings.without and blocks:
        raise ValueError(
            "`without` switches parts of the course's own network off, so it draws with none of your blocks. Received: "
            f"without={str(settings.without)!r} and {', '.join(blocks)}"
        )
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
        self.noise, self.notes = initial_noise(1, LATENT_SIDE, seed=settings.seed), []
        if "initial_noise" in blocks:
            self._own_noise()

    def run(self):
        if self.settings.without:
            return self._switched()
        own = self._own_latent()
        reference = self._reference_latent()
        latents = [reference] if own is None else [reference, own]
        pictures = decode(np.concatenate(latents), self.folder)
        if own is None:
            return Drawing(self.prompt, None, pictures[0], notes=self.notes)
        error = relative_error(own, reference)
        left_out = self._left_out()
        different = self._different(reference, left_out) if error > SAME else ()
        notes = [*self.notes, *self.mixed.notes.values()] if error > SAME else self.notes
        used, without = tuple(self.blocks), listed(left_out.values())
        return Drawing(self.prompt, pictures[1], pictures[0], used, error, different, notes, without)

    def _left_out(self):
        """What the learner's blocks say that they leave out on purpose, in words, by name."""
        said = {name: getattr(block, "without", "") for name, block in self.blocks.items()}
        return {name: words for name, words in said.items() if words and isinstance(words, str)}

    def _switched(self):
        """The picture of the network with something switched off, beside that of the whole one."""
        switches = self.settings.without
        unet = load_unet(self.folder, switches)
        own = self._latent(unet, {}, switches.context(self.context, self.nothing))
        reference = self._reference_latent()
        pictures = decode(np.concatenate([reference, own]), self.folder)
        error = relative_error(own, reference)
        return Drawing(self.prompt, pictures[1], pictures[0], error=error, without=str(switches))

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

    def _latent(self, unet, parts, context=None):
        settings, context = self.settings, self.context if context is None else context
        start = (unet, self.noise, context, self.nothing, settings.steps, settings.scale)
        return sample(*start, progress=lambda *_: self.progress(), parts=parts)

    def _reference_latent(self):
        """The reference's latent, which a learner who draws the same prompt again need not wait for."""
        key = (self.prompt, replace(self.settings, without=ALL_ON), self.folder, self.noise.tobytes())
        if key not in REFERENCES:
            REFERENCES[key] = self._latent(load_unet(self.folder), {})
        return REFERENCES[key]

    def _different(self, reference, left_out):
        """The names of the blocks that make the difference, but for those that make it on purpose."""
        different = [name for name, error in self.mixed.errors.items() if error > AGREES]
        alone = [name for name in uses_unet(self.blocks) if name not in (*self.mixed.errors, *left_out)]
        different += [name for name in alone if self._unet_differs(name)]
        for name, function in self._sampling().items():
            if name in left_out:
                continue
            latent = self._latent(load_unet(self.folder), {name: function})
            if relative_error(latent, reference) > SAME:
                different.append(name)
        return tuple(name for name in self.blocks if name in different and name not in left_out)

    def _unet_differs(self, name):
        """Whether one block alone, among the reference's, changes what the UNet gives."""
        trained = trained_unet(self.folder)
        inputs = random_inputs([tensor.shape[1:] for tensor in trained.inputs])
        outputs = [mix({name: self.blocks[name]}, trained).unet(inputs), trained(inputs)]
        return relative_error(*map(ops.convert_to_numpy, outputs)) > AGREES

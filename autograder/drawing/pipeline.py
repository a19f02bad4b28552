"""`run_pipeline` and `run_text_block`: what a learner wrote in exercise 12, at work in trained networks."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from autograder.adapters.backend import lean_graphs
from autograder.drawing.draw import Settings
from autograder.drawing.placing import float_variables, match_by_order
from autograder.drawing.showing import SAME, Drawing, show
from autograder.exam.comparing import pair_weights, relative_error
from autograder.reference.samplers import start_from_picture as reference_start
from autograder.sitting.keras_settings import COURSE, under
from autograder.sitting.paper import CasePaper, Paper
from autograder.sitting.quiet import quiet
from autograder.sitting.run import sit
from autograder.small_model import pipeline
from autograder.small_model.model import FOLDER, WEIGHTS, load_text_encoder

PIPELINE = "pipeline"  # what it is called in the sentence under two pictures
KEYS = (1, 2)  # of the weights by which a block's are told apart
MATCHING = 2e-3  # as in `placing`
AGREES = 1e-4  # relative error up to which two contexts are the same
NO_WEIGHTS = "Nothing is {done}: this copy of the course has no trained weights. `make train` makes them."


@dataclass(frozen=True)
class Start:
    """Where a drawing begins, if not with noise.

    Args:
        function: the learner's `start_from_picture`, or None.
        picture: array `(1, H, W, 3)` of 0 to 1, or None.
        strength: how much is drawn anew, from 0 to 1.

    Raises:
        ValueError: for one of function and picture without the other, or another picture.
    """

    function: Any = None
    picture: Any = None
    strength: float = 0.7

    def __post_init__(self):
        if self.function is not None and self.picture is None:
            raise ValueError("`picture` must be one that a pipeline drew, (1, H, W, 3). Received: None")
        if self.function is None and self.picture is not None:
            raise ValueError("`picture` needs `start_from_picture`, your function. Received: `picture` alone")
        if self.picture is not None and np.shape(self.picture)[::3] != (1, 3):
            received = np.shape(self.picture)
            raise ValueError(f"`picture` must be one that a pipeline drew, (1, H, W, 3). Received: {received}")

    def begin(self, function, networks, noise, timesteps):
        """The latent to begin with and the timesteps to walk, by `function`."""
        if self.picture is None:
            return noise, timesteps
        encoded = networks.encoder(2 * np.asarray(self.picture, "float32") - 1) * networks.factor
        latent = ops.convert_to_tensor(np.asarray(encoded, "float32"))
        return function(latent, noise, self.strength, timesteps, networks.alpha_bars)


def run_pipeline(
    text_to_picture, prompt, negative_prompt="", start_from_picture=None, picture=None, strength=0.7, **how
):
    """Draws a prompt by your pipeline, beside the package's own pipeline, from the same noise.

    Args:
        text_to_picture: your function.
        prompt, negative_prompt: what the picture is to show, and what to go away from.
        start_from_picture, picture: your function and a picture that it begins with; both or none.
        strength: how much of that picture is drawn anew.
        how: `seed`, `scale` and `steps`, as in `draw`.

    Returns:
        Your picture, array `(1, 128, 128, 3)` of 0 to 1.

    Raises:
        ValueError: for a word that the model does not know, or a value that cannot be.
    """
    for name, function in {"text_to_picture": text_to_picture, "start_from_picture": start_from_picture}.items():
        if not callable(function) and not (function is None and name == "start_from_picture"):
            raise ValueError(f"`{name}` must be your function. Received: {function!r}")
    settings, start = Settings(**how), Start(start_from_picture, picture, strength)
    if not (FOLDER / WEIGHTS).exists():
        print(NO_WEIGHTS.format(done="drawn"))
        return None
    with quiet(), lean_graphs(), under(COURSE):
        networks = pipeline.load_networks()
        noise, timesteps = pipeline.noise_and_timesteps(settings.seed, settings.steps)
        latent, left = start.begin(start.function, networks, noise, timesteps)
        mine = text_to_picture(prompt, negative_prompt, latent, left, settings.scale, networks)
        latent, left = start.begin(reference_start, networks, noise, timesteps)
        theirs = pipeline.text_to_picture(prompt, negative_prompt, latent, left, settings.scale, networks)
    mine, theirs = (np.asarray(ops.convert_to_numpy(drawn)) for drawn in (mine, theirs))
    show(_drawing(prompt, mine, theirs))
    return mine


def _drawing(prompt, mine, theirs):
    """What is shown: two pictures and a sentence on them."""
    error = relative_error(mine, theirs)
    different = (PIPELINE,) if error > SAME else ()
    return Drawing(prompt, _pixels(mine), _pixels(theirs), (PIPELINE,), error, different)


def _pixels(picture):
    return np.clip(np.round(255 * picture[0]), 0, 255).astype("uint8")


# ------------------------------------------------------------------------------------------------------- the text block


def run_text_block(TextBlock, prompt, other_prompt):
    """Reads two prompts by the trained text encoder with your blocks in it, and prints how far each row of the context
    changes.

    Args:
        TextBlock: your class.
        prompt, other_prompt: two texts, for example with one other word.

    Raises:
        ValueError: for a word that the model does not know.
    """
    if not (FOLDER / WEIGHTS).exists():
        print(NO_WEIGHTS.format(done="read"))
        return
    with quiet(), under(COURSE):
        reference = load_text_encoder()
        mine, placed = own_text_encoder(TextBlock, reference)
        tokens = pipeline.tokenize([prompt, other_prompt])
        contexts, expected = (ops.convert_to_numpy(encoder(tokens)) for encoder in (mine, reference))
    error = relative_error(contexts, expected)
    same = "The same context as" if error <= AGREES else "Another context than"
    print(f"{same} the reference's (relative error {error:.1g}; trained weights, the same in both).")
    if not placed:
        print("Its weights could not be told apart, as the block is not right yet: they were given in order.")
    for row, (before, after) in enumerate(zip(*contexts, strict=True)):
        print(f"row {row:2}: changed by {relative_error(after, before):.3f}")


def own_text_encoder(block_class, reference):
    """A text encoder with blocks of a learner's class in the place of the reference's, and the reference's weights.

    Args:
        block_class: the learner's class.
        reference: a `TextEncoder`.

    Returns:
        The encoder, a function of tokens `(B, T)`, and whether it is known which weight is which.
    """
    config = reference.text_config
    trained = [reference.get_layer(f"block{i}") for i in range(config.layers)]
    matching, known = _matching(block_class, trained[0], config)
    blocks = []
    for source in trained:
        block = block_class(config.num_heads, config.head_size)
        block(np.zeros((1, config.length, config.width), "float32"))
        variables, values = float_variables(block), [ops.convert_to_numpy(weight) for weight in source.weights]
        for mine, theirs in matching.items():
            variables[mine].assign(values[theirs].reshape(variables[mine].shape))
        blocks.append(block)

    def encode(tokens):
        x = reference.get_layer("embedding")(ops.convert_to_tensor(tokens))
        for block in blocks:
            x = block(x)
        return reference.get_layer("final_norm")(x)

    return encode, known


def _matching(block_class, trained, config):
    """Which weight of the learner's block stands for which of the reference's: by what they do, then by order."""
    array = np.random.default_rng(0).normal(size=(2, 5, config.width)).astype("float32")
    case = CasePaper("layer", (config.num_heads, config.head_size), {"x": array})
    mine, theirs = (
        sit(Paper("run", "TextBlock", (case,), KEYS), made).cases[0] for made in (block_class, type(trained))
    )
    found = None if mine.error else pair_weights(mine, theirs, MATCHING)
    matching = found or {}
    mine_left = [i for i in range(len(mine.weights)) if i not in matching]
    theirs_left = [i for i in range(len(theirs.weights)) if i not in matching.values()]
    rest = match_by_order([mine.weights[i].shape for i in mine_left], [theirs.weights[i].shape for i in theirs_left])
    return matching | {mine_left[i]: theirs_left[j] for i, j in rest.items()}, found is not None

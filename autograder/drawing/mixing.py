"""The trained UNet made of a learner's blocks: theirs where they are given, the reference's elsewhere.

What is not the learner's is not made again: the trained layers themselves are wired up. What is the learner's, or holds
something of theirs inside, is made anew, once for all places of one size and width, and `placing` finds out how the
weights of the trained layer in each place go into it.

Shapes: B batch.
"""

import inspect
from types import SimpleNamespace

import keras
import numpy as np
from keras import ops

from autograder import reference
from autograder.sitting import stand_ins
from autograder.sitting.exceptions import learner_line, plain_message
from autograder.small_model.block_kinds import KINDS, LAYERS, call_on, positional

FLOWS = ("down_flow", "middle_flow", "up_flow", "exit_flow", "build_unet")


class BlockError(Exception):
    """A learner's block could not be used. The text says why, with the learner's own line."""

    def __init__(self, name, error):
        self.name, self.error = name, error
        self._keras_call_info_injected = True  # Keras raises it as it is, not as a copy with a longer text
        line = learner_line(error) if isinstance(error, BaseException) else ""
        at = f", at your line `{line}`" if line else ""
        if isinstance(error, NotImplementedError):
            text = f"{name} is not written yet"
        elif isinstance(error, BaseException):
            text = f"{name} failed{at}: {type(error).__name__}: {plain_message(error)}"
        else:
            text = f"{name} {error}"
        super().__init__(text)


def attempt(name, action):
    """Runs `action`; what a learner's code raises becomes a `BlockError` of its name."""
    try:
        return action()
    except (BlockError, KeyboardInterrupt):
        raise
    except Exception as error:
        raise BlockError(name, error) from error


TWINS: dict = {}  # the reference's layers, asked for shapes only


def _twin(kind, arguments):
    key = (kind, repr(arguments))
    if key not in TWINS:
        TWINS[key] = LAYERS[kind](*arguments)
    return TWINS[key]


class Mine(keras.layers.Layer):
    """A learner's layer in the manner of the reference's: with a name, `build`, and a known output shape.

    Args:
        kind: which of `LAYERS` it stands for.
        make: the learner's class.
        arguments: positional arguments for it and for the reference's class.
    """

    def __init__(self, kind, make, arguments, **kwargs):
        super().__init__(**kwargs)
        self.kind, self.make, self.arguments = kind, make, fitting(make, arguments)
        self.mine = attempt(kind, lambda: make(*self.arguments))
        if not isinstance(self.mine, keras.layers.Layer):
            raise BlockError(kind, f"must make a keras.layers.Layer, but made a {type(self.mine).__name__}")
        self._about = SimpleNamespace(twin=_twin(kind, arguments), shapes=())  # not tracked as a part

    @property
    def made_by(self):
        """What it was made by, and with which arguments: layers that share both compute the same."""
        return self.make, self.arguments

    @property
    def shapes(self):
        """The shapes it was built for, without the batch, one for each input."""
        return self._about.shapes

    def build(self, input_shape):
        self._build(list(input_shape) if isinstance(input_shape[0], (tuple, list)) else [input_shape])
        self.built = True

    def _build(self, shapes):
        self._about.shapes = tuple(tuple(shape[1:]) for shape in shapes)
        output = self.mine_on([ops.zeros((1, *shape)) for shape in self.shapes])
        expected = (1, *self.compute_output_shape(*self._shape_arguments(shapes))[1:])
        if tuple(getattr(output, "shape", ())) != expected:
            received = getattr(output, "shape", type(output).__name__)
            raise BlockError(self.kind, f"must return a tensor of shape {expected}, but returned {received}")

    def _shape_arguments(self, shapes):
        return [shapes] if len(shapes) > 1 else shapes

    def mine_on(self, tensors):
        """What the learner's layer makes of its inputs, given as a list."""
        return attempt(self.kind, lambda: call_on(self.mine, self.kind, tensors))

    def compute_output_shape(self, input_shape):
        return self._about.twin.compute_output_shape(input_shape)

    def call(self, inputs):
        return self.mine_on(inputs if isinstance(inputs, (list, tuple)) else [inputs])


class MyAttention(Mine):
    """A learner's CrossAttention: called on inputs and, by name, a context."""

    def build(self, inputs_shape, context_shape=None):
        self._build([shape for shape in (inputs_shape, context_shape) if shape is not None])
        self.built = True

    def _shape_arguments(self, shapes):
        return shapes

    def compute_output_shape(self, inputs_shape, context_shape=None):
        return self._about.twin.compute_output_shape(inputs_shape, context_shape)

    def call(self, inputs, context=None):
        return self.mine_on([inputs] if context is None else [inputs, context])


def fitting(make, arguments):
    """The arguments that the learner's class takes: `fully_connected` may be missing there."""
    try:
        inspect.signature(make).bind(*arguments)
    except (TypeError, ValueError):
        return arguments[:-1] if len(arguments) == 3 and isinstance(arguments[2], bool) else arguments
    return arguments


def classes_with(learner):
    """What to make each kind of layer with, where it is the learner's or holds something of theirs inside.

    Returns:
        Dict of functions by kind, called with the reference's arguments and `name`. Kinds that nothing of the
        learner's touches are missing.
    """
    made = {}

    def offer(kind, inside, wrap=Mine):
        """The learner's layer of this kind, or the reference's around what is the learner's inside of it."""
        inside = {attribute: maker for attribute, maker in inside.items() if maker is not None}
        own, theirs = LAYERS[kind], learner.get(kind)
        if theirs is not None:
            made[kind] = lambda *a, name=None, **k: wrap(kind, theirs, positional(own, a, k), name=name)
        elif inside:
            hooks = {attribute: staticmethod(maker) for attribute, maker in inside.items()}
            made[kind] = type(kind, (own,), hooks)
        return made.get(kind)

    convolution = offer("PaddedConv2D", {})
    offer("ResBlock", {"convolution": convolution})
    offer("Upsample", {"convolution": convolution})
    product = learner.get("td_dot")
    if product is not None:
        original = product
        product = lambda a, b: attempt("td_dot", lambda: original(a, b))  # noqa: E731
    attention = offer("CrossAttention", {"product": product}, MyAttention)
    gated = offer("GEGLU", {})
    transformer = offer("BasicTransformerBlock", {"attention": attention, "gated": gated})
    offer("SpatialTransformer", {"transformer": transformer})
    offer("TimeEmbedding", {})
    return made


def random_inputs(shapes, batch=2, seed=0):
    """Normally distributed tensors of the given shapes."""
    rng = np.random.default_rng(seed)
    return [ops.convert_to_tensor(rng.standard_normal((batch, *shape), dtype="float32")) for shape in shapes]


def real_classes(learner):
    """What a stand-in in a learner's layer is replaced with: the learner's own class, or the reference's."""
    known = {c.__name__ for c in stand_ins.StandIn.__subclasses__()} & set(KINDS)
    real = {kind: learner.get(kind, LAYERS[kind]) for kind in known}
    if "td_dot" in learner and "CrossAttention" not in learner:
        hooks = {"product": staticmethod(learner["td_dot"])}
        real["CrossAttention"] = type("CrossAttention", (reference.CrossAttention,), hooks)
    return real

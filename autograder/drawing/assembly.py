"""Wires the mixed UNet: finds for every block of a flow the trained layer whose place it takes.

A block's place is told by its turn: the third ResBlock that a down flow calls takes the place of the trained UNet's
third on the way down. In a right flow that order is forced, as each block needs what the one before it gives.

Shapes: see `mixing`.
"""

import inspect
from dataclasses import dataclass, field

import keras
from keras import ops

from autograder.drawing.mixing import FLOWS, BlockError, attempt, classes_with, random_inputs, real_classes
from autograder.drawing.placing import Placing, place, place_own
from autograder.exam.comparing import relative_error
from autograder.sitting import stand_ins
from autograder.small_model.block_kinds import LAYERS, TimeEmbedding, unet_inputs
from autograder.small_model.block_unet import BlockUNet
from autograder.small_model.programs import PROGRAMS, Compiled, weights_of

SKIPS = 12  # feature maps that the down flow keeps


@dataclass
class Mixed:
    """A UNet made of a learner's blocks and the reference's.

    Args:
        unet: Keras model of the trained UNet's inputs and output.
        errors: how far each of the learner's layers is from the reference's with the trained weights in it (relative
            L2 error of its output, the largest of its places), by kind.
        notes: what should be said about it, by name.
    """

    unet: keras.Model
    errors: dict[str, float] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def mix(learner, trained):
    """The trained UNet made of a learner's blocks.

    Args:
        learner: dict of layer classes and flow functions by name, any of `LAYERS` and `FLOWS`, and `td_dot`.
        trained: the trained UNet, a `DiffusionModelV2`.

    Returns:
        `Mixed`.

    Raises:
        BlockError: if one of them cannot be used; its `name` says which.
    """
    with stand_ins.replaced(**real_classes(learner)):
        return _Mixer(learner, trained).mix()


class _Mixer(BlockUNet):
    def __init__(self, learner, trained):
        super().__init__(trained)
        self.learner = learner
        self.classes = classes_with(learner)
        self.partners = []  # (layer, the trained layer whose place it takes, its block if it runs as a program)
        self.made = {}  # layers of the learner's, by what they were made with: blocks that are alike share one
        self.placing = Placing(learner)
        self.own = []  # (name, a flow's own variables, their trained values, the flow's error)
        self.notes = {}

    def mix(self):
        unet = self._build_unet() if "build_unet" in self.learner else self.wire()
        for layer, trained, block in self.partners:
            place(layer, trained, self.placing)
            if block is not None:
                block.weights = weights_of(layer)
        for name, own, weights, error in self.own:
            self.placing.errors[name] = place_own(own, weights, error)
        return Mixed(unet, self.placing.errors, self.notes | self.placing.notes)

    def time(self, embedding):
        if "TimeEmbedding" not in self.classes:
            return super().time(embedding)
        first, second = (self.trained.get_layer(name) for name in ("time_dense1", "time_dense2"))
        layer = self.classes["TimeEmbedding"](self.config.channels[0], name="time_embedding")
        t_emb = layer(embedding)
        twin = TimeEmbedding(self.config.channels[0], first, second)
        twin.built = True
        self.partners.append((layer, twin, None))
        return t_emb

    def flow(self, flow, own, inputs):
        """The outputs of a flow: the learner's, as a model of its own inside the UNet, or the reference's."""
        name = f"{flow}_flow"
        if name not in self.learner:
            return super().flow(flow, own, inputs)
        outputs = self._flow_model(name, (flow,), inputs)(keras.tree.flatten(inputs))
        return (outputs[0], outputs[1:]) if name == "down_flow" else outputs

    def _flow_model(self, name, flows, inputs):
        """A learner's flow as a model: called once on symbolic inputs of the shapes of `inputs`."""
        fresh = keras.tree.map_structure(lambda tensor: keras.Input(tensor.shape[1:]), inputs)
        starts = keras.tree.flatten(fresh)  # before the learner's code takes its list apart
        result = attempt(name, lambda: self.learner[name](*fresh, self.blocks(*flows)))
        flat = keras.tree.flatten(result)
        if len(flat) != (1 + SKIPS if name == "down_flow" else 1) or not all(map(keras.utils.is_keras_tensor, flat)):
            what = f"x and a list of {SKIPS} tensors" if name == "down_flow" else "one tensor"
            kinds = ", ".join(sorted({type(part).__name__ for part in flat}))
            raise BlockError(name, f"must return {what}, but returned {len(flat)} of type {kinds}")
        return attempt(name, lambda: keras.Model(starts, flat if name == "down_flow" else flat[0], name=name))

    def exit(self, x):
        if "exit_flow" not in self.learner:
            return super().exit(x)
        norm = self.trained.get_layer("exit_norm")
        model = self._flow_model("exit_flow", ("exit",), [x])
        last = self.trained.get_layer("conv_out")
        self._remember_own("exit_flow", model, norm.weights, lambda x: last(ops.silu(norm(x))))
        return model(x)

    def _build_unet(self):
        (height, width, _), _, (length, _) = (tensor.shape[1:] for tensor in self.trained.inputs)
        arguments = (8 * height, 8 * width, length, self.blocks("down", "middle", "up", "exit"))
        unet = attempt("build_unet", lambda: self.learner["build_unet"](*arguments))
        if not isinstance(unet, keras.Model):
            raise BlockError("build_unet", f"must return a keras.Model, but returned a {type(unet).__name__}")
        shapes = [tuple(tensor.shape) for tensor in unet.inputs]
        expected = [tuple(tensor.shape) for tensor in unet_inputs(self.trained)]
        if shapes != expected:
            raise BlockError("build_unet", f"must make a model of inputs {expected}, but made one of {shapes}")
        names = ("time_dense1", "time_dense2", "exit_norm")
        weights = [w for n in names for w in self.trained.get_layer(n).weights]
        self._remember_own("build_unet", unet, weights, lambda *inputs: self.trained(list(inputs)))
        return unet

    def _remember_own(self, name, model, weights, trained):
        """Notes which weights a flow makes itself, outside of any block: they are placed when the blocks' are."""
        of_blocks = {id(v) for layer, *_ in self.partners for v in layer.weights}
        own = [v for v in model.weights if id(v) not in of_blocks]
        inputs = random_inputs([tensor.shape[1:] for tensor in model.inputs])

        def error():
            received = attempt(name, lambda: model(inputs if len(inputs) > 1 else inputs[0]))
            return relative_error(*(ops.convert_to_numpy(y) for y in (received, trained(*inputs))))

        self.own.append((name, own, weights, error))

    def block(self, kind, arguments, keywords, turns, shapes):
        """The `Compiled` block for one that a flow calls: of the trained layer in whose turn it is, or of one that
        takes its place."""
        keywords = {k: v for k, v in keywords.items() if k not in ("name", "dtype")}
        name = turns.pop(0) if turns else None
        trained = self.trained.get_layer(name) if name else None
        fits = trained is not None and _fits(trained, arguments, keywords, shapes)
        if not fits:
            place = f"where the trained UNet has {name}" if name else "that the trained UNet does not have"
            text = ", ".join(map(repr, [*arguments, *keywords.values()]))
            self.notes.setdefault(kind, f"A {kind}({text}) {place} was left with random weights.")
        programs = self.placing.programs if kind in self.classes else PROGRAMS
        layer = self._made(kind, arguments, keywords, shapes, trained if fits else None)
        block = Compiled(layer, kind, arguments, keywords, programs, name=name if fits else None)
        self.partners.append((layer, trained if fits else None, block))
        return block

    def _made(self, kind, arguments, keywords, shapes, trained):
        """A layer to stand where `trained` does (None: nowhere): that itself if it is none of the learner's, or the one
        of another place with the same arguments and shapes, or a new one."""
        make = self.classes.get(kind, LAYERS[kind])
        if trained is None:
            return make(*arguments, **keywords)
        if kind not in self.classes:
            return trained
        key = (kind, repr((arguments, keywords)), repr(shapes))
        if key not in self.made:
            self.made[key] = make(*arguments, **keywords, name=trained.name)
        return self.made[key]


def _fits(trained, arguments, keywords, shapes):
    """Whether a trained layer was made with these arguments, for inputs of these widths."""
    names = list(inspect.signature(type(trained).__init__).parameters)[1:]
    given = dict(zip(names, arguments, strict=False)) | keywords
    defaults = {n: p.default for n, p in inspect.signature(type(trained).__init__).parameters.items()}
    wanted = {n: given.get(n, defaults[n]) for n in names if n not in ("kwargs", "fully_connected", "norm_epsilon")}
    if any(getattr(trained, n) != value for n, value in wanted.items()):
        return False
    built = trained.get_build_config()["input_shape"]
    built = built if isinstance(built[0], (tuple, list)) else [built]
    return [shape[-1] for shape in built] == [shape[-1] for shape in shapes]


def uses_unet(learner):
    """The part of a learner's blocks that goes into the UNet, not into the sampling around it."""
    return {name: block for name, block in learner.items() if name in (*LAYERS, *FLOWS, "td_dot")}

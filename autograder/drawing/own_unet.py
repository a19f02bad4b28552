"""A learner's blocks in a UNet of any size: Stable Diffusion 2's own, with its trained weights.

Which of a layer's weights is which, is found out in a rehearsal: in a small UNet with random weights, where every
matching that may be right can be tried in no time. What was found there holds at any width, as a class makes its
weights in the same order whatever their size.

Shapes: B batch.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import ops

from autograder.drawing.mixing import (
    FLOWS,
    BlockError,
    Mine,
    attempt,
    classes_with,
    random_inputs,
    real_classes,
)
from autograder.drawing.placing import (
    AGREES,
    copy_weights,
    float_variables,
    match_by_effect,
    match_by_order,
    pairs,
    same_order_first,
)
from autograder.exam.comparing import relative_error
from autograder.reference import (
    LAYER_NAMES,
    TINY,
    DiffusionModelV2,
    computing_in,
    down_flow,
    middle_flow,
    up_flow,
)
from autograder.sitting import stand_ins
from autograder.small_model.block_kinds import LAYERS, TimeEmbedding

NAMES = (*LAYERS, "td_dot", *FLOWS)
REHEARSAL = (64, 128, 7)  # height, width and tokens of the small UNet
Matching = dict[int, int]  # my weight's number: the trained one's


@dataclass
class Rehearsal:
    """What is known of a learner's blocks after they were tried in a small UNet.

    Args:
        blocks: those that can be used, by name.
        matchings: which weight is which, by kind and numbers of weights, or by the flow that made them.
        errors: by name, how far a block is from the reference's with the same weights in it (relative L2 error of its
            output, the largest of its places); "the UNet" for all of them together.
        notes: why a block is not used, by name.
    """

    blocks: dict[str, Any]
    matchings: dict[tuple, Matching] = field(default_factory=dict)
    errors: dict[str, float] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{name:22} {error:8.1e}  {self._verdict(error)}" for name, error in self.errors.items()]
        return "\n".join([*lines, *(f"{note}. The reference's takes its place." for note in self.notes.values())])

    @staticmethod
    def _verdict(error: float) -> str:
        return "as the reference" if error <= AGREES else "computes something else: see its check"


def rehearse(blocks: dict[str, Any]) -> Rehearsal:
    """Tries a learner's blocks in a small UNet with random weights; those that fail are left out, with a note.

    Args:
        blocks: classes and functions by name, any of `NAMES`.

    Raises:
        ValueError: for a name that is no block's.
    """
    if unknown := sorted(set(blocks) - set(NAMES)):
        raise ValueError(f"Blocks must have names out of {', '.join(NAMES)}. Received: {', '.join(unknown)}")
    trained = DiffusionModelV2(*REHEARSAL, download_weights=False, config=TINY)
    _randomise(trained)
    rehearsal = Rehearsal(dict(blocks))
    while True:
        try:
            return _rehearse(rehearsal, trained)
        except BlockError as error:
            rehearsal = Rehearsal(rehearsal.blocks, notes=rehearsal.notes | {error.name: str(error)})
            del rehearsal.blocks[error.name]


def own_unet(trained: DiffusionModelV2, rehearsal: Rehearsal) -> keras.Model:
    """The trained UNet made of a learner's blocks, of the trained one's size and inputs.

    What is none of the learner's are the trained layers themselves; the others are made anew, in the same precision,
    and given the weights of the layers whose places they take.

    Raises:
        BlockError: if a block that could be used in the rehearsal cannot at this size.
    """
    policy = trained.get_layer("conv_in").dtype_policy
    with stand_ins.replaced(**real_classes(rehearsal.blocks)), computing_in(policy):
        mixer = _Mixer(rehearsal.blocks, trained)
        unet = mixer.unet()
    for mine, source in mixer.partners():
        if (matching := rehearsal.matchings.get(_key(mine, source))) is None:
            raise BlockError(mine.kind, "makes another number of weights at this size than in the rehearsal")
        _assign(mine, float_variables(mine.mine), source.weights, matching)
    for name, variables, weights in mixer.own(unet):
        _assign(name, variables, weights, rehearsal.matchings[(name,)])
    return unet


def _rehearse(rehearsal: Rehearsal, trained: DiffusionModelV2) -> Rehearsal:
    with stand_ins.replaced(**real_classes(rehearsal.blocks)):
        mixer = _Mixer(rehearsal.blocks, trained)
        unet = mixer.unet()
        for mine, source in mixer.partners():
            _match(mine, source, rehearsal)
    inputs = random_inputs([tensor.shape[1:] for tensor in trained.inputs])
    expected = ops.convert_to_numpy(trained(inputs))

    def error() -> float:
        return relative_error(ops.convert_to_numpy(attempt("build_unet", lambda: unet(inputs))), expected)

    for name, variables, weights in mixer.own(unet):
        _match_own(name, variables, weights, error, rehearsal)
    rehearsal.errors["the UNet"] = error()
    return rehearsal


def _randomise(model: keras.Model, seed: int = 0) -> None:
    """Numbers of which no two arrays are alike: new layers have biases of 0 and scales of 1."""
    random = np.random.RandomState(seed)
    for weight in model.weights:
        if len(weight.shape) == 1:
            value = ops.convert_to_numpy(weight) + 0.2 * random.standard_normal(weight.shape)
            weight.assign(value.astype("float32"))


class _Mixer:
    """Wires a UNet of a learner's blocks and of the trained layers; also the `blocks` of its flows."""

    def __init__(self, learner: dict[str, Any], trained: DiffusionModelV2):
        config = trained.unet_config
        self.learner, self.trained, self.config = learner, trained, config
        self.channels, self.head_size = config.channels, config.head_size
        self.latent_channels, self.context_dim = config.latent_channels, config.context_dim
        self.classes = classes_with(learner)
        self.made: list[tuple[Any, Any]] = []  # (layer, the trained layer whose place it takes)
        self.turns = {kind: iter([n for flow in LAYER_NAMES.values() for n in flow.get(kind, ())]) for kind in LAYERS}

    def unet(self) -> keras.Model:
        latent, embedding, context = inputs = [
            keras.Input(tensor.shape[1:], name=tensor.name) for tensor in self.trained.inputs
        ]
        if "build_unet" in self.learner:
            height, width = (8 * side for side in latent.shape[1:3])
            return self._called("build_unet", height, width, context.shape[1])
        t_emb = self._time(embedding)
        x, outputs = self._flow("down_flow", down_flow, latent, t_emb, context)
        x = self._flow("middle_flow", middle_flow, x, t_emb, context)
        x = self._flow("up_flow", up_flow, x, outputs, t_emb, context)
        return keras.Model(inputs, self._exit(x), name="own")

    def _called(self, name: str, *inputs):
        return attempt(name, lambda: self.learner[name](*inputs, self))

    def _flow(self, name: str, theirs, *inputs):
        return self._called(name, *inputs) if name in self.learner else theirs(*inputs, self)

    def _time(self, embedding):
        first, second = (self.trained.get_layer(name) for name in ("time_dense1", "time_dense2"))
        if "TimeEmbedding" not in self.classes:
            return second(ops.silu(first(embedding)))
        layer = self.classes["TimeEmbedding"](self.channels[0], name="time_embedding")
        twin = TimeEmbedding(self.channels[0], first, second)
        twin.built = True
        self.made.append((layer, twin))
        return layer(embedding)

    def _exit(self, x):
        if "exit_flow" in self.learner:
            return self._called("exit_flow", x)
        x = ops.silu(self.trained.get_layer("exit_norm")(x))
        return self.PaddedConv2D(self.latent_channels, 3, padding=1)(x)

    def PaddedConv2D(self, *arguments, **keywords):
        return self._block("PaddedConv2D", arguments, keywords)

    def ResBlock(self, *arguments, **keywords):
        return self._block("ResBlock", arguments, keywords)

    def SpatialTransformer(self, *arguments, **keywords):
        return self._block("SpatialTransformer", arguments, keywords)

    def Upsample(self, *arguments, **keywords):
        return self._block("Upsample", arguments, keywords)

    def _block(self, kind: str, arguments, keywords):
        """The trained layer in whose turn it is, or the learner's that takes its place."""
        name = next(self.turns[kind], None)
        if name is None:
            flow = next((flow for flow in reversed(FLOWS) if flow in self.learner), kind)
            raise BlockError(flow, f"calls for more blocks of the kind {kind} than the trained UNet has")
        trained = self.trained.get_layer(name)
        if kind not in self.classes:
            return trained
        keywords = {key: value for key, value in keywords.items() if key not in ("name", "dtype")}
        layer = self.classes[kind](*arguments, **keywords, name=name)
        self.made.append((layer, trained))
        return layer

    def partners(self) -> Iterator[tuple[Mine, Any]]:
        """Each of the learner's layers with the trained one in its place; the reference's around them get their
        weights at once."""
        for layer, trained in self.made:
            for part, source in pairs(layer, trained):
                if isinstance(part, Mine):
                    yield part, source
                else:
                    copy_weights(part, source)

    def own(self, unet: keras.Model) -> Iterator[tuple[str, list, list]]:
        """(flow, its own variables, the trained weights they stand for): what flows make outside of any block."""
        names = {"build_unet": ("time_dense1", "time_dense2", "exit_norm"), "exit_flow": ("exit_norm",)}
        name = next((name for name in names if name in self.learner), None)
        if name is None:
            return
        known = {id(v) for layer, _ in self.made for v in layer.weights} | {id(v) for v in self.trained.weights}
        variables = [v for v in unet.weights if id(v) not in known]
        yield name, variables, [w for layer in names[name] for w in self.trained.get_layer(layer).weights]


def _key(mine: Mine, source) -> tuple:
    return mine.kind, len(float_variables(mine.mine)), len(source.weights)


def _match(mine: Mine, source, rehearsal: Rehearsal) -> None:
    """Finds the matching of one layer, unless one of its kind has it already, and how far the layer is off with it."""
    variables = float_variables(mine.mine)
    inputs = random_inputs(mine.shapes)
    expected = ops.convert_to_numpy(_call_trained(mine.kind, source, inputs))
    known = rehearsal.matchings.get(_key(mine, source))
    tried: list[tuple[float, Matching]] = []
    for matching in [known] if known is not None else _candidates(mine, variables, source):
        _assign(mine, variables, source.weights, matching)
        tried.append((relative_error(ops.convert_to_numpy(mine.mine_on(inputs)), expected), matching))
        if tried[-1][0] <= AGREES:
            break
    error, best = min(tried, key=lambda pair: pair[0])
    _assign(mine, variables, source.weights, best)
    rehearsal.matchings[_key(mine, source)] = best
    rehearsal.errors[mine.kind] = max(error, rehearsal.errors.get(mine.kind, 0.0))


def _candidates(mine: Mine, variables, source) -> Iterator[Matching]:
    yield match_by_order([v.shape for v in variables], [v.shape for v in source.weights])
    found = match_by_effect(mine)
    if found is not None:
        yield found


def _call_trained(kind: str, layer, inputs):
    if kind == "CrossAttention":
        return layer(inputs[0], context=inputs[1] if len(inputs) > 1 else None)
    return layer(inputs if len(inputs) > 1 else inputs[0])


def _match_own(name: str, variables, weights, error, rehearsal: Rehearsal) -> None:
    """The matching of a flow's own weights, by what the whole UNet then computes; all of a size are tried."""
    tried: list[tuple[float, Matching]] = []
    for matching in same_order_first(variables, weights):
        _assign(name, variables, weights, matching)
        tried.append((error(), matching))
        if tried[-1][0] <= AGREES:
            break
    smallest, best = min(tried, key=lambda pair: pair[0])
    _assign(name, variables, weights, best)
    rehearsal.matchings[(name,)], rehearsal.errors[name] = best, smallest


def _assign(owner: Mine | str, variables, weights, matching: Matching) -> None:
    """Gives each variable its trained weight, whose axes may be cut otherwise there."""
    for index, target in matching.items():
        variable, weight = variables[index], weights[target]
        if np.prod(variable.shape) != np.prod(weight.shape):
            name = owner.kind if isinstance(owner, Mine) else owner
            shapes = f"{tuple(variable.shape)} for the trained {tuple(weight.shape)}"
            raise BlockError(name, f"makes its weights in another order at this size: one of shape {shapes}")
        variable.assign(ops.reshape(ops.convert_to_tensor(weight), variable.shape))

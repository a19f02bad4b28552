"""Parts of a flow: the sitting's stand-ins, made and called on arrays.

A base's block is what a learner's is, so its checks raise the same exceptions. It is made for its arguments once, as a
stand-in holds nothing but them; how often a learner's block was used before (see `stand_ins`) is an operand, `turn`.

Shapes: B batch, H W height and width, C channels, E embedding features, T context tokens, F features.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from autograder.questions.catalogue.operations import Conv, Layer, Refused
from autograder.sitting import stand_ins
from autograder.sitting.stand_in_layer import counting_uses, note_call


def resblock(x, t_emb, width, turn=0):
    """x `(B, H, W, C)` and t_emb `(B, E)` to `(B, H, W, width)`."""
    return _called(stand_ins.ResBlock, [x, t_emb], turn, width)


def transformer(x, context, heads, turn=0):
    """x `(B, H, W, C)` and context `(B, T, F)` to `(B, H, W, C)`; `heads`: their number and their size."""
    return _called(stand_ins.SpatialTransformer, [x, context], turn, *heads)


def upsample(x, width, *_):
    """x `(B, H, W, C)` to `(B, 2H, 2W, width)`."""
    return _called(stand_ins.Upsample, x, 0, width)


@dataclass(frozen=True)
class PaddedConv:
    """A convolution of `blocks`: x `(B, H, W, C)` to `(B, H', W', width)`.

    Args:
        size: height and width of the kernel.
        padding: zeros on each side.
        stride: pixels from one window to the next.
    """

    size: int = 3
    padding: int = 1
    stride: int = 1

    def __call__(self, x, width, *_):
        return _called(stand_ins.PaddedConv2D, x, 0, width, self.size, self.padding, self.stride)


@dataclass(frozen=True)
class OwnConv(Layer):
    """A convolution that is not of `blocks`, with weights of its own at each level: in the place of a `PaddedConv`."""

    stride: int = 1
    padding: str | int = "same"
    repeat: int = 1  # of each pixel before the convolution, along height and width

    def apply(self, weights, x, width, level=0):
        x = x.repeat(self.repeat, axis=1).repeat(self.repeat, axis=2)
        conv = Conv(width, stride=self.stride, padding=self.padding)
        return conv.apply(lambda name, shape: weights(f"{name} {level}", shape), x)


def _called(kind: type, inputs: Any, turn: int, *arguments: Any) -> np.ndarray:
    try:
        block = _made(kind, *arguments)
        block.check(inputs)
    except (TypeError, ValueError) as error:
        raise Refused(str(error)) from error
    with counting_uses() as uses:
        uses[id(block)] = turn
        result = np.asarray(block.call(inputs))
    note_call(kind.__name__)
    return result


@lru_cache(maxsize=1000, typed=True)
def _made(kind: type, *arguments: Any) -> Any:
    return kind(*arguments)

"""Which exceptions of a flow are those of a base's part: by a block's words, or by shapes, whatever the batch."""

import keras
import numpy as np
import pytest

from autograder.exam.comparing import outputs_agree
from autograder.exam.errors import error_finding
from autograder.questions.catalogue import Base, Evaluation
from autograder.questions.catalogue.blocks import PaddedConv, transformer
from autograder.questions.catalogue.operations import add, concatenate
from autograder.sitting.paper import CasePaper, Paper
from autograder.sitting.run import sit

PAPER = Paper(
    "flow",
    "flow",
    (CasePaper("flow", (), {"x": np.ones((3, 4, 6, 64), "float32"), "y": np.ones((3, 5, 2), "float32")}, widths={}),),
    (1, 2),
)


def one_part(p, x, y, blocks):
    return p.part(x, y)


def same_error(flow, forward, parts):
    mine, theirs = sit(PAPER, flow).cases[0], Evaluation(Base(forward, parts), PAPER).glance({})
    assert mine.error is not None
    assert theirs.error is not None
    return outputs_agree(mine, theirs, 1e-4)


@pytest.mark.parametrize(
    ("flow", "same"),
    [
        (lambda x, y, blocks: blocks.SpatialTransformer(3, 16)([x, y]), True),
        (lambda x, y, blocks: blocks.SpatialTransformer(3, 8)([x, y]), False),  # other heads do not fit, either
        (lambda x, y, blocks: blocks.SpatialTransformer(3.0, 16)([x, y]), False),
    ],
)
def test_blocks_exception_is_known_by_its_words(flow, same):
    assert same_error(flow, one_part, {"part": lambda x, y: transformer(x, y, (3, 16))}) is same


def test_blocks_exception_without_shapes_is_known_by_its_words():
    def flow(x, y, blocks):
        return blocks.SpatialTransformer(4.0, 16)([x, y])

    assert same_error(flow, one_part, {"part": lambda x, y: transformer(x, y, (4.0, 16))})
    assert not same_error(flow, one_part, {"part": lambda x, y: transformer(x, y, (64 / 24, 24))})


def test_kernel_that_is_too_large_is_another_error_than_one_a_size_larger():
    def flow(x, y, blocks):
        return blocks.PaddedConv2D(8, 7, padding=1)(x)

    assert same_error(flow, one_part, {"part": lambda x, y: PaddedConv(7)(x, 8)})
    assert not same_error(flow, one_part, {"part": lambda x, y: PaddedConv(9)(x, 8)})


@pytest.mark.parametrize(("join", "operation"), [(keras.layers.Concatenate(), concatenate), (keras.layers.Add(), add)])
def test_shapes_are_the_same_whether_the_batch_is_open_or_left_out(join, operation):
    def base(p, x, y, blocks):
        return p.join(x, p.cut(x))

    parts = {"cut": lambda x: x[:, :3], "join": operation}
    assert same_error(lambda x, y, blocks: join([x, x[:, :3]]), base, parts)
    assert not same_error(lambda x, y, blocks: join([x, x[:, :2]]), base, parts)


@pytest.mark.parametrize(
    ("flow", "nested"),
    [
        (lambda x, y, blocks: (x, [x, [x, x], [x]]), True),
        (lambda x, y, blocks: (x, [[x, x], [x, x]]), True),
        (lambda x, y, blocks: (x, [x, x], [x, x]), False),
        (lambda x, y, blocks: (x, [x, None]), False),
    ],
)
def test_a_list_in_the_list_of_maps_is_told_as_that(flow, nested):
    error = sit(PAPER, flow).cases[0].error
    assert error is not None
    assert ("a list with lists inside it" in error.message) is nested
    assert ("put into the list as one thing" in error_finding(error)) is nested

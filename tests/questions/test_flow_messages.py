"""What the checks of flows and counts say of answers that no known mistake explains, or that several do."""

from types import SimpleNamespace

import keras

from autograder.exam import make_paper
from autograder.exam.marking import Marker
from autograder.questions import find
from autograder.questions.unet import resblock_parameters
from autograder.reference.unet import down_flow, middle_flow
from autograder.sitting.run import sit


def verdict_on(question_id, answer):
    question = find(question_id)
    paper = make_paper(question, 3)
    return Marker(question, paper).mark(sit(paper, answer))


def test_flow_message_names_the_first_map_that_differs():
    """All that comes after it differs too, and x is returned first."""

    def wrong_from_the_first_halving(latent, t_emb, context, blocks):
        halves = iter([1.5, 1, 1])

        def conv(filters, kernel_size, padding=0, strides=1):
            layer, factor = blocks.PaddedConv2D(filters, kernel_size, padding, strides), 1
            if strides == 2:
                factor = next(halves)
            return lambda x: factor * layer(x)

        changed = SimpleNamespace(**{**vars(blocks), "PaddedConv2D": conv})
        return down_flow(latent, t_emb, context, changed)

    message = verdict_on("down-flow", wrong_from_the_first_halving).message
    assert "the first that differs, outputs[3], has" in message
    assert "Expected: x and 12 kept maps, float32: x (3, 1, 2, 192); outputs (3, 8, 16, 64)" in message


def test_flow_message_counts_kept_maps():
    def two_of_x(*inputs):
        x, outputs = down_flow(*inputs)
        return x, [*outputs, x, x]

    assert "x and 14 kept maps were returned" in verdict_on("down-flow", two_of_x).message


def test_flow_message_tells_of_layers_with_weights():
    def own_convolution(x, t_emb, context, blocks):
        return keras.layers.Conv2D(x.shape[-1], 5, padding="same", name="mine")(middle_flow(x, t_emb, context, blocks))

    assert (
        "A layer with weights of its own turned up (`mine/kernel`" in verdict_on("middle-flow", own_convolution).message
    )


def test_count_without_one_bias_names_all_that_it_could_be():
    """A bias of either convolution, that of the Dense layer, gamma or beta: all give the same number."""
    verdict = verdict_on("parameters", lambda c, d, e: resblock_parameters(c, d, e) - d)
    assert verdict.mistake == "one-of-output-forgotten"
    assert all(part in verdict.message for part in ("3x3 convolutions", "Dense", "beta"))
    assert "(another whole number is right)" in verdict.message

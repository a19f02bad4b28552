"""The mistakes of exercise 08 in the middle: the flow with one thing wrong each."""

from autograder.questions.question import Mistake
from autograder.questions.up_flow.wiring import middle
from autograder.reference.unet import transformer

_MIDDLE = "The middle"


def _shared_middle(x, t_emb, context, blocks):
    block = blocks.ResBlock(blocks.channels[3])
    x = transformer(blocks.channels[3], blocks)([block([x, t_emb]), context])
    return block([x, t_emb])


def _middle_heads(make):
    def middle_flow(x, t_emb, context, blocks):
        width = blocks.channels[3]
        x = blocks.ResBlock(width)([x, t_emb])
        x = blocks.SpatialTransformer(*make(width, blocks.head_size), fully_connected=True)([x, context])
        return blocks.ResBlock(width)([x, t_emb])

    return middle_flow


def _middle_typed_in(x, t_emb, context, blocks):
    x = blocks.ResBlock(1280)([x, t_emb])
    x = blocks.SpatialTransformer(20, 64, fully_connected=True)([x, context])
    return blocks.ResBlock(1280)([x, t_emb])


MIDDLE_MISTAKES = (
    Mistake(
        "second-resblock-missing",
        middle(lambda x, look, attend: attend(look(x))),
        "The second ResBlock of the middle is missing.",
        "What the pixels learned from each other and from the text is worked in by a ResBlock behind it.",
        _MIDDLE,
    ),
    Mistake(
        "first-resblock-missing",
        middle(lambda x, look, attend: look(attend(x))),
        "The first ResBlock of the middle is missing.",
        "The middle is symmetric: a ResBlock stands before the attention and another one behind it.",
        _MIDDLE,
    ),
    Mistake(
        "attention-missing",
        middle(lambda x, look, attend: look(look(x))),
        "The SpatialTransformer of the middle is missing.",
        "The smallest level has no other: without it nothing would meet the text at that size.",
        _MIDDLE,
    ),
    Mistake(
        "attention-first",
        middle(lambda x, look, attend: look(look(attend(x)))),
        "The SpatialTransformer comes first; it stands between the two ResBlocks.",
        "Trained weights belong to places, and a block in another place sees other feature maps.",
        _MIDDLE,
    ),
    Mistake(
        "attention-last",
        middle(lambda x, look, attend: attend(look(look(x)))),
        "The SpatialTransformer comes last; it stands between the two ResBlocks.",
        "Trained weights belong to places, and a block in another place sees other feature maps.",
        _MIDDLE,
    ),
    Mistake(
        "attention-twice",
        middle(lambda x, look, attend: attend(look(attend(look(x))))),
        "A second SpatialTransformer follows the second ResBlock.",
        "That is how the larger levels go; the middle has one.",
        _MIDDLE,
    ),
    Mistake(
        "pair-too-many",
        middle(lambda x, look, attend: look(attend(look(attend(look(x)))))),
        "The middle has three ResBlocks and two SpatialTransformers; it has two and one.",
        "Trained weights bring three blocks for the middle.",
        _MIDDLE,
    ),
    Mistake(
        "input-added",
        middle(lambda x, look, attend: look(attend(look(x))) + x),
        "The middle's input is added to its output.",
        "Each block has its own shortcut inside; around the middle there is none.",
        _MIDDLE,
    ),
    Mistake(
        "block-reused",
        _shared_middle,
        "One ResBlock is used in both places; the middle has two.",
        "Two uses of one object share their weights.",
        _MIDDLE,
    ),
    Mistake(
        "heads-and-size-swapped",
        _middle_heads(lambda width, size: (size, width // size)),
        "The number of heads and the head size are swapped in the SpatialTransformer.",
        "Their product is the same, so nothing complains, but the features are cut into heads in another way.",
        _MIDDLE,
    ),
    Mistake(
        "heads-eight",
        _middle_heads(lambda width, size: (8, width // 8)),
        "The SpatialTransformer has eight heads; the size of a head is fixed, the number follows the width.",
        "Eight heads is Stable Diffusion 1. In version 2 every head has the same size.",
        _MIDDLE,
    ),
    Mistake(
        "widths-typed-in",
        _middle_typed_in,
        "The widths of Stable Diffusion 2 are typed in; they are to be read from `blocks`.",
        "The same flow must also wire a small model: the check uses narrow blocks, and drawing does too.",
        _MIDDLE,
    ),
)

"""Exercise 09: the exit, the whole UNet, what a ResBlock weighs, and how much of it all reads the text."""

from functools import partial

import keras

from autograder.questions.catalogue import Texts
from autograder.questions.flows import FLOW_SIZES, Size
from autograder.questions.question import Case, Pick, Question, RandomInput
from autograder.questions.unet.base import EXIT, PARAMETERS, UNET
from autograder.questions.unet.changes import EXIT_CHANGES, UNET_CHANGES
from autograder.questions.unet.counting_changes import PARAMETER_CHANGES
from autograder.questions.unet.text_counting import TEXT, TEXT_CHANGES, text_parameters
from autograder.reference.unet import down_flow, exit_flow, middle_flow, up_flow

EXERCISE = "09-unet"
ORIGINAL_EPSILON = 1e-6  # of the exit, as some implementations have it


def build_unet(img_height, img_width, max_text_length, blocks, norm_epsilon=1e-5):
    """The UNet of `blocks`, a model of latent, timestep embedding and context, as `reference.DiffusionModelV2` is."""
    latent = keras.Input((img_height // 8, img_width // 8, blocks.latent_channels))
    embedding = keras.Input((blocks.channels[0],))
    context = keras.Input((max_text_length, blocks.context_dim))
    width = 4 * blocks.channels[0]
    t_emb = keras.layers.Dense(width)(keras.layers.Dense(width, activation="silu")(embedding))
    x, outputs = down_flow(latent, t_emb, context, blocks)
    x = middle_flow(x, t_emb, context, blocks)
    x = up_flow(x, outputs, t_emb, context, blocks)
    return keras.Model([latent, embedding, context], exit_flow(x, blocks, norm_epsilon))


def resblock_parameters(input_dim, output_dim, embedding_dim):
    """Norm, convolution, Dense, norm, convolution; a projection where the channels change."""
    c, d, e = input_dim, output_dim, embedding_dim
    return 2 * c + (9 * c * d + d) + (e * d + d) + 2 * d + (9 * d * d + d) + (c * d + d if c != d else 0)


def _exit_cases(scale):
    return tuple(
        Case((), {"x": RandomInput((s.batch, s.height, s.width, s.widths["channels"][0]))}, widths=s.widths)
        for s in FLOW_SIZES[scale]
    )


def _unet_case(size: Size) -> Case:
    inputs = {
        "latent": RandomInput((size.batch, size.height, size.width, size.widths["latent_channels"])),
        "timestep_embedding": RandomInput((size.batch, size.widths["channels"][0])),
        "context": RandomInput((size.batch, size.tokens, size.widths["context_dim"])),
    }
    return Case((8 * size.height, 8 * size.width, size.tokens), inputs, widths=size.widths)


def _unet_cases(scale):
    return tuple(_unet_case(size) for size in FLOW_SIZES[scale])


def _counting_cases(scale):
    """Wider, narrower and equal: the projection is there in the first two. Both scales are the same."""
    wide, narrow, embedding = Pick(700, 2000), Pick(100, 600), Pick(2100, 4000)
    return tuple(Case((c, d, embedding), {}) for c, d in ((narrow, wide), (wide, narrow), (wide, wide)))


def _text_cases(_):
    """Widths and a context of which none is a multiple of another. Both scales are the same."""
    bounds = (((101, 199), (211, 307), (401, 599), (701, 997)), ((31, 61), (67, 97), (101, 131), (17, 29)))
    return tuple(Case(tuple(Pick(*bound) for bound in four), {}) for four in bounds)


_TEXTS = Texts.beside(__file__)

QUESTIONS = (
    Question(
        id="exit-flow",
        exercise=EXERCISE,
        name="exit_flow",
        kind="flow",
        cases=_exit_cases,
        accepted=(exit_flow, partial(exit_flow, norm_epsilon=ORIGINAL_EPSILON)),
        base=EXIT,
        mistakes=_TEXTS.of(EXIT_CHANGES, "exit"),
        section="The exit",
    ),
    Question(
        id="unet",
        exercise=EXERCISE,
        name="build_unet",
        kind="model",
        cases=_unet_cases,
        accepted=(build_unet, partial(build_unet, norm_epsilon=ORIGINAL_EPSILON)),
        base=UNET,
        mistakes=_TEXTS.of(UNET_CHANGES, "inputs"),
        section="The whole model",
    ),
    Question(
        id="parameters",
        exercise=EXERCISE,
        name="resblock_parameters",
        kind="function",
        cases=_counting_cases,
        accepted=(resblock_parameters,),
        base=PARAMETERS,
        mistakes=_TEXTS.of(PARAMETER_CHANGES),
        section="Counting a ResBlock",
        marking="integer",
    ),
    Question(
        id="count-text",
        exercise=EXERCISE,
        name="text_parameters",
        kind="function",
        cases=_text_cases,
        accepted=(text_parameters,),
        base=TEXT,
        mistakes=_TEXTS.of(TEXT_CHANGES),
        section="Where the parameters sit",
        marking="integer",
    ),
)

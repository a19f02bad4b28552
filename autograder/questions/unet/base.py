"""The right answers of exercise 09, part by part. The flows within the UNet are the bases of exercises 07 and 08.

Shapes: B batch, H W height and width of the latent, C its channels, E features of the timestep embedding, T context
tokens, F features of the context.
"""

import numpy as np

from autograder.questions.catalogue import Base, Inner
from autograder.questions.catalogue.blocks import PaddedConv
from autograder.questions.catalogue.operations import Dense, Norm, first, same, silu
from autograder.questions.down_flow.base import DOWN
from autograder.questions.up_flow.base import MIDDLE, UP


def exit_flow(p, x, blocks):
    """`(B, H, W, channels[0])` to the noise, `(B, H, W, latent_channels)`."""
    width = p.width(blocks)
    h = p.swish(p.norm(p.conv_early(x, width)))
    return p.end(p.conv(h, width))


EXIT = Base(
    exit_flow,
    {
        "width": lambda blocks: blocks.latent_channels,
        "conv_early": first,
        "norm": Norm(),
        "swish": silu,
        "conv": PaddedConv(),
        "end": same,
    },
)


def unet(p, latent, timestep_embedding, context, img_height, img_width, max_text_length, blocks):
    """latent `(B, H, W, C)`, timestep_embedding `(B, E)`, context `(B, T, F)` to the noise `(B, H, W, C)`."""
    inputs = p.order(
        p.latent_input(p.sides(img_height, img_width), blocks),
        p.embedding_input(blocks),
        p.context_input(max_text_length, blocks),
    )
    for made, given in zip(inputs, (latent, timestep_embedding, context), strict=True):
        p.fed(made, given)
    p.mlp_width(blocks)
    h = p.mlp_swish(p.dense1(p.mlp_early(timestep_embedding)))
    t_emb = p.mlp_late(p.dense2(h))
    down = p.down(latent, t_emb, context, blocks)
    x = p.middle(p.smallest(down), t_emb, context, blocks)
    x = p.up(x, p.kept(down), t_emb, context, blocks)
    return p.end(p.exit(x, blocks), latent)


def made_input(*shape):
    """What `keras.Input(shape)` makes: a tensor of that shape, without values. Of integers: no stage to be seen."""
    return np.broadcast_to(np.int8(0), (1, *shape))


def fed(made, given):
    """An input is given a tensor.

    Raises:
        ValueError: if the tensor has another shape than the input.
    """
    if made.shape[1:] != given.shape[1:]:
        raise ValueError("the input has another shape")


UNET = Base(
    unet,
    {
        "sides": lambda height, width: (height // 8, width // 8),
        "latent_input": lambda sides, blocks: made_input(*sides, blocks.latent_channels),
        "embedding_input": lambda blocks: made_input(blocks.channels[0]),
        "context_input": lambda tokens, blocks: made_input(tokens, blocks.context_dim),
        "order": lambda *inputs: inputs,
        "fed": fed,
        "mlp_width": lambda blocks: 4 * blocks.channels[0],
        "mlp_early": same,
        "dense1": Dense("mlp_width"),
        "mlp_swish": silu,
        "dense2": Dense("mlp_width"),
        "mlp_late": same,
        "down": Inner(DOWN),
        "smallest": lambda down: down[0],
        "middle": Inner(MIDDLE),
        "kept": lambda down: down[1],
        "up": Inner(UP),
        "exit": Inner(EXIT),
        "end": first,
    },
)


def resblock_parameters(p, input_dim, output_dim, embedding_dim):
    """The parameters of a ResBlock, of each layer in turn."""
    norms = p.norm1(input_dim, output_dim) + p.norm2(input_dim, output_dim)
    convolutions = p.conv1(input_dim, output_dim) + p.conv2(input_dim, output_dim)
    dense = p.dense(embedding_dim, output_dim, input_dim)
    return p.total(norms + convolutions + dense + p.projection(input_dim, output_dim))


PARAMETERS = Base(
    resblock_parameters,
    {
        "norm1": lambda c, d: 2 * c,
        "norm2": lambda c, d: 2 * d,
        "conv1": lambda c, d: 9 * c * d + d,
        "conv2": lambda c, d: 9 * d * d + d,
        "dense": lambda e, d, c: e * d + d,
        "projection": lambda c, d: c * d + d if c != d else 0,
        "total": same,
    },
)

"""The right answers of exercise 04, part by part.

Shapes: B batch, H W height and width, C channels, T F tokens of the context and their features, N heads, D head size.
"""

from autograder.questions.catalogue import Base
from autograder.questions.catalogue.inner_blocks import InnerTransformer, OfWidth, both_tokens, by_head, fits_heads
from autograder.questions.catalogue.operations import (
    Conv,
    Dense,
    Norm,
    add,
    default,
    first,
    multiply,
    same,
    second,
)


def image_to_tokens(p, x):
    """`(B, H, W, C)` to `(B, H·W, C)`."""
    return p.returned(p.counted(p.arranged(x), x))


def pixels_counted(image, x):
    """Height and width as one axis; `x` says how many pictures and channels there are."""
    return image.reshape(x.shape[0], -1, x.shape[-1])


TO_TOKENS = Base(image_to_tokens, {"arranged": same, "counted": pixels_counted, "returned": same})


def tokens_to_image(p, tokens, height, width):
    """`(B, H·W, C)` to `(B, H, W, C)`."""
    return p.returned(p.laid_out(p.arranged(tokens), height, width))


def rows_laid_out(tokens, height, width):
    return tokens.reshape(len(tokens), height, width, -1)


TO_IMAGE = Base(tokens_to_image, {"arranged": same, "laid_out": rows_laid_out, "returned": same})


def pixels_reached(p, height, width, row, column, convolutions):
    """How many pixels of the output know of the pixel in `row` and `column`, after some 3x3 convolutions."""
    reach = p.reach(convolutions)
    rows = p.span(p.first_row(row, reach), p.last_row(row, reach, height))
    columns = p.span(p.first_column(column, reach), p.last_column(column, reach, width))
    return p.end(p.pixels(rows, columns))


def last_place(place, reach, side):
    return min(place + reach, side - 1)


REACHED = Base(
    pixels_reached,
    {
        "reach": same,
        "first_row": lambda row, reach: max(row - reach, 0),
        "last_row": last_place,
        "first_column": lambda column, reach: max(column - reach, 0),
        "last_column": last_place,
        "span": lambda start, end: end - start + 1,
        "pixels": multiply,
        "end": same,
    },
)


def spatial_transformer(p, x, context, num_heads, head_size, fully_connected=None):
    """x `(B, H, W, C)` and context `(B, T, F)` to `(B, H, W, C)`; C is N·D."""
    dense = p.dense(fully_connected)
    p.channels(num_heads, head_size)
    factor = p.by_head(p.heads(num_heads, head_size), p.size(num_heads, head_size))
    y = p.norm(p.entrance(x))
    y = p.normalised(y)
    y = p.projected(p.dense1(y) if dense else p.conv1(y))
    tokens = p.tokens(y)  # (B, H·W, C)
    text = p.text(context)
    tokens = p.fits(p.called(tokens, text))
    z = p.block(p.cut(tokens, factor), text, factor)
    z = p.around(p.again(z, text, factor), tokens)
    z = p.mixed(p.picture(z, x))  # (B, H, W, C)
    s = p.shortcut(x)
    z = p.early(z, s)
    z = p.back(p.dense2(z) if dense else p.conv2(z))
    return p.end(p.residual(z, s))


def rows_of(y):
    return y.reshape(y.shape[0], -1, y.shape[-1])


def like_input(tokens, x):
    """As high and wide as the input; the batch is what is left."""
    return tokens.reshape(-1, *x.shape[1:3], tokens.shape[-1])


SPATIAL = Base(
    spatial_transformer,
    {
        "dense": default(False),
        "channels": lambda heads, size: heads * size,
        "heads": first,
        "size": second,
        "by_head": by_head,
        "text": same,
        "entrance": same,
        "norm": Norm(),
        "normalised": same,
        "dense1": Dense("channels"),
        "conv1": Conv("channels", 1),
        "projected": same,
        "tokens": rows_of,
        "called": both_tokens,
        "fits": OfWidth("channels"),
        "cut": fits_heads,
        "block": InnerTransformer(),
        "again": first,
        "around": first,
        "picture": like_input,
        "mixed": same,
        "shortcut": same,
        "early": first,
        "dense2": Dense("channels"),
        "conv2": Conv("channels", 1),
        "back": same,
        "residual": add,
        "end": same,
    },
)

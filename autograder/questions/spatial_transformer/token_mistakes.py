"""The mistakes of exercise 04's first two questions: from picture to tokens and back."""

from keras import ops

from autograder.questions.question import Mistake

TOKENS = "From picture to tokens"
IMAGE = "From tokens to picture"
_RESHAPE = "Experiment: tokens are pixels"

TO_TOKENS_MISTAKES = (
    Mistake(
        "tokens-unchanged",
        lambda x: x + 0,
        "The picture came back as it was: height and width are still two axes.",
        "Attention works on a sequence: one axis that counts the tokens, and one for their features.",
        TOKENS,
    ),
    Mistake(
        "tokens-flattened",
        lambda x: ops.reshape(x, (x.shape[0], -1)),
        "Channels were flattened too: one long row of numbers for each picture is left.",
        "A pixel's channels must stay together: they are the features of its token.",
        TOKENS,
    ),
    Mistake(
        "tokens-batch-lost",
        lambda x: ops.reshape(x, (-1, x.shape[-1])),
        "The batch was flattened too: the pixels of all pictures stand in one list.",
        "The pixels of different pictures would attend to each other.",
        TOKENS,
    ),
    Mistake(
        "tokens-batch-joined",
        lambda x: ops.reshape(x, (1, -1, x.shape[-1])),
        "The pixels of all pictures became one sequence.",
        "The pixels of different pictures would attend to each other.",
        TOKENS,
    ),
    Mistake(
        "tokens-by-columns",
        lambda x: ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (x.shape[0], -1, x.shape[-1])),
        "The pixels stand in the order of columns; asked for are rows, the first row from left to right first.",
        "Inside the UNet it would do no harm if the way back did the same; but then it must.",
        _RESHAPE,
    ),
    Mistake(
        "tokens-scrambled",
        lambda x: ops.reshape(ops.transpose(x, (0, 3, 1, 2)), (x.shape[0], -1, x.shape[-1])),
        "The shape is right, but the channels were moved to the front before the reshape, so each token holds numbers "
        "of many pixels.",
        "A reshape counts the numbers off in their order in memory; the channels must come last there.",
        _RESHAPE,
    ),
    Mistake(
        "tokens-interleaved",
        lambda x: ops.transpose(ops.reshape(x, (x.shape[0], x.shape[-1], -1)), (0, 2, 1)),
        "The shape is right, but the picture was reshaped as if the channels came first, so each token holds numbers "
        "of many pixels.",
        "Keras keeps channels last: in memory the channels of one pixel lie next to each other.",
        _RESHAPE,
    ),
    Mistake(
        "tokens-are-channels",
        lambda x: ops.transpose(ops.reshape(x, (x.shape[0], -1, x.shape[-1])), (0, 2, 1)),
        "The tokens are the channels: features and tokens have changed places.",
        "A token is a pixel, and what is known of it are its channels: the last axis.",
        TOKENS,
    ),
    Mistake(
        "tokens-channels-first",
        lambda x: ops.reshape(x, (x.shape[0], x.shape[-1], -1)),
        "The picture was reshaped to (batch, channels, pixels): that is the layout with channels first.",
        "Keras keeps channels last, and so do tokens: (batch, tokens, features).",
        TOKENS,
    ),
    Mistake(
        "tokens-are-rows",
        lambda x: ops.reshape(x, (x.shape[0], x.shape[1], -1)),
        "The tokens are whole rows of pixels.",
        "Each pixel asks for itself: there must be height times width tokens.",
        TOKENS,
    ),
    Mistake(
        "tokens-are-columns",
        lambda x: ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (x.shape[0], x.shape[2], -1)),
        "The tokens are whole columns of pixels.",
        "Each pixel asks for itself: there must be height times width tokens.",
        TOKENS,
    ),
    Mistake(
        "tokens-pooled",
        lambda x: ops.mean(x, axis=(1, 2))[:, None],
        "The pixels were averaged into one token.",
        "Nothing may be lost on the way: each pixel becomes a token of its own.",
        TOKENS,
    ),
)

TO_IMAGE_MISTAKES = (
    Mistake(
        "image-unchanged",
        lambda tokens, height, width: tokens + 0,
        "The tokens came back as they were: height and width are still one axis.",
        "The convolutions that follow need a picture.",
        IMAGE,
    ),
    Mistake(
        "image-sides-swapped",
        lambda tokens, height, width: ops.reshape(tokens, (tokens.shape[0], width, height, -1)),
        "Height and width have changed places.",
        "Height comes first. With a square picture this would go unnoticed here, and turn it on its side elsewhere.",
        IMAGE,
    ),
    Mistake(
        "image-by-columns",
        lambda tokens, height, width: ops.transpose(
            ops.reshape(tokens, (tokens.shape[0], width, height, -1)), (0, 2, 1, 3)
        ),
        "The tokens were laid out column by column; they come row by row.",
        "Both ways must agree, or the picture comes back with its pixels in other places.",
        _RESHAPE,
    ),
    Mistake(
        "image-channels-first",
        lambda tokens, height, width: ops.reshape(tokens, (tokens.shape[0], -1, height, width)),
        "The tokens were reshaped to (batch, channels, height, width): that is the layout with channels first.",
        "Keras keeps channels last; and here even the numbers land in wrong places.",
        IMAGE,
    ),
    Mistake(
        "image-channels-moved",
        lambda tokens, height, width: ops.transpose(
            ops.reshape(tokens, (tokens.shape[0], height, width, -1)), (0, 3, 1, 2)
        ),
        "The channels were moved before height and width: that is the layout with channels first.",
        "Keras keeps channels last, (batch, height, width, channels).",
        IMAGE,
    ),
    Mistake(
        "image-scrambled",
        lambda tokens, height, width: ops.transpose(
            ops.reshape(tokens, (tokens.shape[0], -1, height, width)), (0, 2, 3, 1)
        ),
        "The shape is right, but the tokens were reshaped as if the channels came first, so each pixel holds numbers "
        "of many tokens.",
        "A reshape counts the numbers off in their order in memory, and there a token's features lie side by side.",
        _RESHAPE,
    ),
    Mistake(
        "image-transposed",
        lambda tokens, height, width: ops.reshape(
            ops.transpose(tokens, (0, 2, 1)), (tokens.shape[0], height, width, -1)
        ),
        "The shape is right, but tokens and features were swapped before the reshape, so each pixel holds numbers of "
        "many tokens.",
        "A token's features are one pixel's channels, and lie side by side already.",
        _RESHAPE,
    ),
    Mistake(
        "image-batch-joined",
        lambda tokens, height, width: ops.reshape(tokens, (height, width, -1)),
        "The batch axis is gone.",
        "There is one picture for each sequence of tokens.",
        IMAGE,
    ),
    Mistake(
        "image-of-one-batch",
        lambda tokens, height, width: ops.reshape(tokens, (1, height, width, -1)),
        "The pictures of the batch were made into one.",
        "There is one picture for each sequence of tokens; a batch of 1 hides this.",
        IMAGE,
    ),
    Mistake(
        "image-rows-flat",
        lambda tokens, height, width: ops.reshape(tokens, (tokens.shape[0], height, -1)),
        "Width and channels are still one axis.",
        "A feature map has four axes, (batch, height, width, channels).",
        IMAGE,
    ),
)

"""The mistakes of exercise 04's third question: the SpatialTransformer with one thing wrong each."""

import keras
from keras import ops

from autograder.questions.question import Mistake
from autograder.questions.spatial_transformer import variants
from autograder.questions.spatial_transformer.variants import made, wired
from autograder.reference import GroupNorm
from autograder.sitting.stand_ins import BasicTransformerBlock

_LINES = "In three lines"
_NORM = "Normalise and project"
_BLOCK = "The transformer block in the middle"
_RESIDUAL = "Project again, and add"
_SAME = "Dense or 1×1 convolution?"
_TOKENS = "From picture to tokens"
_PICTURE = "From tokens to picture"
_RESHAPE = "Experiment: tokens are pixels"
_EPSILON = "Where implementations disagree"

MISTAKES = (
    Mistake(
        "residual-missing",
        wired(lambda b, x, c: b.proj2(b.mixed(b.entry(x), c))),
        "The layer's input is not added to its output.",
        "Without it the picture itself would have to pass through the attention, and details are lost.",
        _RESIDUAL,
    ),
    Mistake(
        "residual-normalised",
        wired(lambda b, x, c: b.proj2(b.mixed(b.proj1(n := b.norm(x)), c)) + n),
        "The normalised input is added instead of the input itself.",
        "The path around must stay untouched: what is normalised away there is lost for all later blocks.",
        _RESIDUAL,
    ),
    Mistake(
        "residual-projected",
        wired(lambda b, x, c: b.proj2(b.mixed(y := b.entry(x), c)) + y),
        "The projected input is added instead of the input itself.",
        "The path around must stay untouched: it has no weights.",
        _RESIDUAL,
    ),
    Mistake(
        "residual-before-projection",
        wired(lambda b, x, c: b.proj2(b.mixed(b.entry(x), c) + x)),
        "The input is added before the second projection instead of after it.",
        "The path around must stay untouched; here it goes through the projection too.",
        _RESIDUAL,
    ),
    Mistake(
        "residual-twice",
        wired(lambda b, x, c: b.proj2(b.mixed(b.entry(x), c)) + 2 * x),
        "The input is added twice.",
        "The signal would double at every SpatialTransformer.",
        _RESIDUAL,
    ),
    Mistake(
        "norm-missing",
        wired(lambda b, x, c: b.proj2(b.mixed(b.proj1(x), c)) + x),
        "The GroupNorm is missing.",
        "The feature map grows on its way through the UNet; each block must normalise what it reads.",
        _NORM,
    ),
    Mistake(
        "norm-after-projection",
        wired(lambda b, x, c: b.proj2(b.mixed(b.norm(b.proj1(x)), c)) + x),
        "The first projection comes before the normalisation instead of after it.",
        "Trained weights expect the projection to read normalised values.",
        _NORM,
    ),
    Mistake(
        "norm-layer",
        made(make_norm=lambda self: keras.layers.LayerNormalization(epsilon=1e-5)),
        "The normalisation is LayerNorm over the channels of each pixel; here it is GroupNorm.",
        "LayerNorm comes later, inside of the transformer block. It erases where a picture is strong and where weak.",
        _NORM,
    ),
    Mistake(
        "norm-one-group",
        made(make_norm=lambda self: GroupNorm(groups=1)),
        "GroupNorm takes all channels as one group; here it is Keras' default of 32 groups.",
        "Trained weights expect 32 groups.",
        _NORM,
    ),
    Mistake(
        "norm-each-channel",
        made(make_norm=lambda self: keras.layers.GroupNormalization(groups=-1, epsilon=1e-5)),
        "Every channel is normalised by itself; here it is in 32 groups of channels.",
        "Trained weights expect 32 groups.",
        _NORM,
    ),
    Mistake(
        "epsilon-default",
        made(make_norm=lambda self: GroupNorm(1e-3)),
        "The epsilon of the GroupNorm is 1e-3, Keras' default; here it is 1e-5.",
        "Where a feature map varies little, the larger epsilon damps it, and trained weights give another picture.",
        _EPSILON,
    ),
    Mistake(
        "activation-added",
        wired(lambda b, x, c: b.proj2(b.mixed(b.proj1(ops.silu(b.norm(x))), c)) + x),
        "There is a swish after the normalisation.",
        "A ResBlock has one there, this block has none: the projection and the LayerNorm behind it take any sign.",
        _NORM,
    ),
    Mistake(
        "projection-missing-first",
        wired(lambda b, x, c: b.proj2(b.mixed(b.norm(x), c)) + x),
        "The first projection is missing.",
        "It mixes the channels into the features that the transformer block works with.",
        _NORM,
    ),
    Mistake(
        "projection-missing-second",
        wired(lambda b, x, c: b.mixed(b.entry(x), c) + x),
        "The second projection is missing.",
        "It mixes the features back into the channels of the feature map.",
        _RESIDUAL,
    ),
    Mistake(
        "projection-reused",
        wired(lambda b, x, c: b.proj1(b.mixed(b.entry(x), c)) + x),
        "One projection serves both ways; the way in and the way back have one each.",
        "The second one has another task, and trained weights bring a kernel for each.",
        _LINES,
    ),
    Mistake(
        "projection-no-bias",
        made(use_bias=False),
        "The projections have no bias.",
        "Trained weights bring one for each, and would not fit.",
        _SAME,
    ),
    Mistake(
        "projection-3x3",
        made(kernel_size=3),
        "The projections have 3x3 kernels; they look at one pixel at a time.",
        "Looking at neighbours is the work of the ResBlocks; here each pixel becomes a token by itself.",
        _SAME,
    ),
    Mistake(
        "context-ignored",
        wired(lambda b, x, c: b.proj2(b.mixed(y := b.entry(x), b.to_tokens(y))) + x),
        "The transformer block gets the pixels as its context instead of the text.",
        "This is the only block of the UNet that reads the text.",
        _BLOCK,
    ),
    Mistake(
        "context-first",
        wired(lambda b, x, c: b.proj2(b.to_image(b.transformer_block([c, b.to_tokens(b.entry(x))]), x)) + x),
        "The transformer block gets context and tokens in the wrong order.",
        "It is called on [tokens, context]: those that ask come first.",
        _BLOCK,
    ),
    Mistake(
        "tokens-missing",
        wired(lambda b, x, c: b.proj2(b.transformer_block([b.entry(x), c])) + x),
        "The transformer block gets the picture with its four axes; it reads tokens, (batch, tokens, features).",
        "To attention a picture is a sequence of pixels: height and width must be counted as one axis.",
        _TOKENS,
    ),
    Mistake(
        "block-missing",
        wired(lambda b, x, c: b.proj2(b.entry(x)) + x),
        "The transformer block is not used.",
        "It is all that this layer is for: without it no pixel sees another one, nor the text.",
        _BLOCK,
    ),
    Mistake(
        "block-heads-swapped",
        made(make_block=lambda self, channels: BasicTransformerBlock(channels, self.head_size, self.num_heads)),
        "The transformer block was made with number of heads and head size in the wrong order.",
        "Their product is the same, so everything fits; but the attention is cut in another way.",
        _BLOCK,
    ),
    Mistake(
        "block-one-head",
        made(make_block=lambda self, channels: BasicTransformerBlock(channels, 1, channels)),
        "The transformer block was made with a single head.",
        "It gets the number of heads and the head size that this layer was made with.",
        _BLOCK,
    ),
    Mistake(
        "tokens-in-another-order",
        made(to_tokens=variants.transposed_tokens),
        "The tokens are taken column by column, but laid out again row by row.",
        "What was computed for one pixel would be added to another one.",
        _RESHAPE,
    ),
    Mistake(
        "tokens-scrambled",
        made(to_tokens=variants.scrambled_tokens),
        "The channels were moved to the front before the reshape, so each token holds numbers of many pixels.",
        "A reshape counts the numbers off in their order in memory; the channels must come last there.",
        _RESHAPE,
    ),
    Mistake(
        "image-scrambled",
        made(to_image=variants.scrambled_image),
        "The tokens were reshaped as if channels came first, so each pixel holds numbers of many tokens.",
        "A reshape counts the numbers off in their order in memory, and there a token's features lie side by side.",
        _RESHAPE,
    ),
    Mistake(
        "image-sides-swapped",
        made(to_image=lambda self, tokens, x: ops.reshape(tokens, (-1, x.shape[2], x.shape[1], x.shape[3]))),
        "On the way back height and width have changed places.",
        "Height comes first. With a square picture this would go unnoticed.",
        _PICTURE,
    ),
    Mistake(
        "batch-joined",
        wired(variants.joined_batch),
        "The pixels of all pictures became one sequence.",
        "The pixels of different pictures would attend to each other.",
        _RESHAPE,
    ),
)

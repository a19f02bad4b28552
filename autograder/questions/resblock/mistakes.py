"""The mistakes of exercise 03: the reference's ResBlock with one thing wrong each."""

import keras
from keras import ops

from autograder.questions.question import Mistake
from autograder.questions.resblock import variants
from autograder.questions.resblock.variants import activated, convs, norms, wired
from autograder.reference import GroupNorm, PaddedConv2D

_IDEA = "In three lines"
_TIME = "Tell it the time: why `[:, None, None]`"
_SHORTCUT = "Second half, and the shortcut"
_PROJECT = "When the number of channels changes"
_EPSILON = "Where implementations disagree"

_EARLY_WHY = "Normalised values straddle zero, where swish bends most; raw ones may lie anywhere."

MISTAKES = (
    Mistake(
        "residual-forgotten",
        wired(lambda b, x, t: b.exit(b.entry(x) + b.time(t))),
        "The shortcut is missing: the block's input is not added to its output.",
        "Without it a block must learn to copy what it should keep, and deep stacks of blocks lose the signal.",
        _SHORTCUT,
    ),
    Mistake(
        "residual-after-norm",
        wired(lambda b, x, t: b.exit(b.entry(x) + b.time(t)) + b.shortcut(b.norm1(x))),
        "The shortcut carries the normalised input instead of the input itself.",
        "The shortcut must be the untouched path: what is normalised away there is lost for all later blocks.",
        _SHORTCUT,
    ),
    Mistake(
        "residual-scaled",
        wired(lambda b, x, t: (b.exit(b.entry(x) + b.time(t)) + b.shortcut(x)) * 0.5**0.5),
        "The sum with the shortcut is divided by the square root of two.",
        "Some other diffusion models do that; Stable Diffusion's blocks add without a factor.",
        _SHORTCUT,
    ),
    Mistake(
        "embedding-ignored",
        wired(lambda b, x, t: b.exit(b.entry(x)) + b.shortcut(x)),
        "The time embedding has no effect on the output.",
        "ResBlocks are the only place where the UNet learns how noisy its input is.",
        _TIME,
    ),
    Mistake(
        "embedding-late",
        wired(lambda b, x, t: b.exit(b.entry(x)) + b.time(t) + b.shortcut(x)),
        "The time embedding is added after the second convolution.",
        "It belongs between the two: there the second normalisation, swish and convolution can act on it.",
        _TIME,
    ),
    Mistake(
        "embedding-after-norm",
        wired(lambda b, x, t: b.conv2(ops.silu(b.norm2(b.entry(x)) + b.time(t))) + b.shortcut(x)),
        "The time embedding is added after the second normalisation instead of before it.",
        "It belongs right behind the first convolution, before the exit flow begins.",
        _TIME,
    ),
    Mistake(
        "embedding-without-swish",
        wired(lambda b, x, t: b.exit(b.entry(x) + b.dense(t)[:, None, None]) + b.shortcut(x)),
        "The time embedding goes into its Dense layer without a swish before it.",
        "The time MLP ends with a Dense layer: without a swish in between, two Dense layers are no more than one.",
        _TIME,
    ),
    Mistake(
        "embedding-swish-after",
        wired(lambda b, x, t: b.exit(b.entry(x) + ops.silu(b.dense(t))[:, None, None]) + b.shortcut(x)),
        "The swish of the time embedding comes after its Dense layer instead of before it.",
        "After it, the swish would keep the embedding from pulling a channel far below zero.",
        _TIME,
    ),
    Mistake(
        "embedding-multiplied",
        wired(lambda b, x, t: b.exit(b.entry(x) * b.time(t)) + b.shortcut(x)),
        "The feature map is multiplied with the time embedding; it is to be added.",
        "Some models scale and shift with the time; Stable Diffusion only shifts.",
        _TIME,
    ),
    Mistake(
        "embedding-scaled",
        wired(lambda b, x, t: b.exit(b.entry(x) * (1 + b.time(t))) + b.shortcut(x)),
        "The feature map is scaled by one plus the time embedding; the embedding is to be added.",
        "Some models scale and shift with the time; Stable Diffusion only shifts.",
        _TIME,
    ),
    Mistake(
        "embedding-axes",
        wired(lambda b, x, t: b.exit(b.entry(x) + b.dense(ops.silu(t))[:, None]) + b.shortcut(x)),
        "The time embedding lacks an axis: it meets the feature map with three axes instead of four.",
        "Broadcasting lines shapes up from the right, so (B, 1, C) would stretch over the width and miss the height.",
        _TIME,
    ),
    Mistake(
        "embedding-channels-first",
        wired(lambda b, x, t: b.exit(b.entry(x) + b.dense(ops.silu(t))[:, :, None, None]) + b.shortcut(x)),
        "The time embedding's new axes stand after its features: that is the layout with channels first.",
        "Keras keeps channels last, so the features must stay the last axis.",
        _TIME,
    ),
    Mistake(
        "embedding-flat",
        wired(lambda b, x, t: b.exit(b.entry(x) + b.dense(ops.silu(t))) + b.shortcut(x)),
        "The time embedding is added with two axes, (batch, channels), to a feature map with four.",
        "Broadcasting lines shapes up from the right, so the batch would meet the width of the feature map.",
        _TIME,
    ),
    Mistake(
        "embedding-no-bias",
        variants.DenseWithoutBias,
        "The Dense layer of the time embedding has no bias.",
        "Trained weights bring one, and would not fit.",
        _TIME,
    ),
    Mistake(
        "epsilon-default",
        norms(lambda: GroupNorm(1e-3)),
        "The epsilon of the GroupNorms is 1e-3, Keras' default; the UNet's is 1e-5.",
        "Where a feature map varies little, the larger epsilon damps it, and trained weights give another picture.",
        _EPSILON,
    ),
    Mistake(
        "swish-missing-entry",
        wired(lambda b, x, t: b.exit(b.conv1(b.norm1(x)) + b.time(t)) + b.shortcut(x)),
        "There is no swish between the first normalisation and the first convolution.",
        "Each flow is normalise, swish, convolve: without the swish the block loses half of its non-linearity.",
        _IDEA,
    ),
    Mistake(
        "swish-missing-exit",
        wired(lambda b, x, t: b.conv2(b.norm2(b.entry(x) + b.time(t))) + b.shortcut(x)),
        "There is no swish between the second normalisation and the second convolution.",
        "Each flow is normalise, swish, convolve: without the swish the block loses half of its non-linearity.",
        _IDEA,
    ),
    Mistake(
        "swish-missing",
        activated(lambda a: a),
        "There is no swish anywhere in the block.",
        "Without it, everything between two normalisations is one linear map.",
        _IDEA,
    ),
    Mistake(
        "activation-relu",
        activated(ops.relu),
        "The activation is ReLU; the block's is swish, x · sigmoid(x).",
        "Trained weights expect swish's small negative values.",
        _IDEA,
    ),
    Mistake(
        "activation-gelu",
        activated(ops.gelu),
        "The activation is GELU; the block's is swish, x · sigmoid(x).",
        "The two look alike but differ by up to a tenth, and trained weights expect swish.",
        _IDEA,
    ),
    Mistake(
        "swish-before-norm",
        wired(lambda b, x, t: variants.early_exit(b, variants.early_entry(b, x) + b.time(t)) + b.shortcut(x)),
        "The swish comes before the normalisation instead of after it.",
        _EARLY_WHY,
        _IDEA,
    ),
    Mistake(
        "swish-before-norm-entry",
        wired(lambda b, x, t: b.exit(variants.early_entry(b, x) + b.time(t)) + b.shortcut(x)),
        "In the entry flow the swish comes before the normalisation instead of after it.",
        _EARLY_WHY,
        _IDEA,
    ),
    Mistake(
        "swish-before-norm-exit",
        wired(lambda b, x, t: variants.early_exit(b, b.entry(x) + b.time(t)) + b.shortcut(x)),
        "In the exit flow the swish comes before the normalisation instead of after it.",
        _EARLY_WHY,
        _IDEA,
    ),
    Mistake(
        "swish-at-the-end",
        wired(lambda b, x, t: ops.silu(b.exit(b.entry(x) + b.time(t)) + b.shortcut(x))),
        "There is a swish on the block's output.",
        "It would bend the shortcut too, which must stay the untouched path.",
        _SHORTCUT,
    ),
    Mistake(
        "convolution-first",
        variants.ConvFirst,
        "The order is convolve, normalise, swish; the block's is normalise, swish, convolve.",
        "The block ends with a convolution, so that what it adds to the shortcut can be of any size and sign.",
        _IDEA,
    ),
    Mistake(
        "norm-missing-entry",
        wired(lambda b, x, t: b.exit(b.conv1(ops.silu(x)) + b.time(t)) + b.shortcut(x)),
        "The first GroupNorm is missing.",
        "The shortcut lets the signal grow from block to block; each block must normalise what it reads.",
        _IDEA,
    ),
    Mistake(
        "norm-missing-exit",
        wired(lambda b, x, t: b.conv2(ops.silu(b.entry(x) + b.time(t))) + b.shortcut(x)),
        "The second GroupNorm is missing.",
        "After the time embedding was added, the scale of each channel is arbitrary again.",
        _IDEA,
    ),
    Mistake(
        "norm-layer",
        norms(lambda: keras.layers.LayerNormalization(epsilon=1e-5)),
        "The normalisation is LayerNorm over the channels of each pixel; the block's is GroupNorm.",
        "LayerNorm gives every pixel the same size and so erases where the picture is strong and where it is weak.",
        _IDEA,
    ),
    Mistake(
        "norm-one-group",
        norms(lambda: GroupNorm(groups=1)),
        "GroupNorm takes all channels as one group; the block uses Keras' default of 32 groups.",
        "Trained weights expect 32 groups.",
        _IDEA,
    ),
    Mistake(
        "norm-each-channel",
        norms(lambda: keras.layers.GroupNormalization(groups=-1, epsilon=1e-5)),
        "Every channel is normalised by itself; the block normalises in 32 groups of channels.",
        "A group of one channel would subtract the time embedding again, which is one number for each channel.",
        _IDEA,
    ),
    Mistake(
        "padding-valid",
        variants.ValidPadding,
        "The convolutions do not pad, so the feature map shrinks by two pixels at each of them.",
        "The block must keep height and width, or its output cannot be added to its input.",
        _IDEA,
    ),
    Mistake(
        "convolution-1x1",
        convs(lambda dim: PaddedConv2D(dim, 1)),
        "The convolutions have 1x1 kernels; the block's have 3x3.",
        "With 1x1 kernels no pixel would ever see its neighbours.",
        _IDEA,
    ),
    Mistake(
        "convolution-no-bias",
        convs(lambda dim: keras.layers.Conv2D(dim, 3, padding="same", use_bias=False)),
        "The 3x3 convolutions have no bias.",
        "Trained weights bring one for each convolution, and would not fit.",
        _IDEA,
    ),
    Mistake(
        "exit-flow-missing",
        wired(lambda b, x, t: b.entry(x) + b.time(t) + b.shortcut(x)),
        "The exit flow is missing: the second normalisation, swish and convolution.",
        "The time embedding would only shift the output, and the block could not act on it.",
        _IDEA,
    ),
)

SAME_MISTAKES = (
    Mistake(
        "residual-activated",
        wired(lambda b, x, t: b.exit(b.entry(x) + b.time(t)) + b.shortcut(ops.silu(b.norm1(x)))),
        "The shortcut carries the normalised and activated input instead of the input itself.",
        "This happens when one variable name is used for both: keep the input under a name of its own.",
        _SHORTCUT,
    ),
    Mistake(
        "residual-of-output",
        wired(lambda b, x, t: 2 * b.exit(b.entry(x) + b.time(t))),
        "The output was added to itself instead of to the block's input.",
        "This happens when one variable name is used for both: keep the input under a name of its own.",
        _SHORTCUT,
    ),
    Mistake(
        "residual-always-projected",
        variants.AlwaysProjected,
        "The shortcut goes through a convolution although the channel count stays the same.",
        "Where nothing changes, the shortcut is the identity: it has no weights, and trained weights bring none.",
        _PROJECT,
    ),
    Mistake(
        "embedding-early",
        wired(lambda b, x, t: b.exit(b.entry(x + b.time(t))) + b.shortcut(x)),
        "The time embedding is added before the entry flow.",
        "It belongs between the two convolutions, where the map already has the block's own channels.",
        _TIME,
    ),
    Mistake(
        "norm-reused",
        wired(lambda b, x, t: b.conv2(ops.silu(b.norm1(b.entry(x) + b.time(t)))) + b.shortcut(x)),
        "One GroupNorm serves both flows; each flow has its own.",
        "The second one sees other values, and trained weights bring a gamma and a beta for each.",
        _IDEA,
    ),
    Mistake(
        "convolution-reused",
        wired(lambda b, x, t: b.conv1(ops.silu(b.norm2(b.entry(x) + b.time(t)))) + b.shortcut(x)),
        "One convolution serves both flows; each flow has its own.",
        "The second one has another task, and trained weights bring a kernel for each.",
        _IDEA,
    ),
)

PROJECT_MISTAKES = (
    Mistake(
        "width-changes-late",
        variants.LateWidth,
        "The width changes in the second convolution; it changes in the first.",
        "From there on the block works at `output_dim` channels: its Dense layer, its second GroupNorm and its second "
        "convolution are all made for that width.",
        _PROJECT,
    ),
    Mistake(
        "projection-missing",
        wired(lambda b, x, t: b.exit(b.entry(x) + b.time(t)) + x),
        "The input is added as it is, although it has another number of channels than the output.",
        "Shapes must agree in a sum: here the shortcut needs a projection to the new number of channels.",
        _PROJECT,
    ),
    Mistake(
        "projection-3x3",
        variants.Projection3x3,
        "The projection on the shortcut has a 3x3 kernel; it is a 1x1 convolution.",
        "The shortcut only mixes channels. Looking at neighbours is the work of the other path.",
        _PROJECT,
    ),
    Mistake(
        "projection-no-bias",
        variants.ProjectionWithoutBias,
        "The projection on the shortcut has no bias.",
        "Trained weights bring one, and would not fit.",
        _PROJECT,
    ),
    Mistake(
        "projection-of-normalised",
        wired(lambda b, x, t: b.exit(b.entry(x) + b.time(t)) + b.shortcut(ops.silu(b.norm1(x)))),
        "The projection on the shortcut reads the normalised and activated input instead of the input itself.",
        "The shortcut must start from the untouched input.",
        _PROJECT,
    ),
)

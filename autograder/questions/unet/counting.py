"""The parameters of a ResBlock as a function of its sizes, right and with one thing wrong each."""

from autograder.questions.question import Mistake

_COUNT = "Counting a ResBlock"


def counted(
    norm1=lambda c, d: 2 * c,
    conv1=lambda c, d: 9 * c * d + d,
    dense=lambda e, d: e * d + d,
    norm2=lambda c, d: 2 * d,
    conv2=lambda c, d: 9 * d * d + d,
    projection=lambda c, d: c * d + d if c != d else 0,
):
    """`resblock_parameters` with other parts: c channels in, d out, e features of the time embedding."""

    def resblock_parameters(input_dim, output_dim, embedding_dim):
        c, d, e = input_dim, output_dim, embedding_dim
        return norm1(c, d) + conv1(c, d) + dense(e, d) + norm2(c, d) + conv2(c, d) + projection(c, d)

    return resblock_parameters


resblock_parameters = counted()


def _dense_of_input(input_dim, output_dim, embedding_dim):
    wrong, right = ((embedding_dim + 1) * dim for dim in (input_dim, output_dim))
    return resblock_parameters(input_dim, output_dim, embedding_dim) - right + wrong


MISTAKES = (
    Mistake(
        "projection-forgotten",
        counted(projection=lambda c, d: 0),
        "The projection on the shortcut is not counted, where the channels change.",
        "It is a 1x1 convolution with a bias, as soon as the number of channels changes.",
        _COUNT,
    ),
    Mistake(
        "projection-always",
        counted(projection=lambda c, d: c * d + d),
        "A projection on the shortcut is counted even where the channels stay the same.",
        "There the shortcut is the input itself and has no weights.",
        _COUNT,
    ),
    Mistake(
        "projection-without-bias",
        counted(projection=lambda c, d: c * d if c != d else 0),
        "The projection's bias is not counted.",
        "Every convolution of the UNet has a bias, the one on the shortcut too.",
        _COUNT,
    ),
    Mistake(
        "projection-3x3",
        counted(projection=lambda c, d: 9 * c * d + d if c != d else 0),
        "The projection is counted with a 3x3 kernel; it has a 1x1 kernel.",
        "The shortcut only mixes channels.",
        _COUNT,
    ),
    Mistake(
        "projection-when-wider-only",
        counted(projection=lambda c, d: c * d + d if d > c else 0),
        "The projection is counted only where the channels grow.",
        "On the way up they shrink, and the shortcut needs a projection just the same.",
        _COUNT,
    ),
    Mistake(
        "biases-forgotten",
        counted(
            conv1=lambda c, d: 9 * c * d,
            dense=lambda e, d: e * d,
            conv2=lambda c, d: 9 * d * d,
            projection=lambda c, d: c * d if c != d else 0,
        ),
        "The biases are not counted.",
        "Every convolution and every Dense layer of this block has one number for each channel that goes out.",
        _COUNT,
    ),
    Mistake(
        "two-of-output-forgotten",
        counted(conv1=lambda c, d: 9 * c * d, conv2=lambda c, d: 9 * d * d),
        "2 · output_dim numbers are missing: two biases (of the 3x3 convolutions and of the Dense layer), or the gamma "
        "and beta of the second normalisation.",
        "Each bias, each gamma and each beta has one number for each channel.",
        _COUNT,
    ),
    Mistake(
        "one-of-output-forgotten",
        counted(dense=lambda e, d: e * d),
        "output_dim numbers are missing: the bias of one of the 3x3 convolutions or of the Dense layer, or the gamma "
        "or beta of the second normalisation.",
        "Each bias, each gamma and each beta has one number for each channel.",
        _COUNT,
    ),
    Mistake(
        "dense-forgotten",
        counted(dense=lambda e, d: 0),
        "The Dense layer of the time embedding is not counted.",
        "It brings the embedding to one number for each channel that goes out.",
        _COUNT,
    ),
    Mistake(
        "dense-to-input",
        _dense_of_input,
        "The Dense layer of the time embedding is counted with the channels that come in; it makes those that go out.",
        "The embedding is added after the first convolution.",
        _COUNT,
    ),
    Mistake(
        "norms-forgotten",
        counted(norm1=lambda c, d: 0, norm2=lambda c, d: 0),
        "The two normalisations are not counted.",
        "Each has a gamma and a beta for every channel it reads.",
        _COUNT,
    ),
    Mistake(
        "norms-of-groups",
        counted(norm1=lambda c, d: 2 * 32, norm2=lambda c, d: 2 * 32),
        "The normalisations are counted with two numbers a group; they have two a channel.",
        "Mean and variance are taken over a group, but gamma and beta belong to each channel.",
        _COUNT,
    ),
    Mistake(
        "norms-one-number",
        counted(norm1=lambda c, d: c, norm2=lambda c, d: d),
        "The normalisations are counted with one number a channel; they have two, gamma and beta.",
        "Both are learned.",
        _COUNT,
    ),
    Mistake(
        "first-norm-of-output",
        counted(norm1=lambda c, d: 2 * d),
        "The first normalisation is counted with the channels that go out; it reads those that come in.",
        "It stands before the first convolution.",
        _COUNT,
    ),
    Mistake(
        "second-norm-of-input",
        counted(norm2=lambda c, d: 2 * c),
        "The second normalisation is counted with the channels that come in; it reads those that go out.",
        "It stands behind the first convolution, which already makes the block's own number of channels.",
        _COUNT,
    ),
    Mistake(
        "second-convolution-from-input",
        counted(conv2=lambda c, d: 9 * c * d + d),
        "The second convolution is counted from the channels that come in; it reads those of the first's output.",
        "After the first convolution the feature map has the block's own number of channels.",
        _COUNT,
    ),
    Mistake(
        "kernels-1x1",
        counted(conv1=lambda c, d: c * d + d, conv2=lambda c, d: d * d + d),
        "The two convolutions are counted with 1x1 kernels; they are 3x3.",
        "A kernel holds one matrix for each of its nine places.",
        _COUNT,
    ),
)

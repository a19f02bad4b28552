"""The mistakes of exercise 09 in counting a ResBlock's parameters: c channels in, d out, e features of the time."""

from autograder.questions.catalogue import change

_NO_BIAS = {
    "conv1": lambda c, d: 9 * c * d,
    "conv2": lambda c, d: 9 * d * d,
}

PARAMETER_CHANGES = (
    change("projection-forgotten", projection=lambda c, d: 0),
    change("projection-always", projection=lambda c, d: c * d + d),
    change("projection-without-bias", projection=lambda c, d: c * d if c != d else 0),
    change("projection-3x3", projection=lambda c, d: 9 * c * d + d if c != d else 0),
    change("projection-when-wider-only", projection=lambda c, d: c * d + d if d > c else 0),
    change("projection-when-narrower-only", projection=lambda c, d: c * d + d if d < c else 0),
    change("projection-where-channels-stay", projection=lambda c, d: c * d + d if c == d else 0),
    change("projection-from-output", projection=lambda c, d: d * d + d if c != d else 0),
    change(
        "biases-forgotten",
        _NO_BIAS | {"dense": lambda e, d, c: e * d, "projection": lambda c, d: c * d if c != d else 0},
    ),
    change("biases-of-the-block-forgotten", _NO_BIAS | {"dense": lambda e, d, c: e * d}),
    change("biases-of-convolutions-forgotten", _NO_BIAS | {"projection": lambda c, d: c * d if c != d else 0}),
    change("two-of-output-forgotten", _NO_BIAS),
    change("one-of-output-forgotten", dense=lambda e, d, c: e * d),
    change("one-of-input-forgotten", norm1=lambda c, d: c),
    change("biases-of-input", {"conv1": lambda c, d: 9 * c * d + c}, {"dense": lambda e, d, c: e * d + c}),
    change("bias-of-embedding", dense=lambda e, d, c: e * d + e),
    change("dense-forgotten", dense=lambda e, d, c: 0),
    change("dense-to-input", dense=lambda e, d, c: e * c + c),
    change("dense-of-feature-map", {"dense": lambda e, d, c: c * d + d}, {"dense": lambda e, d, c: d * d + d}),
    change("dense-of-wider-embedding", dense=lambda e, d, c: 4 * e * d + d),
    change("dense-of-1280", dense=lambda e, d, c: 1280 * d + d),
    change("norms-forgotten", norm1=lambda c, d: 0, norm2=lambda c, d: 0),
    change("first-norm-forgotten", norm1=lambda c, d: 0),
    change("norms-of-groups", norm1=lambda c, d: 2 * 32, norm2=lambda c, d: 2 * 32),
    change("norms-one-number", norm1=lambda c, d: c, norm2=lambda c, d: d),
    change("norms-four-numbers", norm1=lambda c, d: 4 * c, norm2=lambda c, d: 4 * d),
    change("first-norm-of-output", norm1=lambda c, d: 2 * d),
    change("second-norm-of-input", norm2=lambda c, d: 2 * c),
    change("first-convolution-forgotten", conv1=lambda c, d: 0),
    change("second-convolution-forgotten", conv2=lambda c, d: 0),
    change("first-convolution-from-output", conv1=lambda c, d: 9 * d * d + d),
    change("second-convolution-from-input", conv2=lambda c, d: 9 * c * d + d),
    change("kernels-1x1", conv1=lambda c, d: c * d + d, conv2=lambda c, d: d * d + d),
    change("kernels-of-three", conv1=lambda c, d: 3 * c * d + d, conv2=lambda c, d: 3 * d * d + d),
    change("first-kernel-1x1", conv1=lambda c, d: c * d + d),
    change("second-kernel-1x1", conv2=lambda c, d: d * d + d),
)

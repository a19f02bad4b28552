"""The networks around the small UNet: text encoder, encoder and decoder of pictures, and the judge of pictures.

Shapes: B batch, T tokens of a caption, D features of a token.
"""

import keras

from autograder.reference import TextEncoder, TextEncoderConfig, UNetConfig
from autograder.small_model.language import COLOURS, GROUNDS, MAX_TEXT_LENGTH, THINGS, WORDS
from autograder.small_model.painting import SIDE

# Every width a multiple of 32 (the groups of GroupNorm) and at least 64, see the course's page on numerics.
SMALL = UNetConfig(channels=(64, 96, 96, 96), head_size=32, context_dim=64)
SMALL_TEXT = TextEncoderConfig(
    vocabulary=len(WORDS), length=MAX_TEXT_LENGTH, width=SMALL.context_dim, num_heads=2, layers=3
)
LATENT_SIDE = SIDE // 8
CELLS = SIDE // 8  # the judge reads a picture in cells of 8x8 pixels


def build_text_encoder():
    """Tokens `(B, 22)` to context `(B, 22, 64)`: the reference's text encoder, in small."""
    return TextEncoder(SMALL_TEXT, name="text_encoder")


def build_encoder():
    """Pictures `(B, 128, 128, 3)` to latents `(B, 16, 16, 4)`: three halvings, then a linear layer."""
    picture = x = keras.Input((SIDE, SIDE, 3))
    for i, filters in enumerate((32, 64, 96)):
        x = keras.layers.Conv2D(filters, 4, 2, "same", activation="swish", name=f"down{i}")(x)  # H, W halve
    x = keras.layers.Conv2D(96, 3, padding="same", activation="swish", name="mix")(x)
    latent = keras.layers.Dense(SMALL.latent_channels, name="to_latent", dtype="float32")(x)
    return keras.Model(picture, latent, name="encoder")


def build_decoder():
    """Latents `(B, 16, 16, 4)` to pictures `(B, 128, 128, 3)`, values from -1 to 1."""
    latent = x = keras.Input((LATENT_SIDE, LATENT_SIDE, SMALL.latent_channels))
    for name in ("conv_in", "mix0", "mix1"):
        x = keras.layers.Conv2D(128, 3, padding="same", activation="swish", name=name)(x)
    for i, filters in enumerate((64, 32, 16)):
        x = keras.layers.Conv2DTranspose(filters, 4, 2, "same", activation="swish", name=f"up{i}")(x)  # H, W double
    out = keras.layers.Conv2D(3, 3, padding="same", activation="tanh", name="to_picture", dtype="float32")(x)
    return keras.Model(latent, out, name="decoder")


def build_judge():
    """Pictures to what they show: for each cell of 8x8 pixels whether the middle of a thing lies there, which thing,
    its colour and the logarithm of its radius; and the ground. Trained on true pictures only, no part of drawing.

    Outputs, logits but for `radius`: `centre` `(B, 16, 16, 1)`, `thing` `(B, 16, 16, 10)`, `colour` `(B, 16, 16, 6)`,
    `radius` `(B, 16, 16, 1)`, `ground` `(B, 5)`.

    Reference: Zhou et al., "Objects as Points" (2019), section 3.
    """
    picture = x = keras.Input((SIDE, SIDE, 3))
    for i, filters in enumerate((24, 48, 96)):
        x = keras.layers.Conv2D(filters, 4, 2, "same", activation="relu", name=f"down{i}")(x)  # H, W halve
    for i in range(4):  # until a cell sees all of the largest thing
        x = keras.layers.Conv2D(96, 3, padding="same", activation="relu", name=f"mix{i}")(x)
    return keras.Model(picture, _readings(x), name="judge")


def build_reader(shape):
    """Features `(B, 16, 16, F)` of a UNet in training to what the judge puts out: a norm and a linear layer for each.

    It begins with what is known of no picture in particular: nothing is read anywhere.

    Args:
        shape: of the features, `(16, 16, F)`.
    """
    features = keras.Input(shape)
    x = keras.layers.LayerNormalization(epsilon=1e-5, dtype="float32", name="norm")(features)
    start = {"centre": -5.0, "radius": 2.8}  # one cell in 100, 16 pixels
    return keras.Model(features, _readings(x, start, kernel_initializer="zeros"), name="reader")


class TextReader(keras.layers.Layer):
    """Reads in the features of a caption what will stand where, as `build_reader` does in those of a UNet: each cell
    has a query of its own that attends to the tokens, as the pixels of a UNet do.

    Call arguments:
        context: `(B, T, D)`.

    Returns:
        What the judge puts out, by name.
    """

    def __init__(self, width=SMALL.context_dim, heads=2, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.attention = keras.layers.MultiHeadAttention(heads, width // heads, name="attention")
        self.norms = [keras.layers.LayerNormalization(epsilon=1e-5, name=f"norm{i}") for i in range(2)]
        self.hidden = keras.layers.Dense(4 * width, activation="gelu", name="hidden")
        self.out = keras.layers.Dense(width, name="out")
        self.reader = build_reader((CELLS, CELLS, width))

    def build(self, shape):
        self.queries = self.add_weight(shape=(CELLS * CELLS, self.width), initializer="random_normal", name="queries")
        cells = (shape[0], CELLS * CELLS, self.width)
        self.attention.build(cells, shape)
        for norm in self.norms:
            norm.build(cells)
        self.hidden.build(cells)
        self.out.build((*cells[:2], 4 * self.width))

    def call(self, context):
        cells = keras.ops.broadcast_to(self.queries, (keras.ops.shape(context)[0], *self.queries.shape))
        cells = cells + self.attention(self.norms[0](cells), context)  # (B, G * G, D)
        cells = cells + self.out(self.hidden(self.norms[1](cells)))
        return self.reader(keras.ops.reshape(cells, (-1, CELLS, CELLS, self.width)))


def _readings(x, start=None, **how):
    """What is read in features `(B, G, G, F)`, by name; `start` has biases to begin with."""
    sizes = {"centre": 1, "thing": len(THINGS), "colour": len(COLOURS), "radius": 1, "ground": len(GROUNDS)}
    outputs = {}
    for name, size in sizes.items():
        bias = keras.initializers.Constant((start or {}).get(name, 0.0))
        layer = keras.layers.Dense(size, name=name, dtype="float32", bias_initializer=bias, **how)
        outputs[name] = layer(keras.layers.GlobalAveragePooling2D(name="mean")(x) if name == "ground" else x)
    return outputs

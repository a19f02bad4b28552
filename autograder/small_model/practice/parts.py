"""The networks around the UNet: encoder and decoder, the words' embedding, and the judge of pictures.

Shapes: B batch, T words, D features of a word.
"""

import keras
import numpy as np
from keras import ops

from autograder.reference import UNetConfig
from autograder.small_model.practice.shape_pictures import SIDE
from autograder.small_model.practice.shapes import (
    BACKGROUNDS,
    MAX_TEXT_LENGTH,
    OBJECT_COLOURS,
    PLACES,
    RELATIONS,
    SHAPES,
    WORDS,
)

# Every width a multiple of 32 (Keras' default groups) and at least 64, see the course's page on numerics.
SMALL = UNetConfig(channels=(64, 64, 96, 96), head_size=32, context_dim=64)
LATENT_SIDE = SIDE // 8


def build_encoder():
    """Pictures `(B, 64, 64, 3)` to latents `(B, 8, 8, 4)`: three halvings, then a linear layer."""
    picture = keras.Input((SIDE, SIDE, 3))
    x = picture
    for i, filters in enumerate((24, 48, 96)):
        x = keras.layers.Conv2D(filters, 4, 2, "same", activation="swish", name=f"down{i}")(x)  # H, W halve
    return keras.Model(picture, keras.layers.Dense(SMALL.latent_channels, name="to_latent")(x), name="encoder")


def build_decoder():
    """Latents `(B, 8, 8, 4)` to pictures `(B, 64, 64, 3)`, values from -1 to 1."""
    latent = keras.Input((LATENT_SIDE, LATENT_SIDE, SMALL.latent_channels))
    x = keras.layers.Conv2D(96, 3, padding="same", activation="swish", name="conv_in")(latent)
    x = keras.layers.Conv2D(96, 3, padding="same", activation="swish", name="conv_mix")(x)
    for i, filters in enumerate((48, 24, 12)):
        x = keras.layers.Conv2DTranspose(filters, 4, 2, "same", activation="swish", name=f"up{i}")(x)  # H, W double
    out = keras.layers.Conv2D(3, 3, padding="same", activation="tanh", name="to_picture", dtype="float32")(x)
    return keras.Model(latent, out, name="decoder")


def build_judge():
    """Pictures to what they show: for each of PLACES the colour and the shape (the last class is "nothing there"),
    and the background. Trained on true pictures only; it has no part in drawing.

    Outputs, all logits: `colour` `(B, 5, 7)`, `shape` `(B, 5, 5)`, `background` `(B, 4)`.
    """
    picture = keras.Input((SIDE, SIDE, 3))
    x = picture
    for i, filters in enumerate((24, 48, 64, 96)):
        x = keras.layers.Conv2D(filters, 3, 2, "same", activation="relu", name=f"down{i}")(x)  # H, W halve
    x = keras.layers.Dense(160, activation="relu", name="mix")(keras.layers.Flatten()(x))
    sizes = {"colour": len(OBJECT_COLOURS) + 1, "shape": len(SHAPES) + 1}
    outputs = {}
    for name, size in sizes.items():
        logits = keras.layers.Dense(len(PLACES) * size, name=name, dtype="float32")(x)
        outputs[name] = keras.layers.Reshape((len(PLACES), size))(logits)
    outputs["background"] = keras.layers.Dense(len(BACKGROUNDS), name="background", dtype="float32")(x)
    return keras.Model(picture, outputs, name="judge")


class WordEmbedding(keras.layers.Layer):
    """Words to the vectors that the UNet's cross-attention reads: what the word is, plus where it stands.

        context[i] = words[token[i]] + places[relation, i]

    `places` has a table for each relation, since it is the relation that tells where in the picture the object of a
    word belongs: "red" is the upper object's in "a red circle above ..." and the lower one's in "a red circle
    below ...". In Stable Diffusion a whole text model (CLIP) does this work.

    Args:
        features: features of a word, D.

    Call arguments:
        tokens: int tensor `(B, T)`, see `captions.tokenize`.

    Returns:
        Tensor `(B, T, features)`.
    """

    def __init__(self, features=SMALL.context_dim, **kwargs):
        super().__init__(**kwargs)
        self.features = features
        self.relation_of_word = np.array([RELATIONS.index(w) if w in RELATIONS else 0 for w in WORDS], "int32")

    def build(self, tokens_shape):
        start = keras.initializers.RandomNormal(stddev=0.7)  # so that the sum has variance 1
        self.words = self.add_weight(shape=(len(WORDS), self.features), initializer=start, name="words")
        shape = (len(RELATIONS), MAX_TEXT_LENGTH, self.features)
        self.places = self.add_weight(shape=shape, initializer=start, name="places")
        self.built = True

    def compute_output_shape(self, tokens_shape):
        return (*tokens_shape, self.features)

    def call(self, tokens):
        relation = ops.max(ops.take(ops.convert_to_tensor(self.relation_of_word), tokens), axis=1)  # (B,)
        return ops.take(self.words, tokens, axis=0) + ops.take(self.places, relation, axis=0)  # (B, T, D)

    def get_config(self):
        return super().get_config() | {"features": self.features}

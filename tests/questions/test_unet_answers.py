"""Right exits, models and counts, written very differently, pass; another epsilon of the exit does not."""

import keras
import numpy as np
import pytest
from keras import ops

from autograder.exam import make_paper
from autograder.exam.comparing import relative_error
from autograder.questions import find
from autograder.reference.unet import exit_flow
from autograder.sitting.paper import BASE
from autograder.sitting.run import sit
from tests.questions.right_answers import assert_accepted
from tests.questions.test_flow_answers import (
    down_blocks_first,
    down_generator,
    down_recipe,
    down_recursive,
    down_unrolled,
    middle_as_layers,
    middle_class,
    middle_loop,
    middle_made_first,
    middle_reduced,
    up_by_index,
    up_by_levels,
    up_over_skips,
    up_recursive,
    up_reversed,
)


def exit_sequential(x, blocks):
    layers = keras.layers
    last = blocks.PaddedConv2D(blocks.latent_channels, 3, padding=1)
    return keras.Sequential([layers.GroupNormalization(epsilon=1e-5), layers.Activation("silu"), last])(x)


def exit_ops(x, blocks):
    x = keras.layers.GroupNormalization(groups=32, axis=-1, epsilon=1e-6)(x)
    return blocks.PaddedConv2D(blocks.latent_channels, 3, padding=1)(x * ops.sigmoid(x))


class GroupNormByHand(keras.layers.Layer):
    def build(self, shape):
        self.shift = self.add_weight(shape=(shape[-1],))
        self.gain = self.add_weight(shape=(1, 1, 1, shape[-1]))

    def call(self, x):
        _, h, w, c = x.shape
        groups = ops.reshape(x, (-1, h * w, 32, c // 32))
        mean = ops.mean(groups, axis=(1, 3), keepdims=True)
        variance = ops.var(groups, axis=(1, 3), keepdims=True)
        return ops.reshape((groups - mean) / ops.sqrt(variance + 1e-5), (-1, h, w, c)) * self.gain + self.shift


def exit_of_wider_norm(x, blocks):
    """The normalisation over a picture whose pixels are in one row, and the layers made before any is called."""
    height, width, channels = x.shape[1:]
    row, picture = keras.layers.Reshape((height * width, channels)), keras.layers.Reshape((height, width, channels))
    norm, swish = keras.layers.GroupNormalization(32, epsilon=1e-5), keras.layers.Activation(keras.activations.silu)
    last = blocks.PaddedConv2D(filters=blocks.latent_channels, kernel_size=(3, 3), padding=(1, 1))
    return last(picture(swish(norm(row(x)))))


def exit_product(x, blocks):
    """Swish as a product of two layers' outputs."""
    normalised = keras.layers.GroupNormalization(epsilon=1e-5)(x)
    gate = keras.layers.Activation("sigmoid")(normalised)
    return blocks.PaddedConv2D(blocks.latent_channels, 3, 1, 1)(keras.layers.Multiply()([gate, normalised]))


def exit_by_hand(x, blocks):
    return blocks.PaddedConv2D(blocks.latent_channels, 3, 1)(keras.activations.swish(GroupNormByHand()(x)))


def unet_imperative_time(img_height, img_width, max_text_length, blocks):
    """The time MLP as a layer of its own, inputs with names, made in another order."""

    class TimeMLP(keras.layers.Layer):
        def __init__(self, width):
            super().__init__()
            self.second, self.first = keras.layers.Dense(width), keras.layers.Dense(width, activation="swish")

        def call(self, x):
            return self.second(self.first(x))

    context = keras.Input((max_text_length, blocks.context_dim), name="context")
    embedding = keras.Input((blocks.channels[0],), name="timestep_embedding")
    latent = keras.Input((img_height // 8, img_width // 8, blocks.latent_channels), name="latent")
    t_emb = TimeMLP(4 * blocks.channels[0])(embedding)
    x, outputs = down_blocks_first(latent, t_emb, context, blocks)
    x = up_by_index(middle_loop(x, t_emb, context, blocks), outputs, t_emb, context, blocks)
    return keras.Model(inputs=[latent, embedding, context], outputs=exit_ops(x, blocks))


def unet_subclass(img_height, img_width, max_text_length, blocks):
    """A subclass of keras.Model, as in the article."""

    class DiffusionModel(keras.Model):
        def __init__(self):
            context = keras.layers.Input((max_text_length, blocks.context_dim))
            t_embed_input = keras.layers.Input((blocks.channels[0],))
            latent = keras.layers.Input((img_height // 8, img_width // 8, blocks.latent_channels))
            width = 4 * blocks.channels[0]
            t_emb = keras.layers.Dense(width)(t_embed_input)
            t_emb = keras.layers.Dense(width)(keras.layers.Activation("swish")(t_emb))
            x, outputs = down_unrolled(latent, t_emb, context, blocks)
            x = up_reversed(middle_made_first(x, t_emb, context, blocks), outputs, t_emb, context, blocks)
            super().__init__([latent, t_embed_input, context], exit_sequential(x, blocks))

    return DiffusionModel()


def unet_nested(img_height, img_width, max_text_length, blocks):
    """A functional model around one for the time."""
    embedding = keras.Input((blocks.channels[0],))
    width = 4 * blocks.channels[0]
    time = keras.Sequential([keras.layers.Dense(width, activation="silu"), keras.layers.Dense(width)])
    latent = keras.Input((img_height // 8, img_width // 8, blocks.latent_channels))
    context = keras.Input((max_text_length, blocks.context_dim))
    told = time(embedding), context
    x, outputs = down_recursive(latent, *told, blocks)
    x = up_by_levels(middle_as_layers(x, *told, blocks), outputs, *told, blocks)
    return keras.Model([latent, embedding, context], exit_by_hand(x, blocks))


def unet_of_functions(img_height, img_width, max_text_length, blocks):
    """The Dense layers as 1x1 convolutions over one pixel, the flows' blocks from one dictionary of functions."""
    latent = keras.Input(shape=(img_height // 8, img_width // 8, blocks.latent_channels))
    embedding = keras.Input(shape=(blocks.channels[0],))
    context = keras.Input(shape=(max_text_length, blocks.context_dim))
    width = blocks.channels[0] * 4
    pixel = keras.layers.Reshape((1, 1, blocks.channels[0]))(embedding)
    hidden = ops.silu(keras.layers.Conv2D(width, 1)(pixel))
    t_emb = keras.layers.Flatten()(keras.layers.Conv2D(width, kernel_size=1)(hidden))
    x, outputs = down_generator(latent, t_emb, context, blocks)
    x = up_over_skips(middle_reduced(x, t_emb, context, blocks), outputs, t_emb, context, blocks)
    return keras.Model((latent, embedding, context), exit_product(x, blocks))


def unet_of_models(img_height, img_width, max_text_length, blocks):
    """Each flow a model of its own, of any height and width; the latent's sides are left open."""
    latent = keras.Input((None, None, blocks.latent_channels))
    embedding = keras.Input((blocks.channels[0],))
    context = keras.Input((None, blocks.context_dim))
    features = keras.layers.Dense(4 * blocks.channels[0], activation=ops.silu)(embedding)
    t_emb = keras.layers.Dense(4 * blocks.channels[0])(features)
    x, outputs = down_recipe(latent, t_emb, context, blocks)
    inside = [keras.Input(part.shape[1:]) for part in (x, t_emb, context)]
    x = keras.Model(inside, middle_class(*inside, blocks))([x, t_emb, context])
    x = up_recursive(x, outputs, t_emb, context, blocks)
    return keras.Model([latent, embedding, context], exit_sequential(x, blocks))


def count_by_shapes(input_dim, output_dim, embedding_dim):
    shapes = [(input_dim,), (input_dim,), (3, 3, input_dim, output_dim), (output_dim,)]
    shapes += [(embedding_dim, output_dim), (output_dim,), (output_dim,), (output_dim,)]
    shapes += [(3, 3, output_dim, output_dim), (output_dim,)]
    if input_dim != output_dim:
        shapes += [(1, 1, input_dim, output_dim), (output_dim,)]
    return sum(int(np.prod(shape)) for shape in shapes)


def count_factored(input_dim, output_dim, embedding_dim):
    c, d, e = input_dim, output_dim, embedding_dim
    return 2 * c + d * (9 * (c + d) + e + 5 + (c != d) * (c + 1))


def count_with_numpy(input_dim, output_dim, embedding_dim):
    return np.int64(count_factored(input_dim, output_dim, embedding_dim))


def count_of_layers(input_dim, output_dim, embedding_dim):
    """Keras counts: the layers are built, of one pixel."""
    x, h, t = (None, 1, 1, input_dim), (None, 1, 1, output_dim), (None, embedding_dim)
    layers = [(keras.layers.GroupNormalization(1), x), (keras.layers.Conv2D(output_dim, 3, padding="same"), x)]
    layers += [(keras.layers.Dense(output_dim), t), (keras.layers.GroupNormalization(1), h)]
    layers += [(keras.layers.Conv2D(output_dim, 3, padding="same"), h)]
    layers += [(keras.layers.Conv2D(output_dim, 1), x)] if input_dim != output_dim else []
    for layer, shape in layers:
        layer.build(shape)
    return sum(layer.count_params() for layer, _ in layers)


def count_one_weight_at_a_time(c, d, e):
    total = 0
    for kernel, rows, columns in ((3, c, d), (1, e, d), (3, d, d), (1, c, d if c != d else 0)):
        total += (kernel * kernel * rows + 1) * columns
    return float(total + sum(2 * width for width in (c, d)))


RIGHT = {
    "exit-flow": (exit_sequential, exit_ops, exit_by_hand, exit_of_wider_norm, exit_product),
    "unet": (unet_imperative_time, unet_subclass, unet_nested, unet_of_functions, unet_of_models),
    "parameters": (
        count_by_shapes,
        count_factored,
        count_with_numpy,
        count_of_layers,
        count_one_weight_at_a_time,
    ),
}


@pytest.mark.parametrize("question_id", RIGHT)
def test_unet_accepts_other_ways_of_writing(question_id):
    assert_accepted(question_id, RIGHT[question_id])


@pytest.mark.parametrize("scale", ["tiny", "full"])
def test_exit_tolerance_separates_small_epsilons_from_keras_default(scale):
    """Rounding stays below a third of the tolerance, 1e-3 is beyond three times; 1e-6 is an accepted variant."""
    question = find("exit-flow")
    for seed in range(2):
        paper = make_paper(question, seed, scale)
        right, by_hand, wrong = (
            sit(paper, answer, base_only=True)
            for answer in (exit_flow, exit_by_hand, lambda x, blocks: exit_flow(x, blocks, norm_epsilon=1e-3))
        )
        for one, same, other in zip(right.cases, by_hand.cases, wrong.cases, strict=True):
            assert relative_error(same.runs[BASE][0], one.runs[BASE][0]) < question.tolerance / 3
            assert relative_error(other.runs[BASE][0], one.runs[BASE][0]) > question.tolerance * 3

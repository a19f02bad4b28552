"""What is trained, each as a Keras model whose output is the loss of every picture in the batch.

Noise and times are made inside the step. Keras' own `fit` does the rest, so the same code trains with TensorFlow, JAX
and PyTorch. Shapes: B batch, H W C sides and channels of a latent, T tokens.
"""

import keras
import numpy as np
from keras import ops

from autograder.reference.sampling import timestep_embedding
from autograder.small_model.ddim import TIMESTEPS, alpha_bars
from autograder.small_model.language import COLOURS, GROUNDS, THINGS, tokenize
from autograder.small_model.networks import SMALL, TextReader, build_reader

LATENT_NOISE = 0.1  # added to latents while the decoder learns, so that small errors of the UNet do not show
LATENT_PENALTY = 3e-4  # keeps latents from growing out of that noise's reach
PICTURE_NOISE = 0.08  # added to the judge's pictures, so that it does not hang on exact colours
READING_SHARE = 0.02  # of the diffusion's loss, for reading in the UNet's features what stands where
READ_AT = "up1_upsample"  # the layer whose features are read: the last that every level but the outer has shaped
CAPTION_DROPOUT = 0.1  # share of pictures trained without a prompt, for classifier-free guidance


class Training(keras.Model):
    """Base: a model of batches whose output is the loss `(B,)`."""

    def __init__(self, seed, name):
        super().__init__(name=name, dtype="float32")
        self.seed_generator = keras.random.SeedGenerator(seed)

    def compute_output_shape(self, input_shape):
        return (None,)

    def noise(self, shape):
        return keras.random.normal(shape, seed=self.seed_generator)

    def uniform(self, shape):
        return keras.random.uniform(shape, seed=self.seed_generator)


class AutoencoderTraining(Training):
    """Encoder and decoder: how far the picture that comes back from a slightly noisy latent is off, in its values and
    in their differences from pixel to pixel, which keep edges sharp."""

    def __init__(self, encoder, decoder, seed=0):
        super().__init__(seed, "autoencoder_training")
        self.encoder, self.decoder = encoder, decoder

    def call(self, batch):
        pictures = batch["picture"]
        latent = self.encoder(pictures)
        off = self.decoder(latent + LATENT_NOISE * self.noise(ops.shape(latent))) - pictures
        error = ops.mean(ops.square(off) + 0.2 * ops.abs(off), axis=(1, 2, 3))
        for steps in (off[:, 1:] - off[:, :-1], off[:, :, 1:] - off[:, :, :-1]):
            error = error + 0.2 * ops.mean(ops.abs(steps), axis=(1, 2, 3))
        return error + LATENT_PENALTY * ops.mean(ops.square(latent), axis=(1, 2, 3))


class JudgeTraining(Training):
    """The judge: what it reads, see `reading_error`. Half of its pictures are blurred, all are noisy."""

    def __init__(self, judge, seed=0):
        super().__init__(seed, "judge_training")
        self.judge = judge

    def call(self, batch):
        pictures = batch["picture"]
        soft = ops.average_pool(pictures, 3, strides=1, padding="same")
        chosen = self.uniform((ops.shape(pictures)[0], 1, 1, 1)) < 0.5
        pictures = ops.where(chosen, soft, pictures) + PICTURE_NOISE * self.noise(ops.shape(pictures))
        return reading_error(self.judge(pictures), batch)


def reading_error(read, labels):
    """How wrong a judge's outputs are, `(B,)`: the focal loss of the centres; around them the cross-entropy of thing
    and colour and the error of the radius; the cross-entropy of the ground.

    Args:
        read: what `networks.build_judge` puts out.
        labels: what `batches.labels_of` gives.
    """
    asked = ops.cast(labels["thing"] >= 0, "float32")  # (B, G, G)
    total = _focal(read["centre"][..., 0], labels["centre"])
    for name, size in (("thing", len(THINGS)), ("colour", len(COLOURS))):
        error = _cross_entropy(read[name], ops.maximum(labels[name], 0), size)  # (B, G, G)
        total = total + ops.sum(asked * error, axis=(1, 2)) / ops.sum(asked, axis=(1, 2))
    radius = ops.square(read["radius"][..., 0] - labels["radius"])
    total = total + 5 * ops.sum(asked * radius, axis=(1, 2)) / ops.sum(asked, axis=(1, 2))
    return total + _cross_entropy(read["ground"], labels["ground"], len(GROUNDS))


def _cross_entropy(logits, label, size):
    return -ops.sum(ops.one_hot(label, size) * ops.log_softmax(logits), axis=-1)


def _focal(logits, target):
    """The focal loss of centres, `(B,)`. Reference: Zhou et al. (2019), equation 1 (alpha 2, beta 4)."""
    yes, no = ops.log_sigmoid(logits), ops.log_sigmoid(-logits)
    here = ops.cast(target > 0.999, "float32")
    hits = here * ops.exp(2 * no) * yes
    misses = (1 - here) * (1 - target) ** 4 * ops.exp(2 * yes) * no
    return -ops.sum(hits + misses, axis=(1, 2)) / ops.maximum(ops.sum(here, axis=(1, 2)), 1.0)


class WordsTraining(Training):
    """The text encoder alone: how well a caption tells what stands where, see `reading_error`. A place that it leaves
    open can be told as a likelihood only. So the UNet finds relations said at each word when its own training begins,
    as Stable Diffusion's begins with a text encoder that has learned with pictures (CLIP)."""

    def __init__(self, text_encoder, seed=0):
        super().__init__(seed, "words_training")
        self.text_encoder, self.reader = text_encoder, TextReader(name="text_reader")

    def call(self, batch):
        return reading_error(self.reader(self.text_encoder(batch["tokens"])), batch)


class DiffusionTraining(Training):
    """UNet and text encoder: the squared error of v at a random time, latents shifted and scaled to variance 1.

    The times of a batch are spread over the schedule with one random shift, the more the noisier: there it is decided
    what stands where. The squared error says little about *what* a patch shows, so a small share of the loss is how
    well linear layers read, in the UNet's own features, what stands where, and as much is how well it is read in the
    text, see `WordsTraining`. What reads is left behind when training is over.

    Reference: Yu et al., "Representation Alignment for Generation" (2024), with labels in the place of a second
    network's features.
    """

    def __init__(self, unet, text_encoder, seed=0):
        super().__init__(seed, "diffusion_training")
        self.unet, self.text_encoder = unet, text_encoder
        self._outputs = keras.Model(unet.inputs, [unet.output, unet.get_layer(READ_AT).output])
        self.reader = build_reader(unet.get_layer(READ_AT).output.shape[1:])
        self.text_reader = TextReader(name="text_reader")
        channels = (SMALL.latent_channels,)
        self.latent_mean = self.add_weight(shape=channels, initializer="zeros", trainable=False, name="latent_mean")
        self.latent_std = self.add_weight(shape=channels, initializer="ones", trainable=False, name="latent_std")

    def measure(self, latents):
        """Sets the mean and the standard deviation that latents are normalised with."""
        self.latent_mean.assign(latents.mean(axis=(0, 1, 2)))
        self.latent_std.assign(latents.std(axis=(0, 1, 2)))

    def call(self, batch):
        clean = (batch["latent"] - self.latent_mean) / self.latent_std  # (B, H, W, C)
        ones = ops.ones_like(clean[:, 0, 0, 0])
        time = ops.sqrt((ops.cumsum(ones) / ops.sum(ones) + self.uniform((1,))) % 1.0)
        timesteps = ops.cast(ops.floor(time * TIMESTEPS), "int32")
        share = ops.take(ops.convert_to_tensor(alpha_bars().astype("float32")), timesteps)[:, None, None, None]
        eps = self.noise(ops.shape(clean))
        noisy = ops.sqrt(share) * clean + ops.sqrt(1 - share) * eps
        wanted = ops.sqrt(share) * eps - ops.sqrt(1 - share) * clean
        dropped = self.uniform(ops.shape(batch["tokens"][:, :1])) < CAPTION_DROPOUT
        nothing = ops.convert_to_tensor(np.broadcast_to(tokenize([""]), (1, batch["tokens"].shape[1])))
        context = self.text_encoder(ops.where(dropped, nothing, batch["tokens"]))
        v, features = self._outputs([noisy, timestep_embedding(timesteps, SMALL.channels[0]), context])
        error = ops.mean(ops.square(ops.cast(v, "float32") - wanted), axis=(1, 2, 3))
        told = ops.cast(ops.logical_not(dropped[:, 0]), "float32") * reading_error(self.text_reader(context), batch)
        return error + READING_SHARE * (reading_error(self.reader(features), batch) + told)

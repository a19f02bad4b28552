"""The trained model of scenes, ready to draw: UNet, text encoder, decoder and judge, from a folder of weights.

Shapes: B pictures, T tokens of a prompt, F features of a token.
"""

import functools
from pathlib import Path

import numpy as np
from keras import ops
from safetensors.numpy import load_file

from autograder.reference import DiffusionModelV2
from autograder.small_model.block_unet import BlockUNet
from autograder.small_model.checkpoints import load_named_weights
from autograder.small_model.ddim import initial_noise, sample, with_eps
from autograder.small_model.pictures import to_uint8
from autograder.small_model.scenes.language import MAX_TEXT_LENGTH, tokenize
from autograder.small_model.scenes.scene_networks import (
    AUTOENCODER,
    JUDGE,
    LATENT_SIDE,
    SMALL,
    build_decoder,
    build_encoder,
    build_judge,
    build_text_encoder,
)
from autograder.small_model.scenes.scene_painting import SIDE
from autograder.small_model.switchboard import ALL_ON, Switches, switched_unet
from autograder.small_model.training_run import WEIGHTS


class Autoencoder:
    """Pictures to latents and back: the encoder and the decoder of scenes.

    Args:
        folder: where training wrote their weights, by default the package's.
    """

    def __init__(self, folder=Path(__file__).parent):
        self._encoder, self._decoder = build_encoder(), build_decoder()
        for name, part in (("encoder", self._encoder), ("decoder", self._decoder)):
            load_named_weights(name, part, Path(folder) / AUTOENCODER)

    def encode(self, pictures):
        """Pictures `(B, 128, 128, 3)`, values from -1 to 1, as latents `(B, 16, 16, 4)`, as they come out: float32."""
        return ops.convert_to_numpy(self._encoder(np.asarray(pictures, "float32")))

    def decode(self, latents):
        """Latents `(B, 16, 16, 4)` as uint8 pictures `(B, 128, 128, 3)`."""
        return to_uint8(ops.convert_to_numpy(self._decoder(np.asarray(latents, "float32"))))


def load_judge(folder=Path(__file__).parent):
    """The judge that reads pictures, see `scene_networks.build_judge`, with its weights from a folder."""
    judge = build_judge()
    load_named_weights("judge", judge, Path(folder) / JUDGE)
    return judge


class SceneModel:
    """Draws scenes.

    Args:
        folder: where training wrote its weights, see `training_run.ship`.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        path = self.folder / WEIGHTS
        self.trained = DiffusionModelV2(
            SIDE, SIDE, MAX_TEXT_LENGTH, name="unet", download_weights=False, config=SMALL
        )  # predicts v
        self._text_encoder = build_text_encoder()
        self._text_encoder.build((None, MAX_TEXT_LENGTH))
        for name, part in (("unet", self.trained), ("text_encoder", self._text_encoder)):
            load_named_weights(name, part, path)
        self.autoencoder = Autoencoder(folder)
        arrays = load_file(path)
        self._mean, self._std = (arrays[f"latent_{name}"].astype("float32") for name in ("mean", "std"))
        self.unet = functools.cache(self._unet)

    @functools.cached_property
    def judge(self):
        """The judge that reads pictures, see `load_judge`."""
        return load_judge(self.folder)

    def _unet(self, switches=ALL_ON):
        """The UNet that returns eps, with parts switched off: a Keras model of latent, timestep embedding, context."""
        return with_eps(switched_unet(self.trained, switches) if switches else BlockUNet(self.trained).wire())

    def encode_prompts(self, texts):
        """Prompts as context for the UNet, a float32 array `(B, T, F)`. The empty prompt is "".

        Raises:
            ValueError: for a word the model does not know; the message lists those it does.
        """
        return ops.convert_to_numpy(self._text_encoder(tokenize(texts)))

    def decode(self, latents):
        """Latents `(B, 16, 16, 4)` of variance 1 as uint8 pictures `(B, 128, 128, 3)`."""
        return self.autoencoder.decode(np.asarray(latents, "float32") * self._std + self._mean)

    def sample_prompts(self, prompts, seed=0, steps=25, scale=4.0, progress=None, without=()):
        """Draws prompts; picture i starts from the noise of `seed + i`.

        Args:
            prompts: list of B texts.
            seed: of the noise.
            steps: number of DDIM steps.
            scale: guidance; 1 is without.
            progress: called as `progress(step, steps)` after each step, or None.
            without: what is switched off, see `switchboard`.

        Returns:
            uint8 array `(B, 128, 128, 3)`.
        """
        switches = Switches.of(without)
        nothing = self.encode_prompts([""] * len(prompts))
        context = switches.context(self.encode_prompts(prompts), nothing)
        noise = initial_noise(len(prompts), side=LATENT_SIDE, seed=seed)
        return self.decode(sample(self.unet(switches), noise, context, nothing, steps, scale, progress))

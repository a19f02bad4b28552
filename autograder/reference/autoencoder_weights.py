"""The autoencoder's weights, from KerasCV's files and from diffusers', which hold both halves in one.

Stable Diffusion 2 kept the autoencoder of version 1, so KerasCV publishes one for both.
"""

from dataclasses import replace
from os import PathLike

import numpy as np

from autograder.reference.autoencoder import SD2_AUTOENCODER, AutoencoderConfig
from autograder.reference.loading import Part, Published, Source, call, load, normal, save
from autograder.reference.weight_names import decoder_slots, encoder_slots

# As KerasCV 0.9.0 publishes them (`image_encoder.py`, `decoder.py`): 137 MB and 198 MB.
ENCODER = Published(
    "https://huggingface.co/fchollet/stable-diffusion/resolve/main/vae_encoder.h5",
    "c60fb220a40d090e0f86a6ab4c312d113e115c87c40ff75d11ffcf380aab7ebb",
)
DECODER = Published(
    "https://huggingface.co/fchollet/stable-diffusion/resolve/main/kcv_decoder.h5",
    "ad350a65cc8bc4a80c8103367e039a3329b4231c2469a1093869a345f55b1962",
)
# diffusers' names for the parts of the attention, before and since its version 0.17
_OLDER_NAMES = {".query.": ".to_q.", ".key.": ".to_k.", ".value.": ".to_v.", ".proj_attn.": ".to_out.0."}
# A trained autoencoder gives a picture back; what it loses of a smooth one is far less than a tenth of the variance.
TRAINED_CORRELATION = 0.9


def load_encoder_weights(model, path: Source) -> None:
    """Loads weights into an `Encoder`, from any of the files they come in, and checks them.

    Args:
        model: the `Encoder`; its `autoencoder_config` must be that of the file.
        path: True (downloads KerasCV's file, 137 MB, once, and verifies its hash), or the path of a `.h5` file in
            KerasCV's legacy layout, matched by position; of diffusers' `.safetensors`, matched by name, where the
            decoder may stand beside the encoder; or of our own `.weights.h5`.

    Raises:
        FileNotFoundError: if there is no such file.
        ConnectionError: if the published weights cannot be downloaded.
        ValueError: if the file is of an unknown kind, incomplete, from a model of another config, not the published
            one that its name promises, or if it fails a numeric check. A file that does not fit changes nothing.

    Reference: KerasCV 0.9.0, `models/stable_diffusion/image_encoder.py`; diffusers, `autoencoder_kl.py`.
    """
    load(ENCODER_PART, model, path)


def load_decoder_weights(model, path: Source) -> None:
    """Loads weights into a `Decoder`: like `load_encoder_weights`, but KerasCV's file has 198 MB.

    Reference: KerasCV 0.9.0, `models/stable_diffusion/decoder.py`; diffusers, `autoencoder_kl.py`.
    """
    load(DECODER_PART, model, path)


def save_encoder_weights(model, path: str | PathLike) -> None:
    """Writes an `Encoder`'s weights by diffusers' names, with the output of a probe that a load compares."""
    save(ENCODER_PART, model, path)


def save_decoder_weights(model, path: str | PathLike) -> None:
    """Writes a `Decoder`'s weights by diffusers' names, with the output of a probe that a load compares."""
    save(DECODER_PART, model, path)


def reconstruction_correlation(encoder, decoder) -> float:
    """How well the two halves know each other: the correlation of a smooth picture with what comes back of it.

    Near 1 for a trained autoencoder, near 0 if one half is random or of another autoencoder.
    """
    _, height, width, channels = encoder.input_shape
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    turns = np.linspace(0, np.pi, channels, endpoint=False)
    picture = np.stack([np.sin(3 * (np.cos(a) * x + np.sin(a) * y)) for a in turns], axis=-1)[None].astype("float32")
    back = call(decoder, call(encoder, picture))
    return float(np.corrcoef(picture.ravel(), back.ravel())[0, 1])


def prove_halves_fit(encoder, decoder) -> None:
    """Raises a ValueError if the decoder does not give back what the encoder was given, as a trained one does."""
    correlation = reconstruction_correlation(encoder, decoder)
    if not correlation >= TRAINED_CORRELATION:
        raise ValueError(
            "A trained encoder and its decoder must give a smooth picture back: a correlation of at least "
            f"{TRAINED_CORRELATION}. Load both halves of one autoencoder. Received: {correlation:.3f}"
        )


def _half(mine: tuple[str, ...], other: tuple[str, ...]):
    """What renames one half of a diffusers file, and leaves out the other."""

    def rename(name: str) -> str | None:
        if name.startswith(other) and not name.startswith(mine):
            return None
        for older, newer in _OLDER_NAMES.items():
            name = name.replace(older, newer)
        return name

    return rename


_ENCODER_NAMES, _DECODER_NAMES = ("encoder.", "quant_conv."), ("decoder.", "post_quant_conv.")


def _probe_encoder(model) -> np.ndarray:
    config = model.autoencoder_config
    side = 4 * config.side_factor
    return call(model, normal(np.random.RandomState(2), 1, side, side, config.picture_channels))


def _probe_decoder(model) -> np.ndarray:
    picture = call(model, normal(np.random.RandomState(2), 1, 4, 4, model.autoencoder_config.latent_channels))
    return picture[:, ::4, ::4]  # as many numbers as a file's header should hold


def _is_sd2(config: AutoencoderConfig) -> bool:
    return replace(config, norm_epsilon=SD2_AUTOENCODER.norm_epsilon) == SD2_AUTOENCODER


ENCODER_PART = Part(
    model="ImageEncoder",
    in_torch="diffusers' AutoencoderKL (its encoder and quant_conv)",
    published=ENCODER,
    slots=encoder_slots,
    probe=_probe_encoder,
    config=lambda model: model.autoencoder_config,
    may_be_published=_is_sd2,
    rename=lambda config: _half(_ENCODER_NAMES, _DECODER_NAMES),
)
DECODER_PART = Part(
    model="Decoder",
    in_torch="diffusers' AutoencoderKL (its decoder and post_quant_conv)",
    published=DECODER,
    slots=decoder_slots,
    probe=_probe_decoder,
    config=lambda model: model.autoencoder_config,
    may_be_published=_is_sd2,
    rename=lambda config: _half(_DECODER_NAMES, _ENCODER_NAMES),
)

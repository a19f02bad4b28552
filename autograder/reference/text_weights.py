"""The text encoder's weights, from KerasCV's and from transformers' files."""

from dataclasses import replace
from os import PathLike

import numpy as np

from autograder.reference.loading import Part, Published, Source, call, load, save
from autograder.reference.text_encoder import SD2_TEXT, TextEncoderConfig
from autograder.reference.weight_names import text_encoder_slots

# Stable Diffusion 2.1's text encoder as KerasCV 0.9.0 publishes it (`text_encoder.py`, `TextEncoderV2`): 1.4 GB.
TEXT_ENCODER = Published(
    "https://huggingface.co/ianstenbit/keras-sd2.1/resolve/main/text_encoder_v2_1.h5",
    "985002e68704e1c5c3549de332218e99c5b9b745db7171d5f31fcd9a6089f25b",
)
# What a file of the whole of CLIP holds beside the text encoder
_BESIDE = ("vision_model.", "visual_projection.", "text_projection.", "logit_scale")


def load_text_encoder_weights(model, path: Source) -> None:
    """Loads weights into a `TextEncoder`, from any of the files they come in, and checks them.

    Args:
        model: the `TextEncoder`; its `text_config` must be that of the file.
        path: True (downloads KerasCV's file, 1.4 GB, once, and verifies its hash), or the path of a `.h5` file in
            KerasCV's legacy layout, matched by position; of transformers' `.safetensors`, matched by name; or of our
            own `.weights.h5`. A `.safetensors` file may hold the whole of CLIP, and one block more than the model has:
            OpenCLIP's ViT-H has 24, of which Stable Diffusion 2 uses 23.

    Raises:
        FileNotFoundError: if there is no such file.
        ConnectionError: if the published weights cannot be downloaded.
        ValueError: if the file is of an unknown kind, incomplete, from a model of another config, not the published
            one that its name promises, or if it fails a numeric check. A file that does not fit changes nothing.

    Reference: KerasCV 0.9.0, `models/stable_diffusion/text_encoder.py`; transformers, `models/clip/modeling_clip.py`.
    """
    load(TEXT, model, path)


def save_text_encoder_weights(model, path: str | PathLike) -> None:
    """Writes the weights as transformers' safetensors, with the output of a probe that a load compares.

    Args:
        model: a `TextEncoder`.
        path: the file to write; ends with `.safetensors`.
    """
    save(TEXT, model, path)


def _rename(config: TextEncoderConfig):
    """Names of transformers before version 5 begin with `text_model.`, later ones do not; files have either."""
    unused = f"text_model.encoder.layers.{config.layers}."

    def rename(name: str) -> str | None:
        if name.startswith(_BESIDE) or name.endswith("position_ids"):
            return None
        name = name if name.startswith("text_model.") else f"text_model.{name}"
        return None if name.startswith(unused) else name

    return rename


def _probe(model) -> np.ndarray:
    """The output for one fixed line of tokens."""
    config = model.text_config
    return call(model, np.random.RandomState(2).randint(config.vocabulary, size=(1, config.length)).astype("int32"))


def _is_sd2(config: TextEncoderConfig) -> bool:
    numerics = ("norm_epsilon", "gelu_approximate")
    return replace(config, **{name: getattr(SD2_TEXT, name) for name in numerics}) == SD2_TEXT


TEXT = Part(
    model="TextEncoderV2",
    in_torch="transformers' CLIPTextModel",
    published=TEXT_ENCODER,
    slots=text_encoder_slots,
    probe=_probe,
    config=lambda model: model.text_config,
    may_be_published=_is_sd2,
    rename=_rename,
)

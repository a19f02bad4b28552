"""Where each weight of a model stands: its variable, its name in diffusers, its place in KerasCV's file.

One table a block says which of our layers holds which weight. The order of a table is the order of KerasCV's legacy
HDF5 file, which has no other key; the names are those of diffusers' `UNet2DConditionModel` and `AutoencoderKL`, and of
transformers' `CLIPTextModel`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import keras
import numpy as np

from autograder.reference.autoencoder import Downsample, PixelAttention, PlainResBlock
from autograder.reference.fast.group_norm import GroupNorm
from autograder.reference.text_encoder import CausalSelfAttention, TextBlock, TextEmbedding
from autograder.reference.unet import (
    GEGLU,
    BasicTransformerBlock,
    CrossAttention,
    PaddedConv2D,
    ResBlock,
    SpatialTransformer,
    Upsample,
)

# (attribute of our layer, name of diffusers' module)
_TABLES: dict[type, tuple[tuple[str, str], ...]] = {
    PaddedConv2D: (("conv", ""),),
    Upsample: (("conv", "conv"),),
    GEGLU: (("dense", "proj"),),
    ResBlock: (
        ("norm1", "norm1"),
        ("conv1", "conv1"),
        ("dense", "time_emb_proj"),
        ("norm2", "norm2"),
        ("conv2", "conv2"),
        ("residual_projection", "conv_shortcut"),
    ),
    CrossAttention: (("to_q", "to_q"), ("to_k", "to_k"), ("to_v", "to_v"), ("out_proj", "to_out.0")),
    BasicTransformerBlock: (
        ("norm1", "norm1"),
        ("attn1", "attn1"),
        ("norm2", "norm2"),
        ("attn2", "attn2"),
        ("norm3", "norm3"),
        ("geglu", "ff.net.0"),
        ("dense", "ff.net.2"),
    ),
    SpatialTransformer: (
        ("norm", "norm"),
        ("proj1", "proj_in"),
        ("transformer_block", "transformer_blocks.0"),
        ("proj2", "proj_out"),
    ),
    PlainResBlock: (
        ("norm1", "norm1"),
        ("conv1", "conv1"),
        ("norm2", "norm2"),
        ("conv2", "conv2"),
        ("residual_projection", "conv_shortcut"),
    ),
    PixelAttention: (
        ("norm", "group_norm"),
        ("to_q", "to_q"),
        ("to_k", "to_k"),
        ("to_v", "to_v"),
        ("out_proj", "to_out.0"),
    ),
    Downsample: (("conv", "conv"),),
    CausalSelfAttention: (("to_q", "q_proj"), ("to_k", "k_proj"), ("to_v", "v_proj"), ("out_proj", "out_proj")),
    TextBlock: (
        ("norm1", "layer_norm1"),
        ("attention", "self_attn"),
        ("norm2", "layer_norm2"),
        ("dense1", "mlp.fc1"),
        ("dense2", "mlp.fc2"),
    ),
}
# The variables of a leaf: (attribute, name of the parameter in PyTorch)
_NORM = (("gamma", "weight"), ("beta", "bias"))
_NORMS = (GroupNorm, keras.layers.GroupNormalization, keras.layers.LayerNormalization)
_KERNEL = (("kernel", "weight"), ("bias", "bias"))
_TABLE = (("tokens.embeddings", "token_embedding.weight"), ("positions", "position_embedding.weight"))


@dataclass(frozen=True)
class Slot:
    """A weight: `variable`, the layer of the model that holds it, and its name in diffusers or transformers.

    `is_table`: a table of embeddings, one row a token, which PyTorch does not store transposed as it does kernels.
    """

    layer: str
    name: str
    variable: Any
    is_table: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.variable.shape)

    def numpy(self) -> np.ndarray:
        return keras.ops.convert_to_numpy(self.variable)


def block_slots(layer, prefix: str = "") -> list[Slot]:
    """The weights of a built layer in the order of KerasCV's file, named as in diffusers after `prefix`."""
    is_table = isinstance(layer, TextEmbedding)
    return [Slot(layer.name, name, variable, is_table) for name, variable in _walk(layer, prefix)]


def _walk(layer, prefix: str) -> Iterator[tuple[str, Any]]:
    if type(layer) in _TABLES:
        for attribute, name in _TABLES[type(layer)]:
            inner = attrgetter(attribute)(layer)
            if inner is not None:  # a ResBlock that keeps its width has no residual projection
                yield from _walk(inner, _join(prefix, name))
    else:
        leaf = _TABLE if isinstance(layer, TextEmbedding) else _NORM if isinstance(layer, _NORMS) else _KERNEL
        for attribute, name in leaf:
            variable = attrgetter(attribute)(layer)
            if variable is not None:  # to_q, to_k and to_v have no bias
                yield _join(prefix, name), variable


def _join(prefix: str, name: str) -> str:
    return ".".join(part for part in (prefix, name) if part)


def _slots(model, names: Iterator[tuple[str, str]]) -> list[Slot]:
    """The weights of the model's layers; `names` are (name of our layer, name of PyTorch's module)."""
    return [slot for layer_name, prefix in names for slot in block_slots(model.get_layer(layer_name), prefix)]


def unet_slots(model) -> list[Slot]:
    """The 686 weights of a `DiffusionModelV2`, in the order of KerasCV's file: 49 layers, as they were built.

    Keras writes layers by their depth in the graph: the first Dense of the time MLP stands beside the entry of the
    picture, so that `conv_in` comes between the MLP's two Denses.
    """
    return _slots(model, _unet_names())


def _unet_names() -> Iterator[tuple[str, str]]:
    yield "time_dense1", "time_embedding.linear_1"
    yield "conv_in", "conv_in"
    yield "time_dense2", "time_embedding.linear_2"
    for level in range(4):
        for i in range(2):
            yield f"down{level}_res{i}", f"down_blocks.{level}.resnets.{i}"
            if level < 3:
                yield f"down{level}_transformer{i}", f"down_blocks.{level}.attentions.{i}"
        if level < 3:
            yield f"down{level}_conv", f"down_blocks.{level}.downsamplers.0.conv"
    yield "middle_res0", "mid_block.resnets.0"
    yield "middle_transformer", "mid_block.attentions.0"
    yield "middle_res1", "mid_block.resnets.1"
    for level in reversed(range(4)):
        group = f"up_blocks.{3 - level}"  # diffusers counts the groups of the up flow in the order of the flow
        for i in range(3):
            yield f"up{level}_res{i}", f"{group}.resnets.{i}"
            if level < 3:
                yield f"up{level}_transformer{i}", f"{group}.attentions.{i}"
        if level > 0:
            yield f"up{level}_upsample", f"{group}.upsamplers.0"
    yield "exit_norm", "conv_norm_out"
    yield "conv_out", "conv_out"


def text_encoder_slots(model) -> list[Slot]:
    """The weights of a `TextEncoder`, in the order of KerasCV's file: 25 layers in Stable Diffusion 2."""
    return _slots(model, _text_names(model.text_config.layers))


def _text_names(layers: int) -> Iterator[tuple[str, str]]:
    yield "embedding", "text_model.embeddings"
    for i in range(layers):
        yield f"block{i}", f"text_model.encoder.layers.{i}"
    yield "final_norm", "text_model.final_layer_norm"


def encoder_slots(model) -> list[Slot]:
    """The weights of an `Encoder`, in the order of KerasCV's file: 18 layers in Stable Diffusion 2."""
    return _slots(model, _encoder_names(model.autoencoder_config))


def _encoder_names(config) -> Iterator[tuple[str, str]]:
    yield "conv_in", "encoder.conv_in"
    for level in range(len(config.channels)):
        for i in range(config.blocks):
            yield f"down{level}_res{i}", f"encoder.down_blocks.{level}.resnets.{i}"
        if level < len(config.channels) - 1:
            yield f"down{level}_conv", f"encoder.down_blocks.{level}.downsamplers.0"
    yield from _middle_names("encoder")
    yield from _exit_names("encoder")
    yield "quant_conv", "quant_conv"


def decoder_slots(model) -> list[Slot]:
    """The weights of a `Decoder`, in the order of KerasCV's file: 22 layers in Stable Diffusion 2."""
    return _slots(model, _decoder_names(model.autoencoder_config))


def _decoder_names(config) -> Iterator[tuple[str, str]]:
    yield "post_quant_conv", "post_quant_conv"
    yield "conv_in", "decoder.conv_in"
    yield from _middle_names("decoder")
    for group, level in enumerate(reversed(range(len(config.channels)))):
        for i in range(config.blocks + 1):
            yield f"up{level}_res{i}", f"decoder.up_blocks.{group}.resnets.{i}"
        if level:
            yield f"up{level}_upsample", f"decoder.up_blocks.{group}.upsamplers.0"
    yield from _exit_names("decoder")


def _middle_names(half: str) -> Iterator[tuple[str, str]]:
    yield "middle_res0", f"{half}.mid_block.resnets.0"
    yield "middle_attention", f"{half}.mid_block.attentions.0"
    yield "middle_res1", f"{half}.mid_block.resnets.1"


def _exit_names(half: str) -> Iterator[tuple[str, str]]:
    yield "exit_norm", f"{half}.conv_norm_out"
    yield "conv_out", f"{half}.conv_out"

"""A complete Stable Diffusion 2. It knows nothing of grading and imports nothing else of this package."""

from autograder.reference.attention import td_dot
from autograder.reference.blocks import BasicTransformerBlock, CrossAttention, ResBlock, SpatialTransformer
from autograder.reference.config import SD2, TINY, UNetConfig
from autograder.reference.flows import LAYER_NAMES, down_flow, exit_flow, middle_flow, up_flow
from autograder.reference.layers import GEGLU, GroupNorm, PaddedConv2D, Upsample
from autograder.reference.sampling import (
    ddim_step,
    guided_eps,
    initial_noise,
    predict_x0,
    sample,
    timestep_embedding,
)
from autograder.reference.text_encoder import (
    SD2_TEXT,
    CausalSelfAttention,
    TextBlock,
    TextEmbedding,
    TextEncoder,
    TextEncoderConfig,
    causal_mask,
)
from autograder.reference.unet import DiffusionModelV2
from autograder.reference.weights import SD21_FILE, load_unet_weights, noise_correlation, save_unet_weights

__all__ = [
    "GEGLU",
    "LAYER_NAMES",
    "SD2",
    "SD2_TEXT",
    "SD21_FILE",
    "TINY",
    "BasicTransformerBlock",
    "CausalSelfAttention",
    "CrossAttention",
    "DiffusionModelV2",
    "GroupNorm",
    "PaddedConv2D",
    "ResBlock",
    "SpatialTransformer",
    "TextBlock",
    "TextEmbedding",
    "TextEncoder",
    "TextEncoderConfig",
    "UNetConfig",
    "Upsample",
    "causal_mask",
    "ddim_step",
    "down_flow",
    "exit_flow",
    "guided_eps",
    "initial_noise",
    "load_unet_weights",
    "middle_flow",
    "noise_correlation",
    "predict_x0",
    "sample",
    "save_unet_weights",
    "td_dot",
    "timestep_embedding",
    "up_flow",
]

"""A complete Stable Diffusion 2. It knows nothing of grading and imports nothing else of this package."""

from autograder.reference.attention import td_dot
from autograder.reference.autoencoder import (
    SD2_AUTOENCODER,
    AutoencoderConfig,
    Decoder,
    Encoder,
    PixelAttention,
    PlainResBlock,
)
from autograder.reference.autoencoder_weights import (
    load_decoder_weights,
    load_encoder_weights,
    prove_halves_fit,
    reconstruction_correlation,
    save_decoder_weights,
    save_encoder_weights,
)
from autograder.reference.blocks import BasicTransformerBlock, CrossAttention, ResBlock, SpatialTransformer
from autograder.reference.config import SD2, TINY, UNetConfig
from autograder.reference.flows import LAYER_NAMES, down_flow, exit_flow, middle_flow, up_flow
from autograder.reference.layers import GEGLU, GroupNorm, PaddedConv2D, Upsample
from autograder.reference.samplers import (
    SAMPLERS,
    DPMSolver2M,
    eps_from_velocity,
    leading_timesteps,
    scaled_linear_alpha_bars,
    start_from_picture,
)
from autograder.reference.sampling import (
    ddim_step,
    guided_eps,
    initial_noise,
    predict_x0,
    sample,
    timestep_embedding,
)
from autograder.reference.stable_diffusion import (
    Drawing,
    StableDiffusion2,
    computing_in,
    from_picture,
    load_stable_diffusion,
    text_to_picture,
    to_picture,
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
from autograder.reference.text_weights import load_text_encoder_weights, save_text_encoder_weights
from autograder.reference.tokenizer import tokenize
from autograder.reference.unet import DiffusionModelV2
from autograder.reference.weights import SD21_FILE, load_unet_weights, noise_correlation, save_unet_weights

__all__ = [
    "GEGLU",
    "LAYER_NAMES",
    "SAMPLERS",
    "SD2",
    "SD2_AUTOENCODER",
    "SD2_TEXT",
    "SD21_FILE",
    "TINY",
    "AutoencoderConfig",
    "BasicTransformerBlock",
    "CausalSelfAttention",
    "CrossAttention",
    "DPMSolver2M",
    "Decoder",
    "DiffusionModelV2",
    "Drawing",
    "Encoder",
    "GroupNorm",
    "PaddedConv2D",
    "PixelAttention",
    "PlainResBlock",
    "ResBlock",
    "SpatialTransformer",
    "StableDiffusion2",
    "TextBlock",
    "TextEmbedding",
    "TextEncoder",
    "TextEncoderConfig",
    "UNetConfig",
    "Upsample",
    "causal_mask",
    "computing_in",
    "ddim_step",
    "down_flow",
    "eps_from_velocity",
    "exit_flow",
    "from_picture",
    "guided_eps",
    "initial_noise",
    "leading_timesteps",
    "load_decoder_weights",
    "load_encoder_weights",
    "load_stable_diffusion",
    "load_text_encoder_weights",
    "load_unet_weights",
    "middle_flow",
    "noise_correlation",
    "predict_x0",
    "prove_halves_fit",
    "reconstruction_correlation",
    "sample",
    "save_decoder_weights",
    "save_encoder_weights",
    "save_text_encoder_weights",
    "save_unet_weights",
    "scaled_linear_alpha_bars",
    "start_from_picture",
    "td_dot",
    "text_to_picture",
    "timestep_embedding",
    "to_picture",
    "tokenize",
    "up_flow",
]

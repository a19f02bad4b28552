"""Runs in an environment with diffusers 0.42.1: the outputs of its modules and of its UNet, as they are, and its file.

python fixtures_diffusers.py OUT_DIR
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import seeded
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.activations import GEGLU
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import Attention
from diffusers.models.downsampling import Downsample2D
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.models.upsampling import Upsample2D


def load(module, arrays):
    tensors = {name: torch.from_numpy(seeded.to_torch(array)) for name, array in arrays.items()}
    module.load_state_dict(tensors, strict=True)
    return module.eval()


def picture(array):
    return torch.from_numpy(np.ascontiguousarray(array.transpose(0, 3, 1, 2)))


def run(module, name):
    """Calls a module on a case's inputs: pictures go to BCHW and back."""
    arrays, inputs = seeded.block_case(name)
    arrays = {f"conv.{k}": v for k, v in arrays.items()} if name == "conv-stride2" else arrays
    load(module, arrays)
    x = inputs["x"]
    x = picture(x) if x.ndim == 4 else torch.from_numpy(x)
    rest = {k: torch.from_numpy(v) for k, v in inputs.items() if k != "x"}
    if "t_emb" in rest:
        out = module(x, rest["t_emb"])
    elif "context" in rest:
        out = module(x, encoder_hidden_states=rest["context"])
    else:
        out = module(x)
    out = out.sample if hasattr(out, "sample") else out
    return out.numpy().transpose(0, 2, 3, 1) if out.ndim == 4 else out.numpy()


def transformer_2d():
    return Transformer2DModel(4, 16, 64, cross_attention_dim=32, use_linear_projection=True, norm_num_groups=32)


BLOCKS = {
    "conv-stride1": lambda: torch.nn.Conv2d(64, 96, 3, padding=1),
    "conv-stride2": lambda: Downsample2D(64, use_conv=True, out_channels=96, padding=1, name="op"),
    "resblock-same": lambda: ResnetBlock2D(in_channels=64, out_channels=64, temb_channels=48, eps=1e-5),
    "resblock-project": lambda: ResnetBlock2D(in_channels=96, out_channels=64, temb_channels=48, eps=1e-5),
    "self-attention": lambda: Attention(64, heads=4, dim_head=16),
    "cross-attention": lambda: Attention(64, cross_attention_dim=32, heads=4, dim_head=16),
    "geglu": lambda: GEGLU(24, 40),
    "transformer-block": lambda: BasicTransformerBlock(64, 4, 16, cross_attention_dim=32),
    "spatial-transformer": transformer_2d,
    "upsample": lambda: Upsample2D(64, use_conv=True, out_channels=96),
}


def build_unet():
    """A `UNet2DConditionModel` put together as Stable Diffusion 2's is, at the fixtures' width."""
    cross = ("CrossAttnDownBlock2D",) * 3, ("CrossAttnUpBlock2D",) * 3
    return UNet2DConditionModel(
        sample_size=None,
        in_channels=seeded.LATENT_CHANNELS,
        out_channels=seeded.LATENT_CHANNELS,
        down_block_types=(*cross[0], "DownBlock2D"),
        up_block_types=("UpBlock2D", *cross[1]),
        block_out_channels=seeded.CHANNELS,
        layers_per_block=2,
        cross_attention_dim=seeded.CONTEXT_DIM,
        attention_head_dim=[c // seeded.HEAD_SIZE for c in seeded.CHANNELS],  # SD2's key for the number of heads
        use_linear_projection=True,
    )


@torch.no_grad()
def main(out):
    results = {f"block/{name}": run(make(), name) for name, make in BLOCKS.items()}
    unet = build_unet()
    names = seeded.unet()
    load(unet, {name: seeded.weight(name, shape) for name, shape in names.items()})
    for case in seeded.UNET_CASES:
        inputs = seeded.unet_inputs(case)
        steps = torch.tensor(seeded.TIMESTEPS[: len(inputs["latent"])])
        embedding = unet.time_proj(steps).numpy()
        # diffusers makes the embedding itself, in float32: at angles near 1000 that costs some 3e-5.
        np.testing.assert_allclose(embedding, inputs["timestep_embedding"], atol=1e-4)
        eps = unet(picture(inputs["latent"]), steps, torch.from_numpy(inputs["context"])).sample
        results[f"unet/{case}"] = eps.numpy().transpose(0, 2, 3, 1)
        results[f"timestep_embedding/{case}"] = embedding
    np.savez(out / "outputs.npz", **results)
    shapes = {name: list(tensor.shape) for name, tensor in unet.state_dict().items()}
    (out / "file.json").write_text(json.dumps(shapes))
    unet.save_pretrained(out, safe_serialization=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

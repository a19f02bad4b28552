"""The weights and inputs of the fixtures, from a seed: numpy only, shared by `make_fixtures.py` and the tests.

Weights are not stored. Each comes from its own name, so that no order matters: whoever writes `attn1.to_k` where
`attn1.to_v` belongs gets other numbers. Names are those of diffusers, shapes those of Keras (kernels `(in, out)` and
`(height, width, in, out)`). `numpy.random.RandomState` is frozen by numpy's policy (NEP 19): the numbers stay.
"""

import zlib

import numpy as np

# The small model of the fixtures. Never 32 channels: GroupNorm would become an instance norm and hide the time.
CHANNELS, HEAD_SIZE, CONTEXT_DIM, LATENT_CHANNELS = (64, 128, 192, 192), 16, 32, 4
TIME_DIM = 4 * CHANNELS[0]


def random_state(name, seed=0):
    return np.random.RandomState(zlib.crc32(f"{seed}/{name}".encode()))


def weight(name, shape, seed=0):
    """One weight: kernels keep the variance of what they multiply, gammas are around 1, biases and betas around 0."""
    numbers = random_state(name, seed).standard_normal(shape).astype("float32")
    if len(shape) > 1:
        return numbers / np.float32(np.sqrt(np.prod(shape[:-1])))
    is_gamma = "norm" in name.split(".")[-2] and name.endswith("weight")
    return np.float32(is_gamma) + np.float32(0.2) * numbers


def weights(layout, prefix, seed=0):
    """The arrays of a layout, by the layout's own names; `prefix` tells one block's numbers from another's."""
    return {name: weight(f"{prefix}.{name}", shape, seed) for name, shape in layout.items()}


def inputs(name, shape, seed=0):
    return random_state(f"input.{name}", seed).standard_normal(shape).astype("float32")


def to_torch(array):
    """A Keras kernel in PyTorch's layout: HWIO -> OIHW, (in, out) -> (out, in)."""
    return np.ascontiguousarray({1: array, 2: array.T}[array.ndim] if array.ndim < 4 else array.transpose(3, 2, 0, 1))


def timestep_embedding(timesteps, dim=CHANNELS[0]):
    """Sinusoidal embedding, cosine first: frequencies exp(-ln(10000) i / half)."""
    half = dim // 2
    angles = np.outer(np.asarray(timesteps, "float64"), np.exp(-np.log(10000.0) * np.arange(half) / half))
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=-1).astype("float32")


# Layouts: name -> shape, in the order of KerasCV's file


def prefixed(prefix, layout):
    return {f"{prefix}.{name}": shape for name, shape in layout.items()}


def norm(channels):
    return {"weight": (channels,), "bias": (channels,)}


def dense(inputs, outputs):
    return {"weight": (inputs, outputs), "bias": (outputs,)}


def conv(inputs, outputs, kernel_size=3):
    return {"weight": (kernel_size, kernel_size, inputs, outputs), "bias": (outputs,)}


def res_block(inputs, outputs, embedding=TIME_DIM):
    layout = prefixed("norm1", norm(inputs)) | prefixed("conv1", conv(inputs, outputs))
    layout |= prefixed("time_emb_proj", dense(embedding, outputs))
    layout |= prefixed("norm2", norm(outputs)) | prefixed("conv2", conv(outputs, outputs))
    return layout | (prefixed("conv_shortcut", conv(inputs, outputs, 1)) if inputs != outputs else {})


def attention(width, context):
    kernels = {"to_q.weight": (width, width), "to_k.weight": (context, width), "to_v.weight": (context, width)}
    return kernels | prefixed("to_out.0", dense(width, width))


def transformer_block(width, context=CONTEXT_DIM):
    layout = prefixed("norm1", norm(width)) | prefixed("attn1", attention(width, width))
    layout |= prefixed("norm2", norm(width)) | prefixed("attn2", attention(width, context))
    layout |= prefixed("norm3", norm(width))
    return layout | prefixed("ff.net.0.proj", dense(width, 8 * width)) | prefixed("ff.net.2", dense(4 * width, width))


def spatial_transformer(width, context=CONTEXT_DIM):
    layout = prefixed("norm", norm(width)) | prefixed("proj_in", dense(width, width))
    layout |= prefixed("transformer_blocks.0", transformer_block(width, context))
    return layout | prefixed("proj_out", dense(width, width))


def unet_layers(channels=CHANNELS, context=CONTEXT_DIM, latent=LATENT_CHANNELS):
    """(name, layout) of the 49 layers with weights, in the order of KerasCV's file."""
    time = 4 * channels[0]
    layers = [("time_embedding.linear_1", dense(channels[0], time)), ("conv_in", conv(latent, channels[0]))]
    layers.append(("time_embedding.linear_2", dense(time, time)))
    width, skips = channels[0], [channels[0]]
    for level, outputs in enumerate(channels):
        for i in range(2):
            layers.append((f"down_blocks.{level}.resnets.{i}", res_block(width, outputs, time)))
            if level < 3:
                layers.append((f"down_blocks.{level}.attentions.{i}", spatial_transformer(outputs, context)))
            width = outputs
            skips.append(width)
        if level < 3:
            layers.append((f"down_blocks.{level}.downsamplers.0.conv", conv(width, width)))
            skips.append(width)
    layers.append(("mid_block.resnets.0", res_block(width, width, time)))
    layers.append(("mid_block.attentions.0", spatial_transformer(width, context)))
    layers.append(("mid_block.resnets.1", res_block(width, width, time)))
    for group, outputs in enumerate(reversed(channels)):
        for i in range(3):
            layers.append((f"up_blocks.{group}.resnets.{i}", res_block(width + skips.pop(), outputs, time)))
            width = outputs
            if group > 0:
                layers.append((f"up_blocks.{group}.attentions.{i}", spatial_transformer(outputs, context)))
        if group < 3:
            layers.append((f"up_blocks.{group}.upsamplers.0.conv", conv(width, width)))
    return [*layers, ("conv_norm_out", norm(width)), ("conv_out", conv(width, latent))]


def unet(channels=CHANNELS, context=CONTEXT_DIM, latent=LATENT_CHANNELS):
    """The 686 weights of the whole model."""
    return {k: s for name, layout in unet_layers(channels, context, latent) for k, s in prefixed(name, layout).items()}


# What the fixtures hold. Sizes of one case all differ, so that no two axes can be mistaken for each other.

# name: B, H, W of the latent, T. The large one has room for Winograd's form.
UNET_CASES = {"batch1": (1, 8, 24, 5), "large": (1, 32, 24, 6), "batch3": (3, 16, 8, 7)}
TIMESTEPS = (981, 500, 3)


def unet_inputs(case):
    batch, height, width, tokens = UNET_CASES[case]
    return {
        "latent": inputs(f"{case}.latent", (batch, height, width, LATENT_CHANNELS)),
        "timestep_embedding": timestep_embedding(TIMESTEPS[:batch]),
        "context": inputs(f"{case}.context", (batch, tokens, CONTEXT_DIM)),
    }


# name: (layout, {input: shape}); `x` first. Widths: 64 channels in 2 groups' worth each, 4 heads of 16.
BLOCK_CASES = {
    "conv-stride1": (conv(64, 96), {"x": (1, 4, 6, 64)}),
    "conv-stride2": (conv(64, 96), {"x": (3, 8, 6, 64)}),
    "resblock-same": (res_block(64, 64, 48), {"x": (3, 4, 6, 64), "t_emb": (3, 48)}),
    "resblock-project": (res_block(96, 64, 48), {"x": (1, 4, 6, 96), "t_emb": (1, 48)}),
    "self-attention": (attention(64, 64), {"x": (3, 10, 64)}),
    "cross-attention": (attention(64, 32), {"x": (1, 10, 64), "context": (1, 7, 32)}),
    "geglu": (prefixed("proj", dense(24, 2 * 40)), {"x": (3, 10, 24)}),
    "transformer-block": (transformer_block(64), {"x": (3, 10, 64), "context": (3, 7, 32)}),
    "spatial-transformer": (spatial_transformer(64), {"x": (3, 4, 6, 64), "context": (3, 7, 32)}),
    "upsample": (prefixed("conv", conv(64, 96)), {"x": (1, 3, 5, 64)}),
}


def block_case(name):
    """The weights and the inputs of a block's case: two dicts of arrays."""
    layout, shapes = BLOCK_CASES[name]
    return weights(layout, name), {k: inputs(f"{name}.{k}", shape) for k, shape in shapes.items()}

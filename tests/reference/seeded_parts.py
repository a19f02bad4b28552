"""Text encoder, autoencoder and samplers of the fixtures, from a seed: numpy only, like `seeded.py`.

Names are those of transformers (before version 5) and of diffusers; shapes are those of Keras.
"""

try:
    from .seeded import conv, dense, inputs, norm, prefixed, random_state, weight
except ImportError:  # run beside this file, where the tests are no package
    from seeded import conv, dense, inputs, norm, prefixed, random_state, weight

# The small text encoder: vocabulary, length, width, heads, blocks
VOCABULARY, LENGTH, WIDTH, HEADS, BLOCKS = 50, 11, 64, 4, 3
# The small autoencoder: four levels, as Stable Diffusion's
CHANNELS, LATENT_CHANNELS, BLOCKS_PER_LEVEL = (32, 64, 96, 96), 4, 2
TABLES = ("token_embedding.weight", "position_embedding.weight")  # not transposed in PyTorch
# name: B, H, W of the picture, in pixels
PICTURES = {"wide": (1, 24, 40), "tall": (3, 32, 16)}
# The samplers: timesteps, sides of the latent, and how many steps are walked
LATENT, STEPS = (2, 3, 5, 4), (2, 5, 16)
PREDICTIONS = ("epsilon", "v_prediction")
START = 5  # of the longest walk, once: the steps that are left out when a picture is changed
PROMPTS = (
    "",
    "a photograph of an astronaut riding a horse",
    "An Oil-Painting of  3 red foxes,\nit's 1,024x768!!",
    "naïve café — 東京 🦊 don't they'll",
    "a " * 90,
)


def text_block(width):
    layout = prefixed("layer_norm1", norm(width))
    for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
        layout |= prefixed(f"self_attn.{name}", dense(width, width))
    layout |= prefixed("layer_norm2", norm(width)) | prefixed("mlp.fc1", dense(width, 4 * width))
    return layout | prefixed("mlp.fc2", dense(4 * width, width))


def text_layers(vocabulary=VOCABULARY, length=LENGTH, width=WIDTH, blocks=BLOCKS):
    """(name, layout) of the layers with weights, in the order of KerasCV's file."""
    tables = {TABLES[0]: (vocabulary, width), TABLES[1]: (length, width)}
    layers = [("text_model.embeddings", tables)]
    layers += [(f"text_model.encoder.layers.{i}", text_block(width)) for i in range(blocks)]
    return [*layers, ("text_model.final_layer_norm", norm(width))]


def res_block(before, after):
    layout = prefixed("norm1", norm(before)) | prefixed("conv1", conv(before, after))
    layout |= prefixed("norm2", norm(after)) | prefixed("conv2", conv(after, after))
    return layout | (prefixed("conv_shortcut", conv(before, after, 1)) if before != after else {})


def pixel_attention(width):
    layout = prefixed("group_norm", norm(width))
    for name in ("to_q", "to_k", "to_v", "to_out.0"):
        layout |= prefixed(name, conv(width, width, 1))
    return layout


def _middle(half, width):
    blocks = res_block(width, width), pixel_attention(width), res_block(width, width)
    return list(zip((f"{half}.mid_block.{x}" for x in ("resnets.0", "attentions.0", "resnets.1")), blocks, strict=True))


def encoder_layers(channels=CHANNELS, latent=LATENT_CHANNELS, blocks=BLOCKS_PER_LEVEL):
    """(name, layout) of the encoder's layers with weights, in the order of KerasCV's file."""
    layers, width = [("encoder.conv_in", conv(3, channels[0]))], channels[0]
    for level, after in enumerate(channels):
        for i in range(blocks):
            layers.append((f"encoder.down_blocks.{level}.resnets.{i}", res_block(width, after)))
            width = after
        if level < len(channels) - 1:
            layers.append((f"encoder.down_blocks.{level}.downsamplers.0.conv", conv(width, width)))
    layers += [*_middle("encoder", width), ("encoder.conv_norm_out", norm(width))]
    return [*layers, ("encoder.conv_out", conv(width, 2 * latent)), ("quant_conv", conv(2 * latent, 2 * latent, 1))]


def decoder_layers(channels=CHANNELS, latent=LATENT_CHANNELS, blocks=BLOCKS_PER_LEVEL):
    """(name, layout) of the decoder's layers with weights, in the order of KerasCV's file."""
    width = channels[-1]
    layers = [("post_quant_conv", conv(latent, latent, 1)), ("decoder.conv_in", conv(latent, width))]
    layers += _middle("decoder", width)
    for group, after in enumerate(reversed(channels)):
        for i in range(blocks + 1):
            layers.append((f"decoder.up_blocks.{group}.resnets.{i}", res_block(width, after)))
            width = after
        if group < len(channels) - 1:
            layers.append((f"decoder.up_blocks.{group}.upsamplers.0.conv", conv(width, width)))
    return [*layers, ("decoder.conv_norm_out", norm(width)), ("decoder.conv_out", conv(width, 3))]


LAYERS = {"text": text_layers, "encoder": encoder_layers, "decoder": decoder_layers}


# Stable Diffusion 2's own sizes, at which each part is proved once
FULL = {
    "text": {"vocabulary": 49408, "length": 77, "width": 1024, "blocks": 23},
    "encoder": {"channels": (128, 256, 512, 512)},
    "decoder": {"channels": (128, 256, 512, 512)},
}


def arrays(part, size=None):
    """The seeded weights of a part, by name."""
    return {
        name: weight(name, shape)
        for layer, layout in LAYERS[part](**size or {})
        for name, shape in prefixed(layer, layout).items()
    }


def tokens(batch=2, length=LENGTH, vocabulary=VOCABULARY):
    return random_state("tokens").randint(vocabulary, size=(batch, length)).astype("int32")


def picture(case):
    return inputs(f"picture.{case}", (*PICTURES[case], 3))


def latent(case):
    batch, height, width = PICTURES[case]
    return inputs(f"latent.{case}", (batch, height // 8, width // 8, LATENT_CHANNELS))


def full_inputs():
    return {
        "text": tokens(1, 77, 49408),
        "encoder": inputs("picture.full", (1, 64, 64, 3)),
        "decoder": inputs("latent.full", (1, 8, 8, LATENT_CHANNELS)),
    }


def kept(part, output):
    """What is stored of an output at full size: every eighth token, every fourth pixel each way."""
    return {"text": output[:, ::8], "encoder": output, "decoder": output[:, ::4, ::4]}[part]


def model_output(x, t):
    """What stands in for a UNet when samplers are walked: any smooth function of latent and timestep will do."""
    return 0.8 * x + 2 * (t / 1000) * x / (1 + x * x) - 0.1

"""Parts of the trained UNet switched off: each against the UNet's own layers, called one by one."""

import keras
import numpy as np
import pytest
from keras import ops

from autograder.drawing.mixing import random_inputs
from autograder.exam.comparing import relative_error
from autograder.small_model.model import encode_prompts, load_unet, sample_prompts, trained_unet
from autograder.small_model.switchboard import LEVELS, SWITCHES, Switches, describe, switched_unet

PROMPT = "a red house left of a white tree by day"


@pytest.fixture(scope="module")
def trained(random_folder):
    return trained_unet(random_folder)


def output(unet, inputs):
    return ops.convert_to_numpy(unet(inputs))


def inputs_of(trained):
    return random_inputs([tensor.shape[1:] for tensor in trained.inputs])


def by_hand(trained, inputs, time=True, middle=True, skips=(), self_attention=True):
    """The UNet's layers called one after the other, in plain Python, with things left out."""
    layer, (latent, embedding, context) = trained.get_layer, inputs
    t_emb = layer("time_dense2")(ops.silu(layer("time_dense1")(embedding)))
    t_emb = t_emb if time else 0 * t_emb

    def transform(name, x):
        transformer = layer(name)
        block = transformer.transformer_block
        tokens = ops.reshape(transformer.proj1(transformer.norm(x)), (x.shape[0], -1, x.shape[-1]))
        if self_attention:
            tokens = block.attn1(block.norm1(tokens)) + tokens
        tokens = block.attn2(block.norm2(tokens), context=context) + tokens
        tokens = block.dense(block.geglu(block.norm3(tokens))) + tokens
        return transformer.proj2(ops.reshape(tokens, x.shape)) + x

    x = layer("conv_in")(latent)
    kept = [x]
    for level in range(LEVELS):
        for i in range(2):
            x = layer(f"down{level}_res{i}")([x, t_emb])
            x = transform(f"down{level}_transformer{i}", x) if level < 3 else x
            kept.append(x)
        if level < 3:
            x = layer(f"down{level}_conv")(x)
            kept.append(x)
    if middle:
        x = layer("middle_res0")([x, t_emb])
        x = layer("middle_res1")([transform("middle_transformer", x), t_emb])
    for level in reversed(range(LEVELS)):
        for i in range(3):
            skip = kept.pop()
            x = ops.concatenate([x, 0 * skip if level in skips else skip], axis=-1)
            x = layer(f"up{level}_res{i}")([x, t_emb])
            x = transform(f"up{level}_transformer{i}", x) if level < 3 else x
        x = layer(f"up{level}_upsample")(x) if level else x
    return ops.convert_to_numpy(layer("conv_out")(ops.silu(layer("exit_norm")(x))))


@pytest.mark.parametrize(
    ("without", "left_out"),
    [
        ("time", {"time": False}),
        ("middle", {"middle": False}),
        ("skips", {"skips": range(LEVELS)}),
        ("skips-0", {"skips": [0]}),
        (("skips-1", "skips-3"), {"skips": [1, 3]}),
        ("self-attention", {"self_attention": False}),
        (("time", "skips-2"), {"time": False, "skips": [2]}),
    ],
    ids=str,
)
def test_switch_leaves_out_what_it_says_and_nothing_else(trained, without, left_out):
    inputs = inputs_of(trained)
    received = output(switched_unet(trained, Switches.of(without)), inputs)
    assert relative_error(received, by_hand(trained, inputs, **left_out)) < 1e-5
    assert relative_error(received, output(trained, inputs)) > 3e-4


def test_cross_attention_off_makes_the_words_count_for_nothing(trained):
    latent, embedding, context = inputs_of(trained)
    unet = switched_unet(trained, Switches.of("cross-attention"))
    without = [output(unet, [latent, embedding, words]) for words in (context, -context)]
    np.testing.assert_array_equal(*without)
    on_one_level = switched_unet(trained, Switches.of("cross-attention-1"))
    assert relative_error(*(output(on_one_level, [latent, embedding, w]) for w in (context, -context))) > 1e-3


def test_all_heads_off_is_attention_off_but_for_its_bias(trained):
    biases = [w for w in trained.weights if w.path.endswith("out_proj/bias")]
    before = [ops.convert_to_numpy(bias.value) for bias in biases]
    most = max(trained.unet_config.channels) // trained.unet_config.head_size
    try:
        for bias in biases:
            bias.assign(ops.zeros_like(bias))
        heads = switched_unet(trained, Switches.of([f"head-{i}" for i in range(most)]))
        attention = switched_unet(trained, Switches.of(["self-attention", "cross-attention"]))
        assert relative_error(output(heads, inputs_of(trained)), output(attention, inputs_of(trained))) < 1e-5
        one = switched_unet(trained, Switches.of("head-1"))
        assert relative_error(output(one, inputs_of(trained)), output(heads, inputs_of(trained))) > 1e-3
    finally:
        for bias, value in zip(biases, before, strict=True):
            bias.assign(value)


def test_switches_leave_the_trained_unet_as_it_was(trained):
    before = output(trained, inputs_of(trained))
    for switch in ("time", "middle", "skips", "self-attention", "head-0"):
        output(switched_unet(trained, Switches.of(switch)), inputs_of(trained))
    np.testing.assert_array_equal(output(trained, inputs_of(trained)), before)


def test_text_off_draws_what_the_empty_prompt_draws(random_folder):
    without, empty = (
        sample_prompts([prompt], steps=2, folder=random_folder, without=off)
        for prompt, off in ((PROMPT, "text"), ("", ()))
    )
    np.testing.assert_array_equal(without, empty)
    context, nothing = encode_prompts([PROMPT, ""], random_folder)
    assert np.abs(context - nothing).max() > 0.1


def test_switched_unet_is_made_once(random_folder):
    assert load_unet(random_folder, "skips") is load_unet(random_folder, ("skips",))
    assert load_unet(random_folder, "skips") is not load_unet(random_folder)
    assert isinstance(load_unet(random_folder, "skips"), keras.Model)


@pytest.mark.parametrize("name", ["skip", "time-0", "skips-4", "head", "head-x", "", None, 3, "skips-"])
def test_unknown_switch_is_refused_with_the_list(name):
    with pytest.raises(ValueError, match="cross-attention") as error:
        Switches.of([name])
    assert repr(name) in str(error.value)
    assert all(switch in describe() for switch in SWITCHES)


def test_head_that_no_attention_has_is_refused(trained):
    with pytest.raises(ValueError, match="head-9"):
        switched_unet(trained, Switches.of("head-9"))

# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercise 9: the whole UNet
#
# About 45 minutes · difficulty: hard · {{ points }} points · chapter 9, *The whole UNet*
#
# You put the pieces together: **a Keras model that takes a noisy latent, the time and a text, and predicts the noise**.
# Four questions:
#
# 1. `exit_flow`: the last three layers (2 points),
# 2. `build_unet`: the whole model (4 points),
# 3. `resblock_parameters`: what a ResBlock weighs, as a formula (2 points),
# 4. `text_parameters`: how much of it all can read (2 points).
#
# Fill in the cells that say `write your answer here`, and run the check below each. A check tries your answer in
# several sizes, with random numbers, and tells you what is wrong, not only that it is. You may check as often as you
# like.
#
# `blocks` holds what the flow is made of. You call the classes as you know them from the exercises before:
#
# - `blocks.PaddedConv2D(filters, kernel_size, padding=0, strides=1)`, called on `x`,
# - `blocks.ResBlock(output_dim)`, called on `[x, t_emb]`,
# - `blocks.SpatialTransformer(num_heads, head_size, fully_connected=True)`, called on `[x, context]`,
# - `blocks.Upsample(channels)`, called on `x`,
#
# and it holds the numbers: `blocks.channels` (the widths of the four levels, from the largest picture to the
# smallest), `blocks.head_size`, `blocks.latent_channels` and `blocks.context_dim`. Use these instead of typing numbers
# in: the check comes with other widths than Stable Diffusion's.
#
# Two things are special about a **flow**. It is called on `keras.Input` tensors, which have a shape and no values yet,
# so write it with layers and `keras.ops`, not with NumPy. And in this notebook the blocks are light **stand-ins**, with
# the real blocks' interfaces and hardly anything inside: wiring is what this exercise is about.
#
# *Run all* runs through: a check of what is not written or not right yet says so, and stops nothing.
#
# Run the next cell first, and after each restart. In Colab it installs the course's small package, and nothing else.

# %% nbgrader={"grade_id": "setup", "grade": false, "locked": true, "schema_version": 3, "solution": false, "task": false}
import subprocess
import sys
import warnings
from dataclasses import replace

try:
    import google.colab  # are we in Colab?
except ImportError:
    pass  # no: the course is installed already
else:
    package = "git+{{ repository }}@{{ ref }}"
    if subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", package]).returncode:
        raise RuntimeError("The course's package could not be fetched. Is there a network? Then run this cell again.")

from autograder import check, draw  # first: it keeps the libraries' start-up messages away

import keras
import matplotlib.pyplot as plt

from autograder.sitting.stand_ins import make_blocks

# A layer may well be built when it is first called; Keras warns of that.
warnings.filterwarnings("ignore", module=r"keras\.")

# %% [markdown]
# ## 1. The exit
#
# Group normalisation in 32 groups, Keras' default number, with an epsilon of 1e-5; swish; a 3x3 convolution of `blocks`,
# with a padding of 1, to the latent's channels.


# %% nbgrader={"grade_id": "answer-exit-flow", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def exit_flow(x, blocks):
    """Makes the noise of the last feature map.

    Args:
        x: tensor (batch, height, width, blocks.channels[0]).
        blocks: what the flow is made of, see above.

    Returns:
        Tensor (batch, height, width, blocks.latent_channels).
    """
    ### BEGIN SOLUTION
    x = keras.layers.GroupNormalization(epsilon=1e-5)(x)
    x = keras.layers.Activation("swish")(x)
    return blocks.PaddedConv2D(blocks.latent_channels, kernel_size=3, padding=1)(x)
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# `keras.layers.GroupNormalization` and `keras.layers.Activation`. Mind the epsilon.
#
# </details>

# %% nbgrader={"grade_id": "exit-flow", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("exit-flow", exit_flow)

# %% [markdown]
# ## 2. The whole model
#
# `build_unet` makes three inputs, in this order:
#
# | input | shape, without the batch |
# |---|---|
# | the latent | `(img_height // 8, img_width // 8, blocks.latent_channels)` |
# | the timestep embedding | `(blocks.channels[0],)` |
# | the context | `(max_text_length, blocks.context_dim)` |
#
# It sends the timestep embedding through the time MLP: a Dense layer, swish, a Dense layer, both of
# `4 * blocks.channels[0]` features. Then come the way down, the middle, the way up and the exit. It returns a
# `keras.Model` of the three inputs, in this order, and the noise.
#
# You have written `down_flow`, `middle_flow` and `up_flow` in exercises 7 and 8. Copy them into the next cell, above
# `build_unet`, and call them; or write everything inside.


# %% nbgrader={"grade_id": "answer-unet", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def build_unet(img_height, img_width, max_text_length, blocks):
    """Builds the whole UNet.

    Args:
        img_height, img_width: sides of the picture in pixels, multiples of 64.
        max_text_length: tokens of the text.
        blocks: what the model is made of, see above.

    Returns:
        A keras.Model of [latent, timestep embedding, context] to the noise, which has the latent's shape.
    """
    ### BEGIN SOLUTION
    latent = keras.Input((img_height // 8, img_width // 8, blocks.latent_channels))
    timestep_embedding = keras.Input((blocks.channels[0],))
    context = keras.Input((max_text_length, blocks.context_dim))

    t_emb = keras.layers.Dense(4 * blocks.channels[0])(timestep_embedding)
    t_emb = keras.layers.Activation("swish")(t_emb)
    t_emb = keras.layers.Dense(4 * blocks.channels[0])(t_emb)

    def attend(x, width):
        transformer = blocks.SpatialTransformer(width // blocks.head_size, blocks.head_size, fully_connected=True)
        return transformer([x, context])

    # The way down
    x = blocks.PaddedConv2D(blocks.channels[0], kernel_size=3, padding=1)(latent)
    outputs = [x]
    for level, width in enumerate(blocks.channels):
        for _ in range(2):
            x = blocks.ResBlock(width)([x, t_emb])
            x = attend(x, width) if level < 3 else x
            outputs.append(x)
        if level < 3:
            x = blocks.PaddedConv2D(width, kernel_size=3, padding=1, strides=2)(x)
            outputs.append(x)

    # The middle
    width = blocks.channels[3]
    x = blocks.ResBlock(width)([x, t_emb])
    x = attend(x, width)
    x = blocks.ResBlock(width)([x, t_emb])

    # The way up
    for level in (3, 2, 1, 0):
        width = blocks.channels[level]
        for _ in range(3):
            x = keras.layers.Concatenate()([x, outputs.pop()])
            x = blocks.ResBlock(width)([x, t_emb])
            x = attend(x, width) if level < 3 else x
        x = blocks.Upsample(width)(x) if level > 0 else x

    return keras.Model([latent, timestep_embedding, context], exit_flow(x, blocks))
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Three inputs, three lines for the time MLP, four for the flows, one for the model. What comes out of the time MLP goes
# into every flow but the exit; the timestep embedding itself goes nowhere else.
#
# </details>
#
# See what you have built: how many blocks of each kind, at the widths of Stable Diffusion 2. There must be 22 ResBlocks
# (chapter 3) and 16 SpatialTransformers (chapter 4).

# %%
try:
    blocks = make_blocks(channels=(320, 640, 1280, 1280), head_size=64, latent_channels=4, context_dim=1024)
    model = build_unet(512, 512, 77, blocks)
    kinds = [type(layer).__name__ for layer in model.layers]
    kinds = {kind: kinds.count(kind) for kind in sorted(set(kinds), key=kinds.count)}
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    axes.bar_label(axes.barh(list(kinds), list(kinds.values())))
    axes.set(title=f"{len(model.layers)} layers, {model.output.shape[1:]} out")
    plt.show()
except NameError as error:
    print(f"There is nothing to show yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to show yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "unet", "grade": true, "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false} autograder={"uses": ["exit-flow"]}
check("unet", build_unet)

# %% [markdown]
# ## 3. What a ResBlock weighs
#
# Write the number of parameters of a ResBlock as a formula of its sizes. Its parts: a group normalisation, a 3x3
# convolution, a Dense layer for the time, a second group normalisation, a second 3x3 convolution, and a 1x1 convolution
# on the shortcut, if the number of channels changes. All convolutions and the Dense layer have a bias.


# %% nbgrader={"grade_id": "answer-parameters", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def resblock_parameters(input_dim, output_dim, embedding_dim):
    """Counts the parameters of a ResBlock.

    Args:
        input_dim: channels that come in.
        output_dim: channels that go out.
        embedding_dim: features of the embedded time.

    Returns:
        The number of parameters, an int.
    """
    ### BEGIN SOLUTION
    norms = 2 * input_dim + 2 * output_dim
    convolutions = 9 * input_dim * output_dim + output_dim + 9 * output_dim * output_dim + output_dim
    dense = embedding_dim * output_dim + output_dim
    projection = input_dim * output_dim + output_dim if input_dim != output_dim else 0
    return norms + convolutions + dense + projection
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# A kernel has as many numbers as its height times its width times the channels that go in times those that go out.
# The first convolution already goes to `output_dim`.
#
# </details>
#
# The two ResBlocks that chapter 3 counted have 2,255,040 and 6,558,080 parameters. Yours:

# %%
try:
    for input_dim, output_dim in ((320, 320), (320, 640)):
        print(f"{input_dim} -> {output_dim}: {resblock_parameters(input_dim, output_dim, 1280):,}")
except NameError as error:
    print(f"There is nothing to show yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to show yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "parameters", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("parameters", resblock_parameters)

# %% [markdown]
# ## 4. Count: how much of it can read?
#
# Text comes into the UNet in the cross-attentions only, and there through the kernels that read the context: their
# number of rows is `context_dim`. How many parameters do all these kernels have together, in the whole UNet?
#
# Guess first: is it more than half of Stable Diffusion 2's parameters, about a tenth, or less? Then go through the three
# flows and count. `first`, `second` and `third` are the widths of the first three levels; the fourth is as wide as the
# third.


# %% nbgrader={"grade_id": "answer-count-text", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def text_parameters(first, second, third, context_dim):
    """Counts the parameters of all kernels that read the text.

    Args:
        first, second, third: channels of the first three levels; the fourth has as many as the third.
        context_dim: features of a token of the text.

    Returns:
        The number of parameters, an int.
    """
    ### BEGIN SOLUTION
    down = 2 * (first + second + third)
    middle = third
    up = 3 * (first + second + third)
    widths = down + middle + up
    return 2 * context_dim * widths
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# The chart of question 2 says how many SpatialTransformers there are. Each has one cross-attention. Which of its four
# Dense layers see the context, and do they have a bias? (Chapter 6.)
#
# </details>
#
# Now measure. The small reference UNet is built twice, for texts of two widths. What the wider one has more of is what
# reads the text:

# %%
try:
    from autograder.reference import TINY, DiffusionModelV2

    narrow, wide = (replace(TINY, context_dim=features) for features in (32, 40))
    more = DiffusionModelV2(64, 64, 7, config=wide, download_weights=False).count_params()
    more -= DiffusionModelV2(64, 64, 7, config=narrow, download_weights=False).count_params()
    print(f"measured {more:,}, counted {text_parameters(*TINY.channels[:3], 40 - 32):,}")
    reading, total = text_parameters(320, 640, 1280, 1024), 865_910_724  # the total as chapter 9 counts it
    print(f"Stable Diffusion 2: {reading:,} of {total:,}, {reading / total:.1%}")
except ImportError:
    print("Nothing is measured while the notebook is graded.")
except NameError as error:
    print(f"There is nothing to show yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to show yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "count-text", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("count-text", text_parameters)

# %% [markdown]
# ## Your UNet draws
#
# Here the whole UNet is yours: built by your `build_unet`, from the course's blocks, with the trained weights of a small
# model. Beside it the reference draws alone, from the same noise.
#
# The first picture takes up to half a minute, most of it before the first step. Half of the steps that the bar
# counts are of your picture, half of the reference's.

# %% nbgrader={"grade_id": "draw", "grade": false, "locked": true, "schema_version": 3, "solution": false, "task": false}
try:
    draw("a large white moon above a purple boat at night", build_unet=build_unet)
except NameError as error:
    print(f"There is nothing to draw yet: {error}. Run the cells above first: their checks say more.")
except Exception as error:
    print(f"There is nothing to draw yet ({type(error).__name__}: {error}). The checks above say more.")

# %% [markdown]
# ## In your words
#
# The time MLP makes 1,280 numbers of 320, and every ResBlock then has a Dense layer of its own for them. Why does each
# ResBlock need its own, when all are told the same time? And why is the time not simply a 78th token of the text? Two or
# three sentences. (This gives no points unless your instructor says so.)

# %% [markdown] nbgrader={"grade_id": "explain", "grade": false, "locked": false, "schema_version": 3, "solution": false, "task": false} autograder={"rubric": {"each ResBlock has channels of its own that the time is to shift in a way of their own": 1, "time concerns every pixel alike, and ResBlocks do not attend to tokens": 1}}
# Write your answer here.

# %% [markdown]
# ## Hand in
#
# Run all cells once more from the top (*Runtime > Restart and run all*), then choose *File > Download > Download
# .ipynb* and hand in the file under the name it has: `09-unet.ipynb`.
#
# Your code may import what Python itself has, and {{ packages }}. Other packages are not there while a notebook is graded.

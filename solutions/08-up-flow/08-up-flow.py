# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercise 8: the middle and the way up
#
# About 45 minutes · difficulty: medium · {{ points }} points · chapter 8, *The middle and the way up*
#
# You wire the right half of the UNet, where **each ResBlock is given one of the kept feature maps**. Then you
# take some of these maps away and see what breaks:
#
# 1. `Upsample`: the layer that doubles height and width (2 points),
# 2. `middle_flow`: three blocks at the smallest size (2 points),
# 3. `up_flow`: four groups of three, back to the latent's size (4 points),
# 4. `without_size`: the kept maps of one size, switched off (2 points).
#
# Fill in the cells that say `write your answer here`, and run the check below each. A check tries your answer in
# several sizes, with random numbers, and tells you what is wrong, not only that it is. You may check as often as you
# like.
#
# *Run all* runs through: a check of what is not written or not right yet says so, and stops nothing.
#
# Run the next cell first, and after each restart. In Colab it installs the course's small package, and nothing else.

# %% nbgrader={"grade_id": "setup", "grade": false, "locked": true, "schema_version": 3, "solution": false, "task": false}
import subprocess
import sys
import warnings

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
import numpy as np
from keras import ops

from autograder.sitting.stand_ins import make_blocks

# A layer may well be built when it is first called; Keras warns of that.
warnings.filterwarnings("ignore", module=r"keras\.")

# %% [markdown]
# ## 1. Twice as large
#
# `Upsample` makes of every pixel a 2x2 square of the same pixel. Then a 3x3 convolution with a bias, which keeps height
# and width (without a stride, Keras' `padding="same"` does), smooths the steps between the squares. Nothing else: no
# normalisation, no activation.


# %% nbgrader={"grade_id": "answer-upsample", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
class Upsample(keras.layers.Layer):
    """Doubles height and width.

    Args:
        channels: channels of the output.

    Call arguments:
        inputs: tensor (batch, height, width, any number of channels).

    Returns:
        Tensor (batch, 2 * height, 2 * width, channels).
    """

    def __init__(self, channels, **kwargs):
        ### BEGIN SOLUTION
        super().__init__(**kwargs)
        self.conv = keras.layers.Conv2D(channels, 3, padding="same")

    def call(self, inputs):
        x = ops.repeat(ops.repeat(inputs, 2, axis=1), 2, axis=2)
        return self.conv(x)

    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# `ops.repeat` repeats each entry along an axis; `ops.tile` repeats the whole array. Height is axis 1, width is axis 2.
# Make the convolution in `__init__`: one that is made in `call` is another one at every call, and no part of your layer.
#
# </details>
#
# See what your layer does: on the left a picture, on the right the same picture through your layer, whose convolution
# was set to pass everything on unchanged. It should show the same in squares of twice the side.

# %%
try:
    picture = np.eye(6, dtype="float32")[None, :, :, None] + np.linspace(0, 1, 6, dtype="float32")[None, None, :, None]
    layer = Upsample(1)
    layer(picture)
    for weight in layer.weights:
        kernel = np.zeros(weight.shape, "float32")
        if kernel.size == 9:
            kernel.ravel()[4] = 1  # the middle of a 3x3 kernel
        weight.assign(kernel)
    figure, (before, after) = plt.subplots(1, 2, figsize=(6, 3), layout="constrained")
    before.imshow(picture[0, ..., 0])
    after.imshow(ops.convert_to_numpy(layer(picture))[0, ..., 0])
    plt.show()
except NameError as error:
    print(f"There is nothing to draw yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to draw yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "upsample", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("upsample", Upsample)

# %% [markdown]
# ## 2. The middle
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
# The middle is a ResBlock, a SpatialTransformer and another ResBlock, all at the width of the fourth level. A
# SpatialTransformer has as many heads as `head_size` fits into the width.


# %% nbgrader={"grade_id": "answer-middle-flow", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def middle_flow(x, t_emb, context, blocks):
    """Wires the middle.

    Args:
        x: tensor (batch, height, width, blocks.channels[3]).
        t_emb: tensor (batch, features), the embedded time.
        context: tensor (batch, tokens, blocks.context_dim), the text.
        blocks: what the flow is made of, see above.

    Returns:
        Tensor of the shape of x.
    """
    ### BEGIN SOLUTION
    width = blocks.channels[3]
    x = blocks.ResBlock(width)([x, t_emb])
    x = blocks.SpatialTransformer(width // blocks.head_size, blocks.head_size, fully_connected=True)([x, context])
    return blocks.ResBlock(width)([x, t_emb])
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Three lines. Make each block where you call it: two ResBlocks are two objects.
#
# </details>

# %% nbgrader={"grade_id": "middle-flow", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("middle-flow", middle_flow)

# %% [markdown]
# ## 3. The way up
#
# Four groups, from the fourth level's width back to the first's. A group is
#
# 1. three times: take the last feature map off the list, concatenate `x` and this map along the channels, in this order,
#    a ResBlock to the level's width, then a SpatialTransformer. The fourth level, where you begin, has no SpatialTransformers.
# 2. once, after the three: `blocks.Upsample` (not the class of question 1), at the level's width. The last group has
#    none.


# %% nbgrader={"grade_id": "answer-up-flow", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def up_flow(x, outputs, t_emb, context, blocks):
    """Wires the way up.

    Args:
        x: tensor (batch, height, width, blocks.channels[3]), what comes out of the middle.
        outputs: list of the 12 kept feature maps, in the order in which the way down made them.
        t_emb: tensor (batch, features), the embedded time.
        context: tensor (batch, tokens, blocks.context_dim), the text.
        blocks: what the flow is made of, see above.

    Returns:
        Tensor (batch, 8 * height, 8 * width, blocks.channels[0]).
    """
    ### BEGIN SOLUTION
    outputs = list(outputs)
    for level in (3, 2, 1, 0):
        width = blocks.channels[level]
        for _ in range(3):
            x = keras.layers.Concatenate()([x, outputs.pop()])
            x = blocks.ResBlock(width)([x, t_emb])
            if level < 3:
                heads = width // blocks.head_size
                x = blocks.SpatialTransformer(heads, blocks.head_size, fully_connected=True)([x, context])
        if level > 0:
            x = blocks.Upsample(width)(x)
    return x
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# The list's `pop` takes the last entry off and gives it to you. `keras.layers.Concatenate()` joins along the last axis.
# If Keras complains that shapes do not match, look which of the two is larger: that tells you whether you enlarged too
# early or too late.
#
# </details>
#
# See what your flow does before you check it: the shapes that you concatenate, at the widths of Stable Diffusion 2.
# Twelve lines, and in each both have the same height and width.

# %%
try:
    blocks = make_blocks(channels=(320, 640, 1280, 1280), head_size=64, latent_channels=4, context_dim=1024)
    maps = [(64, 320)] * 3 + [(32, 320)] + [(32, 640)] * 2 + [(16, 640)] + [(16, 1280)] * 2 + [(8, 1280)] * 3
    kept = [keras.Input((side, side, width)) for side, width in maps]
    told = [keras.Input((1280,)), keras.Input((77, 1024))]
    x = keras.Input((8, 8, 1280))
    y = up_flow(x, list(kept), *told, blocks)
    for layer in keras.Model([x, *kept, *told], y).operations:  # layers, and functions of `keras.ops`
        if type(layer).__name__ == "Concatenate":
            print(" + ".join(f"{part.shape[1]} x {part.shape[2]} x {part.shape[3]}" for part in layer.input))
    print("out:", " x ".join(map(str, y.shape[1:])))
except NameError as error:
    print(f"There is nothing to show yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to show yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "up-flow", "grade": true, "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("up-flow", up_flow)

# %% [markdown]
# ## Your way up draws
#
# Here a small UNet that was trained for this course draws a picture. Its middle and its way up are wired by your
# functions, with your `Upsample` and the course's other blocks in them, and the trained weights. Beside it the reference
# draws alone, from the same noise.
#
# The first picture takes up to half a minute, most of it before the first step. Half of the steps that the bar
# counts are of your picture, half of the reference's.

# %% nbgrader={"grade_id": "draw", "grade": false, "locked": true, "schema_version": 3, "solution": false, "task": false}
try:
    blocks = {"Upsample": Upsample, "middle_flow": middle_flow, "up_flow": up_flow}
    draw("a red flower left of a green house by day", seed=7, **blocks)
except NameError as error:
    print(f"There is nothing to draw yet: {error}. Run the cells above first: their checks say more.")
except Exception as error:
    print(f"There is nothing to draw yet ({type(error).__name__}: {error}). The checks above say more.")

# %% [markdown]
# ## 4. Take something away
#
# What are the kept maps good for? The way to find out is an **ablation**: switch something off, change nothing else, and
# look. Switched off is a map of zeros, so that the way up still finds twelve maps and every shape is as it was.
#
# Write `without_size`: of the twelve maps it switches off those of *one height and width*, and leaves the others as they
# are. Size 0 is the largest, size 3 the smallest. Mind which maps belong together: it is the way up that joins them.


# %% nbgrader={"grade_id": "answer-ablate-skips", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def without_size(outputs, size):
    """Switches off the kept maps of one size.

    Args:
        outputs: list of the 12 kept feature maps, in the order in which the way down made them.
        size: 0 for those of the largest height and width, to 3 for the smallest.

    Returns:
        List of 12 tensors of the same shapes. (The list that was given stays as it is.)
    """
    ### BEGIN SOLUTION
    return [ops.zeros_like(y) if 3 * size <= i < 3 * size + 3 else y for i, y in enumerate(outputs)]
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# The preview of question 3 lists the joins from the last kept map to the first. Read it from below: how many maps are
# there of each size, and where on the list do they stand? `ops.zeros_like` makes zeros in the shape of a tensor.
#
# </details>

# %% nbgrader={"grade_id": "ablate-skips", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("ablate-skips", without_size)

# %% [markdown]
# **Predict before you run the next cell.** Each size of maps is switched off once. Which picture will be spoiled most:
# the one without the largest maps, or the one without the smallest? And what will be wrong with it, the ground, the
# places, the colours or the forms? Then look. (It draws four times, so it takes a minute or two. Of each pair of pictures, one is
# drawn without these maps, the other with all of them. The attribute `without` tells `draw` that this is meant.)

# %%
OFF = (0, 1, 2, 3)  # one picture for each; take another prompt and another seed as well
try:
    for size in OFF:

        def up_flow_without(x, outputs, *told, size=size):
            return up_flow(x, without_size(outputs, size), *told)

        up_flow_without.without = f"the maps of size {size}"  # `draw` says it under the picture
        draw("a red flower left of a green house by day", seed=6, up_flow=up_flow_without)
except NameError as error:
    print(f"There is nothing to draw yet: {error}. Run the cells above first: their checks say more.")
except Exception as error:
    print(f"There is nothing to draw yet ({type(error).__name__}: {error}). The checks above say more.")

# %% [markdown]
# ## In your words
#
# Three maps share the size that the picture needs most. Write a `without_map(outputs, number)` in a cell of your own,
# switch these three off one at a time, and draw. Does one of them carry the picture, or can they stand in for each
# other? Two or three sentences; say also what a single picture cannot tell you. (This gives no points unless your
# instructor says so.)

# %% [markdown] nbgrader={"grade_id": "explain", "grade": false, "locked": false, "schema_version": 3, "solution": false, "task": false} autograder={"rubric": {"describes what each of the three drawings loses, and whether the others stand in": 1, "says that one picture, from one noise, tells nothing certain of others": 1}}
# Write your answer here.

# %% [markdown]
# ## Hand in
#
# Run all cells once more from the top (*Runtime > Restart and run all*), then choose *File > Download > Download
# .ipynb* and hand in the file under the name it has: `08-up-flow.ipynb`.
#
# Your code may import what Python itself has, and {{ packages }}. Other packages are not there while a notebook is graded.

# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercise 7: the way down
#
# About 25 minutes · difficulty: medium · 10 points · chapter 7, *The way down*
#
# You wire the left half of the UNet: four levels, three halvings, and **twelve feature maps that are kept** for the way
# up. There is one question, `down_flow`, for all ten points; the table below it shows you how far you are.
#
# Fill in the cell that says `write your answer here`, and run the check below it. The check tries your answer in two
# sizes, with random numbers, and tells you what is wrong, not only that it is. You may check as often as you like.
#
# `blocks` holds what the flow is made of. You call the classes as you know them from the exercises before:
#
# - `blocks.PaddedConv2D(filters, kernel_size, padding=0, strides=1)`, called on `x`,
# - `blocks.ResBlock(output_dim)`, called on `[x, t_emb]`,
# - `blocks.SpatialTransformer(num_heads, head_size, fully_connected=True)`, called on `[x, context]`,
#
# and it holds the numbers: `blocks.channels` (the widths of the four levels, from the largest picture to the
# smallest) and `blocks.head_size`. Use these instead of typing numbers in: the check comes with other widths than
# Stable Diffusion's.
#
# Two things are special about a **flow**. It is called on `keras.Input` tensors, which have a shape and no values yet,
# so write it with layers and `keras.ops`, not with NumPy. And in this notebook the blocks are light **stand-ins**, with
# the real blocks' interfaces and hardly anything inside: wiring is what this exercise is about.
#
# An unwritten stub raises `NotImplementedError` when its check calls it. *Run all* stops there, and at every check that
# fails: go on with the next cell by hand.
#
# Run the next cell first. In Colab it installs the course's small package and changes nothing else.

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

from autograder.sitting.stand_ins import make_blocks

# A layer may well be built when it is first called; Keras warns of that.
warnings.filterwarnings("ignore", module=r"keras\.")

# %% [markdown]
# ## 1. The way down
#
# The flow begins with a 3x3 convolution, with a padding of 1, that brings the latent to the width of the first level.
# Then come four levels. A level is
#
# 1. twice: a ResBlock to the level's width, then a SpatialTransformer, with as many heads as `head_size` fits into the
#    width. The fourth level has no SpatialTransformers, only the two ResBlocks.
# 2. a 3x3 convolution with stride 2 and a padding of 1, which halves height and width and keeps the level's width. The
#    fourth level has none.
#
# Keep, in this order as they are made, the outputs of the first convolution, of each pair of blocks (of each ResBlock
# on the fourth level) and of each convolution with stride 2: twelve feature maps in all.


# %% nbgrader={"grade_id": "answer-down-flow", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def down_flow(latent, t_emb, context, blocks):
    """Wires the way down.

    Args:
        latent: tensor (batch, height, width, channels of the latent).
        t_emb: tensor (batch, features), the embedded time.
        context: tensor (batch, tokens, features), the text.
        blocks: what the flow is made of, see above.

    Returns:
        x: tensor (batch, height / 8, width / 8, blocks.channels[3]).
        outputs: list of the 12 kept feature maps, in the order in which they were made.
    """
    ### BEGIN SOLUTION
    x = blocks.PaddedConv2D(blocks.channels[0], kernel_size=3, padding=1)(latent)
    outputs = [x]
    for level, width in enumerate(blocks.channels):
        for _ in range(2):
            x = blocks.ResBlock(width)([x, t_emb])
            if level < 3:
                heads = width // blocks.head_size
                x = blocks.SpatialTransformer(heads, blocks.head_size, fully_connected=True)([x, context])
            outputs.append(x)
        if level < 3:
            x = blocks.PaddedConv2D(width, kernel_size=3, padding=1, strides=2)(x)
            outputs.append(x)
    return x, outputs
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Begin without the list and without the halvings: `enumerate(blocks.channels)` gives you a level's number and its width.
# A loop that makes its blocks *inside* makes new ones each time around. Then add what is special about the last level.
#
# </details>
#
# See what your flow does before you check it, at the widths of Stable Diffusion 2: twelve lines, the first with 64x64
# pixels, the last with 8x8. (That is free: a stand-in has no weights.)

# %%
try:
    blocks = make_blocks(channels=(320, 640, 1280, 1280), head_size=64, latent_channels=4, context_dim=1024)
    x, outputs = down_flow(keras.Input((64, 64, 4)), keras.Input((1280,)), keras.Input((77, 1024)), blocks)
    for number, kept in enumerate(outputs):
        height, width, channels = kept.shape[1:]
        print(f"{number:2}  {height:2} x {width:2} x {channels:4}  {'#' * height}")
    print("x  ", " x ".join(map(str, x.shape[1:])))
except Exception as error:
    print(f"There is nothing to show yet ({type(error).__name__}). The check below says why.")

# %% nbgrader={"grade_id": "down-flow", "grade": true, "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
check("down-flow", down_flow)

# %% [markdown]
# ## Your way down draws
#
# Here a small UNet that was trained for this course draws a picture. Its way down is wired by your function, with the
# course's blocks and their trained weights in it; the rest is the course's. Beside it the reference draws alone, from
# the same noise.
#
# The first picture takes up to half a minute, most of it before the first step. Half of the steps that the bar
# counts are of your picture, half of the reference's.

# %% nbgrader={"grade_id": "draw", "grade": false, "locked": true, "schema_version": 3, "solution": false, "task": false}
try:
    draw("a red circle left of a white cross on black", down_flow=down_flow)
except Exception as error:
    print(f"There is nothing to draw yet ({type(error).__name__}). The checks above say why.")

# %% [markdown]
# ## In your words
#
# The feature map that a stride-2 convolution makes goes on to the next level *and* is kept. What would the way up miss
# if it were not kept, and why would nothing on the way down complain? Two or three sentences. (This gives no points
# unless your instructor says so.)

# %% [markdown] nbgrader={"grade_id": "explain", "grade": false, "locked": false, "schema_version": 3, "solution": false, "task": false}
# Write your answer here.

# %% [markdown]
# ## Hand in
#
# Run all cells once more from the top (*Runtime > Restart and run all*), then choose *File > Download > Download
# .ipynb* and hand in the file under the name it has: `07-down-flow.ipynb`.
#
# Your code may import what Python itself has, and {{ packages }}. Other packages are not there while a notebook is graded.

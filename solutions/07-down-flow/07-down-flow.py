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
# About 35 minutes · difficulty: medium · {{ points }} points · chapter 7, *The way down*
#
# You wire the left half of the UNet: four levels, three halvings, and **twelve feature maps that are kept** for the way
# up. It grows from the inside out:
#
# 1. `attention_cost`: a prediction. What would attention cost if the picture were not made smaller? (2 points),
# 2. `down_pair`: two blocks (2 points),
# 3. `down_level`: a level, with the feature maps that it keeps (3 points),
# 4. `down_flow`: the whole way down (3 points).
#
# Fill in the cells that say `write your answer here`, and run the check below each. A check tries your answer in
# several sizes, with random numbers, and tells you what is wrong, not only that it is. How you write a function is up
# to you: only what it computes counts. You may check as often as you like.
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

from autograder.sitting.stand_ins import make_blocks

# A layer may well be built when it is first called; Keras warns of that.
warnings.filterwarnings("ignore", module=r"keras\.")

# %% [markdown]
# ## 1. Predict: what attention costs
#
# Chapter 7 says that the way down makes attention affordable. How much does it matter? Take one feature map, and
# count multiplications of two numbers, nothing else:
#
# - in a 3x3 convolution from all channels to as many channels,
# - in the two matrix products of one self-attention: queries with keys, and weights with values, all heads together.
#   (Leave its Dense layers and its softmax out. The heads together have as many features as there are channels.)
#
# How many *times* as many multiplications as the convolution does the attention need? Say first what you expect at
# 64x64 pixels with 320 channels, and at 8x8 pixels with 1,280. Then write the formula.


# %% nbgrader={"grade_id": "answer-guess-attention-cost", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def attention_cost(height, width, channels):
    """Multiplications of the two products of a self-attention, for each multiplication of a 3x3 convolution.

    Args:
        height, width: of the feature map, in pixels.
        channels: of the feature map.

    Returns:
        A number; above 1 the attention costs more.
    """
    ### BEGIN SOLUTION
    pixels = height * width
    products = 2 * pixels * pixels * channels
    convolution = 9 * pixels * channels * channels
    return products / convolution
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# A score is a dot product over the D features of a head, so it takes D multiplications; how many scores are there? A
# number of the convolution's result is a sum over nine pixels and all channels; how many such numbers are there? Then
# see what cancels.
#
# </details>
#
# Now look: the four levels of Stable Diffusion 2, as they are, and as they would be if no level halved the picture.

# %%
try:
    for level, channels in enumerate((320, 640, 1280, 1280)):
        side = 64 >> level
        halved, whole = attention_cost(side, side, channels), attention_cost(64, 64, channels)
        print(f"level {level}: {side:2} x {side:<2} {halved:5.3f} convolutions;  64 x 64 {whole:5.3f} convolutions")
except NameError as error:
    print(f"There is nothing to show yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to show yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "guess-attention-cost", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("guess-attention-cost", attention_cost)

# %% [markdown]
# All but one factor of the channels cancels. What decides is how many pixels there are *for each channel*, and a level
# that halves the sides and doubles the channels divides that by eight.
#
# ## 2. A pair of blocks
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
# A pair is a ResBlock to the level's width, then a SpatialTransformer, with as many heads as `head_size` fits into the
# width. The fourth level has no SpatialTransformers, only the ResBlock. Levels are counted from 0.


# %% nbgrader={"grade_id": "answer-down-pair", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def down_pair(x, t_emb, context, level, blocks):
    """Wires a ResBlock and, except on the fourth level, a SpatialTransformer.

    Args:
        x: tensor (batch, height, width, any number of channels).
        t_emb: tensor (batch, features), the embedded time.
        context: tensor (batch, tokens, features), the text.
        level: number of the level, 0 to 3.
        blocks: what the flow is made of, see above.

    Returns:
        Tensor (batch, height, width, blocks.channels[level]).
    """
    ### BEGIN SOLUTION
    width = blocks.channels[level]
    x = blocks.ResBlock(width)([x, t_emb])
    if level < 3:
        heads = width // blocks.head_size
        x = blocks.SpatialTransformer(heads, blocks.head_size, fully_connected=True)([x, context])
    return x
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Three lines for the first three levels: the width, the ResBlock, the SpatialTransformer. The number of heads is a whole
# number, so divide with `//`. Then leave one of the lines out on the fourth level, whose number is 3.
#
# </details>

# %% nbgrader={"grade_id": "down-pair", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("down-pair", down_pair)

# %% [markdown]
# ## 3. A level
#
# A level is
#
# 1. two pairs, each with blocks of its own,
# 2. a 3x3 convolution with stride 2 and a padding of 1, which halves height and width and keeps the level's width. The
#    fourth level has none.
#
# What each pair makes is kept, and what the convolution makes is kept, in the order in which they are made.


# %% nbgrader={"grade_id": "answer-down-level", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def down_level(x, t_emb, context, level, blocks):
    """Wires one level of the way down.

    Args:
        x: tensor (batch, height, width, any number of channels), what comes into the level.
        t_emb, context, level, blocks: as of `down_pair`.

    Returns:
        x: tensor (batch, height / 2, width / 2, blocks.channels[level]); on the fourth level its sides stay.
        kept: list of the level's kept feature maps: 3, on the fourth level 2. The last one is x.
    """
    ### BEGIN SOLUTION
    kept = []
    for _ in range(2):
        x = down_pair(x, t_emb, context, level, blocks)
        kept.append(x)
    if level < 3:
        x = blocks.PaddedConv2D(blocks.channels[level], kernel_size=3, padding=1, strides=2)(x)
        kept.append(x)
    return x, kept
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Begin with the two pairs and an empty list. A block is made anew wherever its class is called, so calling `down_pair`
# twice makes blocks twice. Then add the convolution, and last what is special about the fourth level.
#
# </details>

# %% nbgrader={"grade_id": "down-level", "grade": true, "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false} autograder={"uses": ["down-pair"]}
check("down-level", down_level)

# %% [markdown]
# ## 4. The whole way down
#
# The flow begins with a 3x3 convolution, with a padding of 1, that brings the latent to the width of the first level.
# Its output is kept, too: it is the first on the list. Then come the four levels.


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
    for level in range(4):
        x, kept = down_level(x, t_emb, context, level, blocks)
        outputs += kept
    return x, outputs
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# What a level returns first is what the next one begins with. Its list goes after the list that you have:
# `outputs + kept` joins two lists, while `append` would put a list into the list.
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
except NameError as error:
    print(f"There is nothing to show yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to show yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "down-flow", "grade": true, "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false} autograder={"uses": ["down-level"]}
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
    draw("a yellow star above a blue house in snow", down_flow=down_flow)
except NameError as error:
    print(f"There is nothing to draw yet: {error}. Run the cells above first: their checks say more.")
except Exception as error:
    print(f"There is nothing to draw yet ({type(error).__name__}: {error}). The checks above say more.")

# %% [markdown]
# ## In your words
#
# Someone wants pictures of 1024x1024 pixels from this UNet, so the latent has sides of 128. What becomes of the two costs
# of question 1 at the first level? What would you change to pay for it, and what would be lost with it? Two or three
# sentences. (This gives no points unless your instructor says so.)

# %% [markdown] nbgrader={"grade_id": "explain", "grade": false, "locked": false, "schema_version": 3, "solution": false, "task": false} autograder={"rubric": {"four times as many pixels: the convolution costs 4 times as much, self-attention 16 times": 1, "names a change and what it loses, such as pixels far apart that no longer agree": 1}}
# Write your answer here.

# %% [markdown]
# ## Hand in
#
# Run all cells once more from the top (*Runtime > Restart and run all*), then choose *File > Download > Download
# .ipynb* and hand in the file under the name it has: `07-down-flow.ipynb`.
#
# Your code may import what Python itself has, and {{ packages }}. Other packages are not there while a notebook is graded.

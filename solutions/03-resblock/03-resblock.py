# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercise 3: the ResBlock
#
# About 25 minutes · difficulty: medium · 10 points · chapter 3, *ResBlock*
#
# You write the block that Stable Diffusion's UNet uses 22 times: two normalised convolutions, a shortcut around them,
# and, between them, the only place where the network learns **what time it is**. Three questions climb to it:
#
# 1. `broadcast_embedding`: give an embedding the axes it needs to meet a picture (2 points),
# 2. `ResBlock` with as many channels out as in (4 points),
# 3. the same `ResBlock` where the number of channels changes (4 points).
#
# Fill in the cells that say `write your answer here`, and run the check below each. A check tries your answer in
# several sizes, with random numbers, and tells you what is wrong, not only that it is. How you write the block is up
# to you: only what it computes counts. You may check as often as you like.
#
# An unwritten stub raises `NotImplementedError`: a class in its own cell, a function when its check calls it. *Run all*
# stops there, and at every check that fails: go on with the next cell by hand.
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
import matplotlib.pyplot as plt
import numpy as np
from keras import ops

# A layer may well be built when it is first called; Keras warns of that.
warnings.filterwarnings("ignore", module=r"keras\.")

# %% [markdown]
# ## 1. Two new axes
#
# The time embedding is one vector for each picture, `(batch, features)`. A feature map is
# `(batch, height, width, channels)`. To add one to the other, the embedding needs two axes of length 1 where the
# picture has height and width; broadcasting then repeats the numbers over all pixels.


# %% nbgrader={"grade_id": "answer-broadcast-embedding", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def broadcast_embedding(embeddings):
    """Gives an embedding the axes of a feature map.

    Args:
        embeddings: tensor of shape (batch, features).

    Returns:
        The same values in shape (batch, 1, 1, features).
    """
    ### BEGIN SOLUTION
    return embeddings[:, None, None]
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Indexing with `None` inserts an axis of length 1 at that place. Count which axes of the result are new.
#
# </details>

# %% nbgrader={"grade_id": "broadcast-embedding", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("broadcast-embedding", broadcast_embedding)

# %% [markdown]
# ## 2. The block
#
# Called on a list of two tensors, `x` and `t_emb`, the block computes
#
# $$h = \mathrm{conv}_1(\mathrm{swish}(\mathrm{norm}_1(x))) + \mathrm{dense}(\mathrm{swish}(t))$$
#
# $$y = \mathrm{conv}_2(\mathrm{swish}(\mathrm{norm}_2(h))) + \mathrm{shortcut}(x)$$
#
# where
#
# - $\mathrm{norm}$ is group normalisation in 32 groups, Keras' default number, with an epsilon of 1e-5,
# - $\mathrm{swish}(a) = a \cdot \mathrm{sigmoid}(a)$,
# - $\mathrm{conv}$ is a 3x3 convolution that keeps height and width (without a stride, Keras' `padding="same"` does),
# - $\mathrm{dense}$ brings $t$ to `output_dim` features, which your `broadcast_embedding` adds to every pixel,
# - $\mathrm{shortcut}(x)$ is $x$ itself, as long as `x` has `output_dim` channels already.
#
# If you want to take both questions in one go, look at question 3 before you start: it asks for one more layer.


# %% nbgrader={"grade_id": "answer-resblock-same", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
class ResBlock(keras.layers.Layer):
    """A residual block that knows the time.

    Args:
        output_dim: channels of the output.

    Call arguments:
        inputs: list of x (batch, height, width, channels) and t_emb (batch, features).

    Returns:
        Tensor (batch, height, width, output_dim).
    """

    ### BEGIN SOLUTION
    def __init__(self, output_dim, **kwargs):
        super().__init__(**kwargs)
        self.output_dim = output_dim
        self.norm1 = keras.layers.GroupNormalization(epsilon=1e-5)
        self.conv1 = keras.layers.Conv2D(output_dim, 3, padding="same")
        self.dense = keras.layers.Dense(output_dim)
        self.norm2 = keras.layers.GroupNormalization(epsilon=1e-5)
        self.conv2 = keras.layers.Conv2D(output_dim, 3, padding="same")
        self.projection = keras.layers.Conv2D(output_dim, 1)

    def call(self, inputs):
        x, t_emb = inputs
        h = self.conv1(ops.silu(self.norm1(x)))
        h = h + broadcast_embedding(self.dense(ops.silu(t_emb)))
        h = self.conv2(ops.silu(self.norm2(h)))
        shortcut = x if x.shape[-1] == self.output_dim else self.projection(x)
        return h + shortcut

    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Make the layers in `__init__`, use them in `call`. Each of the two flows has its own normalisation and its own
# convolution. The output of the first flow already has `output_dim` channels.
#
# </details>
#
# See what your block does before you check it: on the left the input's channels 0 to 3, each with a square in it (blue
# is above 0, red below), on the right the output's. A block with fresh weights changes every pixel, and the squares show
# through, because of the shortcut.

# %%
try:
    picture = np.zeros((1, 16, 16, 64), "float32")
    picture[:, 4:12, 4:12] = np.tile([2, -2, 1, -1], 16)  # a square in every channel
    output = ops.convert_to_numpy(ResBlock(64)([picture, np.ones((1, 256), "float32")]))
    figure, axes = plt.subplots(1, 8, figsize=(10, 1.6), layout="constrained")
    for channel in range(4):
        axes[channel].imshow(picture[0, ..., channel], cmap="RdBu", vmin=-2, vmax=2)
        axes[channel + 4].imshow(output[0, ..., channel], cmap="RdBu", vmin=-2, vmax=2)
        axes[channel].set_title(f"in {channel}", fontsize=9)
        axes[channel + 4].set_title(f"out {channel}", fontsize=9)
    for axis in axes:
        axis.set_axis_off()
    plt.show()
except Exception as error:
    print(f"There is nothing to draw yet ({type(error).__name__}). The check below says why.")

# %% nbgrader={"grade_id": "resblock-same", "grade": true, "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("resblock-same", ResBlock)

# %% [markdown]
# ## 3. When the number of channels changes
#
# Where `x` does not have `output_dim` channels, it cannot be added to the output as it is. There, and only there, the
# shortcut is a convolution with a 1x1 kernel: at every pixel by itself, it mixes the old channels into the new ones.
# Go back to your class and teach it that; then check it here. (Nothing new needs to be written in this section.)

# %% nbgrader={"grade_id": "resblock-project", "grade": true, "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("resblock-project", ResBlock)

# %% [markdown]
# ## How big is it?
#
# Count your block's parameters at the two widths that Stable Diffusion 2 starts with. Chapter 3 derives the numbers.

# %%
try:
    for channels, output_dim in ((320, 320), (320, 640)):
        block = ResBlock(output_dim)
        block([np.zeros((1, 8, 8, channels), "float32"), np.zeros((1, 1280), "float32")])
        print(f"ResBlock {channels} -> {output_dim}: {block.count_params():,} parameters")
except Exception as error:
    print(f"There is nothing to count yet ({type(error).__name__}). The check above says why.")

# %% [markdown]
# ## Your block draws
#
# Here a small UNet that was trained for this course draws a picture. It has 22 ResBlocks as Stable Diffusion's has, and
# here all of them are yours, with the trained weights in them; everything else is the reference's. Beside it the
# reference draws alone, from the same noise. Try other prompts and seeds: one or two of `circle`, `square`, `triangle`
# and `cross`, in colours, `above`, `below`, `left of` or `right of` each other, `on` a background.
#
# The first picture takes up to half a minute, most of it before the first step. Half of the steps that the bar
# counts are of your picture, half of the reference's.

# %% nbgrader={"grade_id": "draw", "grade": false, "locked": true, "schema_version": 3, "solution": false, "task": false}
try:
    draw("a red circle left of a white cross on black", ResBlock=ResBlock)
except Exception as error:
    print(f"There is nothing to draw yet ({type(error).__name__}). The checks above say why.")

# %% [markdown]
# ## In your words
#
# A ResBlock adds the time embedding *before* its second normalisation. With as many groups as channels, that
# normalisation would take it away again. Why, and why does it not with 32 groups of several channels? Two or three
# sentences. (This gives no points unless your instructor says so.)

# %% [markdown] nbgrader={"grade_id": "explain", "grade": false, "locked": false, "schema_version": 3, "solution": false, "task": false}
# Write your answer here.

# %% [markdown]
# ## Hand in
#
# Run all cells once more from the top (*Runtime > Restart and run all*), then choose *File > Download > Download
# .ipynb* and hand in the file under the name it has: `03-resblock.ipynb`.
#
# Your code may import what Python itself has, and {{ packages }}. Other packages are not there while a notebook is graded.

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
# About 35 minutes · difficulty: medium · {{ points }} points · chapter 3, *ResBlock*
#
# You write the block that Stable Diffusion's UNet uses 22 times: two normalised convolutions, a shortcut around them,
# and, between them, the only place where the network learns **what time it is**. You make it of small pieces, each with
# a check of its own:
#
# 1. `broadcast_embedding`: give an embedding the axes it needs to meet a picture (1 point),
# 2. `group_norm`: find the fault. A colleague's normalisation runs, and draws wrong (2 points),
# 3. `NormSwishConv`: one half of the block (2 points),
# 4. `TimeShift`: the time, added (1 point),
# 5. `ResBlock` of these pieces, with as many channels out as in (2 points),
# 6. the same `ResBlock` where the number of channels changes (2 points).
#
# Fill in the cells that say `write your answer here`, and run the check below each. A check tries your answer in
# several sizes, with random numbers, and tells you what is wrong, not only that it is. How you write the block is up
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

# %% nbgrader={"grade_id": "broadcast-embedding", "grade": true, "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check("broadcast-embedding", broadcast_embedding)

# %% [markdown]
# ## 2. Find the fault
#
# Before each convolution the block normalises: the channels are split into groups of neighbours, and every group of a
# picture gets a mean of 0 and a variance of 1. A colleague wrote that by hand. It runs, its shapes are right, and the
# numbers that come out do have a mean of 0 and a variance of 1. And yet it is wrong. Here it is, and a picture of what it
# does: a faint square, once alone in a batch, once beside a strong one.


# %%
def colleagues_group_norm(x, groups):
    batch, height, width, channels = x.shape
    grouped = ops.reshape(x, (batch, height, width, groups, channels // groups))
    mean = ops.mean(grouped, axis=(0, 1, 2, 4), keepdims=True)
    variance = ops.var(grouped, axis=(0, 1, 2, 4), keepdims=True)
    return ops.reshape((grouped - mean) / ops.sqrt(variance + 1e-5), x.shape)


square = np.zeros((1, 16, 16, 4), "float32")
square[:, 4:12, 4:12] = 1
faint, strong = 0.2 * square, 9 * square


def show_normalised(function):
    alone = function(ops.convert_to_tensor(faint), 2)
    together = function(ops.convert_to_tensor(np.concatenate([faint, strong])), 2)
    pictures = {"faint, alone": alone[0], "faint, beside a strong one": together[0], "the strong one": together[1]}
    _, axes = plt.subplots(1, 3, figsize=(7, 2.4), layout="constrained")
    for axis, (title, picture) in zip(axes, pictures.items(), strict=True):
        axis.imshow(ops.convert_to_numpy(picture)[..., 0], cmap="RdBu", vmin=-2, vmax=2)
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
    plt.show()


show_normalised(colleagues_group_norm)

# %% [markdown]
# What should the second picture look like? Find the fault, and write the function without it. (Copy the colleague's
# lines and mend them, or write your own.)


# %% nbgrader={"grade_id": "answer-fault-group-norm", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def group_norm(x, groups):
    """Normalises each group of channels of each picture to mean 0 and variance 1.

    Args:
        x: tensor (batch, height, width, channels).
        groups: number of groups of neighbouring channels; it divides channels.

    Returns:
        Tensor of the shape of x. 1e-5 is added to the variance before the root is taken.
    """
    ### BEGIN SOLUTION
    batch, height, width, channels = x.shape
    grouped = ops.reshape(x, (batch, height, width, groups, channels // groups))
    mean = ops.mean(grouped, axis=(1, 2, 4), keepdims=True)
    variance = ops.var(grouped, axis=(1, 2, 4), keepdims=True)
    return ops.reshape((grouped - mean) / ops.sqrt(variance + 1e-5), x.shape)
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# The faint square comes out differently beside a strong one: something is shared between the pictures that should be
# each picture's own. What do the five axes of `grouped` stand for, and over which of them may a mean be taken?
#
# </details>
#
# Look at yours:

# %%
try:
    show_normalised(group_norm)
except NameError as error:
    print(f"There is nothing to draw yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to draw yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "fault-group-norm", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("fault-group-norm", group_norm)

# %% [markdown]
# ## 3. One half of the block
#
# The block does the same three things twice: normalise, activate, convolve. Write them once, as a layer
# `NormSwishConv(filters)`:
#
# - group normalisation in 32 groups, Keras' default number, with an epsilon of 1e-5. Take Keras' own
#   `GroupNormalization`, which is right, fast, and has a factor and an offset to learn for each channel,
# - $\mathrm{swish}(a) = a \cdot \mathrm{sigmoid}(a)$, which is `ops.silu`,
# - a 3x3 convolution to `filters` channels that keeps height and width (without a stride, Keras' `padding="same"` does).


# %% nbgrader={"grade_id": "answer-norm-swish-conv", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
class NormSwishConv(keras.layers.Layer):
    """One half of a ResBlock: normalise, activate, convolve.

    Args:
        filters: channels of the output.

    Call arguments:
        inputs: tensor (batch, height, width, channels).

    Returns:
        Tensor (batch, height, width, filters).
    """

    def __init__(self, filters, **kwargs):
        ### BEGIN SOLUTION
        super().__init__(**kwargs)
        self.norm = keras.layers.GroupNormalization(epsilon=1e-5)
        self.conv = keras.layers.Conv2D(filters, 3, padding="same")

    def call(self, inputs):
        return self.conv(ops.silu(self.norm(inputs)))

    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# `__init__` begins with that of `super()`, to which the `**kwargs` go on, and makes the two layers that have weights. Then
# comes a method `call`, which is given `inputs` and uses them, in the order of the list above.
#
# </details>

# %% nbgrader={"grade_id": "norm-swish-conv", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("norm-swish-conv", NormSwishConv)

# %% [markdown]
# ## 4. The time, added
#
# `TimeShift(filters)` is called on a list of two tensors, a feature map $x$ with `filters` channels and the time embedding
# $t$, and computes $x + \mathrm{dense}(\mathrm{swish}(t))$: the Dense layer brings $t$ to `filters` features, and your
# `broadcast_embedding` lets them meet every pixel.


# %% nbgrader={"grade_id": "answer-time-shift", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
class TimeShift(keras.layers.Layer):
    """Adds the time to a feature map.

    Args:
        filters: channels of the feature map.

    Call arguments:
        inputs: list of x (batch, height, width, filters) and t_emb (batch, features).

    Returns:
        Tensor (batch, height, width, filters).
    """

    def __init__(self, filters, **kwargs):
        ### BEGIN SOLUTION
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(filters)

    def call(self, inputs):
        x, t_emb = inputs
        return x + broadcast_embedding(self.dense(ops.silu(t_emb)))

    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Take the list apart first, a name for each of its two tensors. Only the embedding goes through the swish and the Dense
# layer.
#
# </details>

# %% nbgrader={"grade_id": "time-shift", "grade": true, "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false} autograder={"uses": ["broadcast-embedding"]}
check("time-shift", TimeShift)

# %% [markdown]
# ## 5. The block
#
# Now put them together. Called on a list of two tensors, `x` and `t_emb`, the block computes
#
# $$h = \mathrm{half}_1(x) + \mathrm{dense}(\mathrm{swish}(t)), \qquad y = \mathrm{half}_2(h) + \mathrm{shortcut}(x)$$
#
# Each half is a `NormSwishConv` of its own, with weights of its own. $\mathrm{shortcut}(x)$ is $x$ itself, as long as `x`
# has `output_dim` channels already. (If you want to take both questions in one go, look at question 6 before you start:
# it asks for one more layer.)


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

    def __init__(self, output_dim, **kwargs):
        ### BEGIN SOLUTION
        super().__init__(**kwargs)
        self.output_dim = output_dim
        self.first = NormSwishConv(output_dim)
        self.time = TimeShift(output_dim)
        self.second = NormSwishConv(output_dim)
        self.projection = keras.layers.Conv2D(output_dim, 1)

    def call(self, inputs):
        x, t_emb = inputs
        h = self.second(self.time([self.first(x), t_emb]))
        shortcut = x if x.shape[-1] == self.output_dim else self.projection(x)
        return h + shortcut

    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Make the pieces in `__init__`, use them in `call`: two `NormSwishConv`, one `TimeShift`. The output of the first half
# already has `output_dim` channels. Keep `x` for the end.
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
except NameError as error:
    print(f"There is nothing to draw yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to draw yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "resblock-same", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false} autograder={"uses": ["norm-swish-conv", "time-shift"]}
check("resblock-same", ResBlock)

# %% [markdown]
# ## 6. When the number of channels changes
#
# Where `x` does not have `output_dim` channels, it cannot be added to the output as it is. There, and only there, the
# shortcut is a convolution with a 1x1 kernel: at every pixel by itself, it mixes the old channels into the new ones.
# Go back to your class and teach it that; then check it here. (Nothing new needs to be written in this section.)

# %% nbgrader={"grade_id": "resblock-project", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false} autograder={"uses": ["norm-swish-conv", "time-shift"]}
check("resblock-project", ResBlock)

# %% [markdown]
# ## How big is it?
#
# Count your block's parameters at the two widths that Stable Diffusion 2 starts with. Chapter 3 has both numbers, and
# derives the first.

# %%
try:
    for channels, output_dim in ((320, 320), (320, 640)):
        block = ResBlock(output_dim)
        block([np.zeros((1, 8, 8, channels), "float32"), np.zeros((1, 1280), "float32")])
        print(f"ResBlock {channels} -> {output_dim}: {block.count_params():,} parameters")
except NameError as error:
    print(f"There is nothing to count yet: {error}. Run the cells above first: their checks say more.")
except Exception as error:
    print(f"There is nothing to count yet ({type(error).__name__}: {error}). The check above says more.")

# %% [markdown]
# ## Your block draws
#
# Here a small UNet that was trained for this course draws a picture. It has 22 ResBlocks as Stable Diffusion's has, and
# here all of them are yours, with the trained weights in them; everything else is the reference's. Beside it the
# reference draws alone, from the same noise. Try other prompts and seeds. The model knows these things: `house`, `tree`,
# `boat`, `sun`, `moon`, `star`, `cloud`, `fish`, `flower` and `balloon`; each has a colour (`red`, `yellow`, `green`,
# `blue`, `purple`, `white`), and it may be `small` or `large`. The first one may stand `above`, `below`, `left of` or
# `right of` a second, and so on to a third: "a red fish left of a green tree and below a white moon". The scene is `by
# day`, `at night`, `at sunset`, `at sea` or `in snow`.
#
# The first picture takes up to half a minute, most of it before the first step. Half of the steps that the bar
# counts are of your picture, half of the reference's.

# %% nbgrader={"grade_id": "draw", "grade": false, "locked": true, "schema_version": 3, "solution": false, "task": false}
try:
    draw("a red boat below a yellow moon at night", seed=7, ResBlock=ResBlock)
except NameError as error:
    print(f"There is nothing to draw yet: {error}. Run the cells above first: their checks say more.")
except Exception as error:
    print(f"There is nothing to draw yet ({type(error).__name__}: {error}). The checks above say more.")

# %% [markdown]
# ## In your words
#
# When it draws, the UNet is often shown the same latent twice in one batch: once with your prompt, once with an empty one.
# (Chapter 10 says what for.) What would the colleague's `group_norm` do to the two? And why might nobody notice in
# training, where a batch has hundreds of pictures? Two or three sentences. (This gives no points unless your instructor
# says so.)

# %% [markdown] nbgrader={"grade_id": "explain", "grade": false, "locked": false, "schema_version": 3, "solution": false, "task": false} autograder={"rubric": {"the two are normalised together, so what one prompt draws depends on the other one": 1, "over hundreds of pictures the shared mean and variance hardly change from batch to batch": 1}}
# Write your answer here.

# %% [markdown]
# ## Hand in
#
# Run all cells once more from the top (*Runtime > Restart and run all*), then choose *File > Download > Download
# .ipynb* and hand in the file under the name it has: `03-resblock.ipynb`.
#
# Your code may import what Python itself has, and {{ packages }}. Other packages are not there while a notebook is graded.

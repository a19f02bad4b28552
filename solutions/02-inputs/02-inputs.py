# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercise 2: what goes in
#
# About 30 minutes · difficulty: medium · {{ points }} points · chapter 2, *What goes in: latent, time and text*
#
# Before the first ResBlock sees anything, the UNet's inputs are prepared. You write the three pieces that do it, and make
# a prediction:
#
# 1. `timestep_embedding`: one number, the time, as many sines and cosines (3 points),
# 2. `PaddedConv2D`: the convolution that first touches the latent, and later halves it (3 points),
# 3. `first_column`: a prediction. Where does Keras' own padding look? (2 points),
# 4. `TimeEmbedding`: the small network between the sines and the ResBlocks (2 points).
#
# Fill in the cells that say `write your answer here`, and run the check below each. A check tries your answer in
# several sizes, with random numbers, and tells you what is wrong, not only that it is. How you write the answer is up
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

from autograder import check  # first: it keeps the libraries' start-up messages away

import math

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import ops

# A layer may well be built when it is first called; Keras warns of that.
warnings.filterwarnings("ignore", module=r"keras\.")

# %% [markdown]
# ## 1. The time as sines and cosines
#
# A timestep $t$ is one number from 0 to 999. The UNet gets it as `dim` numbers: with `half` = `dim // 2` frequencies
#
# $$\omega_i = P^{-i / \mathrm{half}}, \qquad i = 0, 1, \ldots, \mathrm{half} - 1$$
#
# where $P$ is `max_period`, first come the cosines of all $\omega_i t$, then the sines of all $\omega_i t$.


# %% nbgrader={"grade_id": "answer-timestep-embedding", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def timestep_embedding(timesteps, dim=320, max_period=10000):
    """Turns each timestep into cosines and sines.

    Args:
        timesteps: float tensor of shape (batch,), from 0 to 999.
        dim: how many numbers to make of each timestep; even.
        max_period: the frequencies fall from 1 to nearly 1 / max_period, by the same factor each time.

    Returns:
        Tensor of shape (batch, dim): the cosines in the first half, the sines in the second.
    """
    ### BEGIN SOLUTION
    half = dim // 2
    frequencies = np.exp(-np.log(max_period) * np.arange(half) / half).astype("float32")
    angles = ops.cast(timesteps, "float32")[:, None] * frequencies
    return ops.concatenate([ops.cos(angles), ops.sin(angles)], axis=-1)
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Make the frequencies first, an array `(half,)`. Every timestep meets every frequency: give the timesteps a second
# axis, and broadcasting makes the angles, `(batch, half)`. `np.exp(-np.log(P) * ...)` is a safe way to write the power.
# Should you count with `ops.arange`, give it `dtype="float32"`: without, it makes integers, and integers divided give
# float64 (TensorFlow calls it "double"), which does not mix with float32.
#
# </details>
#
# See what it looks like: one row for each timestep. On the left of each half the numbers change quickly with the
# time, on the right slowly, like the hands of a clock.

# %%
try:
    rows = ops.convert_to_numpy(timestep_embedding(np.arange(0, 1000, 5, dtype="float32"), dim=64))
    plt.figure(figsize=(6, 3.2), layout="constrained")
    plt.imshow(rows, aspect="auto", cmap="RdBu", vmin=-1, vmax=1, extent=(0, 64, 1000, 0), interpolation="nearest")
    plt.xlabel("number in the embedding")
    plt.ylabel("timestep")
    plt.colorbar()
    plt.show()
except NameError as error:
    print(f"There is nothing to draw yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to draw yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "timestep-embedding", "grade": true, "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("timestep-embedding", timestep_embedding)

# %% [markdown]
# ## 2. The padded convolution
#
# Every convolution of this UNet puts a number of zeros around the picture itself, the same number on all four sides,
# and then convolves without any further padding. Keras' `padding="same"` often does that too, but not always: the
# chapter shows where it does not.
#
# The layer is made as `PaddedConv2D(filters, kernel_size, padding=0, strides=1)`: keep that order. It has a kernel and a
# bias, and no activation.


# %% nbgrader={"grade_id": "answer-padded-conv", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
class PaddedConv2D(keras.layers.Layer):
    """A convolution of a picture with zeros around it.

    Args:
        filters: channels of the output.
        kernel_size: side of the square kernel.
        padding: how many zeros to put on each side of the picture; 0 if it is not given.
        strides: step of the kernel along height and width; 1 if it is not given.

    Call arguments:
        inputs: tensor (batch, height, width, channels).

    Returns:
        Tensor (batch, (height + 2 padding - kernel_size) // strides + 1, likewise for the width, filters).
    """

    def __init__(self, filters, kernel_size, padding=0, strides=1, **kwargs):
        ### BEGIN SOLUTION
        super().__init__(**kwargs)
        self.pad = keras.layers.ZeroPadding2D(padding)
        self.conv = keras.layers.Conv2D(filters, kernel_size, strides=strides)

    def call(self, inputs):
        return self.conv(self.pad(inputs))

    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Two of Keras' layers, one after the other: one that pads with zeros, and one that convolves what it gets as it is.
#
# </details>
#
# See which pixel each output looks at. The picture below holds at every pixel the number of its column, and the kernel
# copies the pixel at its centre.


# %%
def columns_seen(layer, side):
    """The column under the centre of the kernel, for each output of a layer of one channel."""
    columns = np.broadcast_to(np.arange(side, dtype="float32")[:, None], (1, side, side, 1))
    layer(columns)
    for weight in layer.weights:
        centre = np.zeros(weight.shape, "float32")
        if len(weight.shape) == 4:
            centre[weight.shape[0] // 2, weight.shape[1] // 2] = 1
        weight.assign(centre)
    seen = ops.convert_to_numpy(layer(columns))
    return seen[0, seen.shape[1] // 2, :, 0].astype(int)


try:
    for side in (8, 9):
        print(f"{side} columns: PaddedConv2D looks at", columns_seen(PaddedConv2D(1, 3, padding=1, strides=2), side))
except NameError as error:
    print(f"There is nothing to see yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to see yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "padded-conv", "grade": true, "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("padded-conv", PaddedConv2D)

# %% [markdown]
# ## 3. Predict: where does Keras look?
#
# Your layer begins at column 0, since as many zeros stand on the left as half a kernel is wide. Keras' `padding="same"`
# decides by itself how many zeros it puts: it makes $\lceil \mathrm{side} / \mathrm{stride} \rceil$ outputs, puts just
# as many zeros as the last of them needs, half of them on each side, and the odd one on the *right*.
#
# Predict which column of the picture lies under the *centre* of the kernel in the first output. (Half a kernel is
# `kernel_size // 2`; all kernels here have an odd size.) Try it on paper for 8 columns, a kernel of 3 and a stride of 2,
# then for 9 columns. Write the function, and only then run the cell below it: it looks.


# %% nbgrader={"grade_id": "answer-guess-first-column", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def first_column(side, kernel_size, strides):
    """The column under the centre of the kernel in the first output of a convolution with Keras' padding "same".

    Args:
        side: number of columns of the picture.
        kernel_size: side of the kernel, odd.
        strides: step of the kernel.

    Returns:
        A whole number: 0 is the picture's first column.
    """
    ### BEGIN SOLUTION
    outputs = math.ceil(side / strides)
    zeros = max((outputs - 1) * strides + kernel_size - side, 0)
    return kernel_size // 2 - zeros // 2
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# From the first output to the last the kernel makes one step fewer than there are outputs, and it is as wide as a kernel
# at the end. What of that does not lie in the picture is zeros. Their number is never negative. Then ask where the kernel
# begins, and how far its centre is from there.
#
# </details>
#
# Now look:

# %%
try:
    for side, kernel_size, strides in ((8, 3, 1), (8, 3, 2), (9, 3, 2), (9, 5, 3)):
        seen = columns_seen(keras.layers.Conv2D(1, kernel_size, strides=strides, padding="same"), side)
        predicted = first_column(side, kernel_size, strides)
        print(f"{side} columns, kernel {kernel_size}, stride {strides}: predicted {predicted}, looks at {seen}")
except NameError as error:
    print(f"There is nothing to compare yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to compare yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "guess-first-column", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("guess-first-column", first_column)

# %% [markdown]
# With a stride of 2 everything that the layer looks at may move by a pixel, and nothing crashes. That is why Stable
# Diffusion's UNet pads by itself.
#
# ## 4. The time MLP
#
# The sines and cosines go through two Dense layers with a swish between them, once for the whole UNet:
#
# $$t\_emb = \mathrm{dense}_2(\mathrm{swish}(\mathrm{dense}_1(e)))$$
#
# If the UNet's first width is `channels`, the embedding $e$ that comes in has `channels` numbers and both Dense layers
# have `4 * channels`: 320 becomes 1280. Both have a bias. `swish` is `ops.silu`.


# %% nbgrader={"grade_id": "answer-time-embedding", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
class TimeEmbedding(keras.layers.Layer):
    """The network that prepares the time for all ResBlocks.

    Args:
        channels: the UNet's first width.

    Call arguments:
        inputs: tensor (batch, channels), the cosines and sines.

    Returns:
        Tensor (batch, 4 * channels).
    """

    def __init__(self, channels, **kwargs):
        ### BEGIN SOLUTION
        super().__init__(**kwargs)
        self.dense1 = keras.layers.Dense(4 * channels)
        self.dense2 = keras.layers.Dense(4 * channels)

    def call(self, inputs):
        return self.dense2(ops.silu(self.dense1(inputs)))

    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Make both Dense layers in `__init__`, use them in `call`. Nothing comes after the second one: each ResBlock begins with
# a swish of its own.
#
# </details>
#
# Put your two pieces together, as Stable Diffusion 2 does, and count the parameters. Chapter 2 derives the number.

# %%
try:
    embedding = timestep_embedding(np.array([0.0, 250.0, 999.0], "float32"))
    mlp = TimeEmbedding(320)
    t_emb = mlp(embedding)
    print("timesteps (3,) -> embedding", tuple(embedding.shape), "-> t_emb", tuple(t_emb.shape))
    print(f"{mlp.count_params():,} parameters")
except NameError as error:
    print(f"There is nothing to count yet: {error}. Run the cells above first: their checks say more.")
except Exception as error:
    print(f"There is nothing to count yet ({type(error).__name__}: {error}). The checks say more.")

# %% nbgrader={"grade_id": "time-embedding", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("time-embedding", TimeEmbedding)

# %% [markdown]
# ## In your words
#
# The network has been trained with the whole timesteps from 0 to 999. Now somebody asks it for timestep 250.5, and somebody
# else for timestep 1500. Your `timestep_embedding` answers both without complaint. For which of them would you expect the
# network to do something sensible, and why? Two or three sentences. (This gives no points unless your instructor says so.)

# %% [markdown] nbgrader={"grade_id": "explain", "grade": false, "locked": false, "schema_version": 3, "solution": false, "task": false} autograder={"rubric": {"250.5 may work: its embedding lies between two that were trained, and changes smoothly": 1, "1500 will not: no embedding like it was seen in training, though the formula has numbers for it": 1}}
# Write your answer here.

# %% [markdown]
# ## Hand in
#
# Run all cells once more from the top (*Runtime > Restart and run all*), then choose *File > Download > Download
# .ipynb* and hand in the file under the name it has: `02-inputs.ipynb`.
#
# Your code may import what Python itself has, and {{ packages }}. Other packages are not there while a notebook is graded.

# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercise 4: the SpatialTransformer
#
# About 30 minutes · difficulty: medium · {{ points }} points · chapter 4, *SpatialTransformer*
#
# You write the adapter that lets a transformer work on a picture: it takes the picture apart into tokens, **one for
# each pixel**, and puts it together again. Four questions lead up to it:
#
# 1. `image_to_tokens`: from picture to sequence (2 points),
# 2. `tokens_to_image`: and back (2 points),
# 3. `pixels_reached`: a prediction. How far do convolutions see, without all this? (2 points)
# 4. `SpatialTransformer`: the whole adapter around a transformer block (4 points).
#
# Fill in the cells that say `write your answer here`, and run the check below each. A check tries your answer in
# several sizes, with random numbers, and tells you what is wrong, not only that it is. How you write the layer is up
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
# ## 1. From picture to tokens
#
# Attention reads sequences: `(batch, tokens, features)`. Each pixel becomes one token, and its channels are the token's
# features. The order is row by row: first the top row from left to right, then the second row, and so on.


# %% nbgrader={"grade_id": "answer-image-to-tokens", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def image_to_tokens(x):
    """Turns a feature map into a sequence with one token for each pixel.

    Args:
        x: tensor of shape (batch, height, width, channels).

    Returns:
        Tensor of shape (batch, height * width, channels). Token number i * width + j is the pixel in row i, column j.
    """
    ### BEGIN SOLUTION
    _, height, width, channels = x.shape
    return ops.reshape(x, (-1, height * width, channels))
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# In memory the pixels lie in just that order already, each with its channels side by side. Nothing has to move: two
# axes are only to be counted as one. One axis of a new shape may be -1, "whatever is left"; let it be the batch.
#
# </details>
#
# The check calls your function on tensors, whose batch size is known. In a model made of `keras.Input`s it is `None`. To
# see whether yours works there too, try `image_to_tokens(keras.Input((4, 6, 64))).shape`: it should be `(None, 24, 64)`.

# %% nbgrader={"grade_id": "image-to-tokens", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("image-to-tokens", image_to_tokens)

# %% [markdown]
# ## 2. And back
#
# From the number of tokens alone nobody can tell the picture's sides: 24 tokens may be 4x6 pixels, or 3x8. So they are
# given.


# %% nbgrader={"grade_id": "answer-tokens-to-image", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def tokens_to_image(tokens, height, width):
    """Turns a sequence with one token for each pixel back into a feature map.

    Args:
        tokens: tensor of shape (batch, height * width, channels), row by row.
        height: rows of the picture.
        width: columns of the picture.

    Returns:
        Tensor of shape (batch, height, width, channels).
    """
    ### BEGIN SOLUTION
    return ops.reshape(tokens, (-1, height, width, tokens.shape[-1]))
    ### END SOLUTION


# %% [markdown]
# See what your two functions do: on the left a picture, then what comes back after one way and the other, and the
# difference, which must be black.

# %%
try:
    rows, columns = np.mgrid[:18, :24]
    picture = np.full((1, 18, 24, 3), 0.1, "float32")
    picture[0, (rows - 8) ** 2 + (columns - 7) ** 2 < 22] = (0.9, 0.2, 0.1)
    picture[0, 3:15, 17:19] = picture[0, 8:10, 13:23] = 0.95
    tokens = image_to_tokens(ops.convert_to_tensor(picture))
    print("picture", picture.shape, "-> tokens", tuple(tokens.shape))
    returned = ops.convert_to_numpy(tokens_to_image(tokens, 18, 24))
    panels = {"picture": picture, "there and back": returned}
    if returned.shape == picture.shape:
        panels["difference"] = np.abs(returned - picture)
    else:
        print(f"What comes back has another shape, {returned.shape}: there is no difference to show.")
    figure, axes = plt.subplots(1, len(panels), figsize=(8, 2.1), layout="constrained")
    for axis, (title, image) in zip(axes, panels.items(), strict=True):
        axis.imshow(np.clip(image[0], 0, 1))
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
    plt.show()
except NameError as error:
    print(f"There is nothing to draw yet: {error}. Run the cells above first: their checks say more.")
except Exception as error:
    print(f"There is nothing to draw yet ({type(error).__name__}: {error}). The check says more.")

# %% nbgrader={"grade_id": "tokens-to-image", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("tokens-to-image", tokens_to_image)

# %% [markdown]
# ## 3. Predict: how far does a convolution see?
#
# Why go to such lengths, when there are convolutions? One pixel of a picture is changed, and the picture goes through
# some 3x3 convolutions, one after the other, each with zeros around the picture so that its size stays. How many pixels of
# the result can be different?
#
# Try it on paper: a picture of 8x12, the pixel in row 1 and column 5, three convolutions. Then write the function, and
# only then run the cell below it: it looks.


# %% nbgrader={"grade_id": "answer-count-reach", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def pixels_reached(height, width, row, column, convolutions):
    """How many pixels of the result depend on one pixel of the picture.

    Args:
        height: rows of the picture.
        width: columns of the picture.
        row: of the pixel, from 0.
        column: of the pixel, from 0.
        convolutions: how many 3x3 convolutions follow each other, at least 1.

    Returns:
        A whole number.
    """
    ### BEGIN SOLUTION
    rows = min(row + convolutions, height - 1) - max(row - convolutions, 0) + 1
    columns = min(column + convolutions, width - 1) - max(column - convolutions, 0) + 1
    return rows * columns
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# How many columns to the left and to the right does the news get with one convolution, and with two? Count the columns
# that are reached, from the first to the last, then the rows. And what happens at the picture's border?
#
# </details>
#
# Now look: yellow is the changed pixel, red what has heard of it.

# %%
try:
    tried = ((4, 5, 1), (4, 5, 2), (1, 5, 3), (6, 10, 4))
    predicted = [pixels_reached(8, 12, *numbers) for numbers in tried]
    figure, axes = plt.subplots(1, 4, figsize=(9, 2), layout="constrained")
    for axis, (row, column, convolutions), said in zip(axes, tried, predicted, strict=True):
        spot = np.zeros((1, 8, 12, 1), "float32")
        spot[0, row, column] = 1
        reached = ops.convert_to_tensor(spot)
        for _ in range(convolutions):
            reached = ops.conv(reached, np.ones((3, 3, 1, 1), "float32") / 9, padding="same")
        reached = ops.convert_to_numpy(reached)[0, ..., 0] > 0
        axis.imshow(np.where(spot[0, ..., 0] > 0, 2, reached), cmap="inferno", vmin=0, vmax=2.2)
        axis.set_title(f"after {convolutions}: {reached.sum()} pixels\npredicted: {said}", fontsize=9)
        axis.set_axis_off()
    plt.show()
except NameError as error:
    print(f"There is nothing to draw yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to draw yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "count-reach", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("count-reach", pixels_reached)

# %% [markdown]
# ## 4. The adapter
#
# The layer is made as `SpatialTransformer(num_heads, head_size, fully_connected=False)`: keep that order. Called on a list
# of two tensors, `x` and `context`, it computes
#
# $$z = \mathrm{tokens}(\mathrm{proj}_1(\mathrm{norm}(x)))$$
#
# $$y = \mathrm{proj}_2(\mathrm{picture}(\mathrm{block}([z, \mathrm{context}]))) + x$$
#
# where
#
# - $\mathrm{norm}$ is group normalisation in 32 groups, Keras' default number, with an epsilon of 1e-5,
# - $\mathrm{proj}_1$ and $\mathrm{proj}_2$ work at every pixel by itself and keep the number of channels, which is
#   `num_heads * head_size`: Dense layers if `fully_connected` is true, else convolutions with a 1x1 kernel (both compute
#   the same, and the check takes either),
# - $\mathrm{block}$ is a `BasicTransformerBlock(channels, num_heads, head_size)`, called on the list `[tokens, context]`.
#
# You write the real `BasicTransformerBlock` in the next exercise. Until then **a stand-in** takes its place: it is made
# and called in the same way and lets pixels and text have an effect on each pixel, but what it computes is simple. The
# check compares your layer with a right one that has the same stand-in inside.

# %% nbgrader={"grade_id": "setup-stand-in", "grade": false, "locked": true, "schema_version": 3, "solution": false, "task": false}
from autograder.sitting.stand_ins import BasicTransformerBlock  # a stand-in: chapter 5 has the real one

# %% [markdown]
# Now your layer:


# %% nbgrader={"grade_id": "answer-spatial-transformer", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
class SpatialTransformer(keras.layers.Layer):
    """Lets a transformer block work on a feature map, with the text as its context.

    Args:
        num_heads: number of heads of the transformer block.
        head_size: features of one head. The feature map has num_heads * head_size channels.
        fully_connected: whether to project with Dense layers instead of 1x1 convolutions; False if it is not given.

    Call arguments:
        inputs: list of x (batch, height, width, channels) and context (batch, context tokens, context features).

    Returns:
        Tensor (batch, height, width, channels).
    """

    def __init__(self, num_heads, head_size, fully_connected=False, **kwargs):
        ### BEGIN SOLUTION
        super().__init__(**kwargs)
        channels = num_heads * head_size
        self.norm = keras.layers.GroupNormalization(epsilon=1e-5)
        if fully_connected:
            self.proj1, self.proj2 = keras.layers.Dense(channels), keras.layers.Dense(channels)
        else:
            self.proj1, self.proj2 = keras.layers.Conv2D(channels, 1), keras.layers.Conv2D(channels, 1)
        self.transformer_block = BasicTransformerBlock(channels, num_heads, head_size)

    def call(self, inputs):
        x, context = inputs
        tokens = image_to_tokens(self.proj1(self.norm(x)))
        tokens = self.transformer_block([tokens, context])
        return self.proj2(tokens_to_image(tokens, x.shape[1], x.shape[2])) + x

    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Keep the input under a name of its own: it is added at the very end, as it came in. Height and width are known from
# its shape. Your two functions from above do the reshaping.
#
# </details>
#
# See what your layer does before you check it: one pixel of a picture is changed, and then one token of the text. The
# maps show how much each pixel of the output changes. Compare the first one with what three convolutions reached above.

# %%
try:
    rng = np.random.default_rng(0)
    x, context = (rng.normal(size=size).astype("float32") for size in ((1, 9, 12, 64), (1, 4, 20)))
    keras.utils.set_random_seed(0)
    layer = SpatialTransformer(4, 16, True)
    before = ops.convert_to_numpy(layer([x, context]))
    other_x, other_context = x.copy(), context.copy()
    other_x[0, 3, 4] += 1
    other_context[0, 2] += 1
    figure, axes = plt.subplots(1, 2, figsize=(6, 2), layout="constrained")
    changed = {"one pixel changed": [other_x, context], "one token changed": [x, other_context]}
    for axis, (title, inputs) in zip(axes, changed.items(), strict=True):
        change = np.abs(ops.convert_to_numpy(layer(inputs)) - before)[0].mean(axis=-1)
        axis.imshow(np.log10(change + 1e-9), cmap="cividis", vmin=-4, vmax=0)
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
    plt.show()
except NameError as error:
    print(f"There is nothing to draw yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to draw yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "spatial-transformer", "grade": true, "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false} autograder={"uses": ["image-to-tokens", "tokens-to-image"]}
check("spatial-transformer", SpatialTransformer)

# %% [markdown]
# ## Your block draws
#
# Here a small UNet that was trained for this course draws a picture. It has 16 SpatialTransformers as Stable
# Diffusion's has, and here all of them are yours, with the trained weights in them. (The stand-in inside gives way to
# the real transformer block here.) Everything else is the course's. Beside it the reference draws alone, from the same
# noise.
#
# The first picture takes up to half a minute, most of it before the first step. Half of the steps that the bar
# counts are of your picture, half of the reference's.

# %% nbgrader={"grade_id": "draw", "grade": false, "locked": true, "schema_version": 3, "solution": false, "task": false}
try:
    draw("a small white boat above a large blue fish at sea", SpatialTransformer=SpatialTransformer)
except NameError as error:
    print(f"There is nothing to draw yet: {error}. Run the cells above first: their checks say more.")
except Exception as error:
    print(f"There is nothing to draw yet ({type(error).__name__}: {error}). The checks above say more.")

# %% [markdown]
# ## In your words
#
# Draw with a latent twice as wide as in training: no weight of your layer has to change for it. All the same something is
# different inside. What is each token's weighted average taken over now, and what can that do to a layer that has learned
# to look at a few tokens among many? Two or three sentences. (This gives no points unless your instructor says so.)

# %% [markdown] nbgrader={"grade_id": "explain", "grade": false, "locked": false, "schema_version": 3, "solution": false, "task": false} autograder={"rubric": {"the average is now over all tokens of the larger picture, twice as many": 1, "more tokens share the softmax, so the few that matter get less of it": 1}}
# Write your answer here.

# %% [markdown]
# ## Hand in
#
# Run all cells once more from the top (*Runtime > Restart and run all*), then choose *File > Download > Download
# .ipynb* and hand in the file under the name it has: `04-spatial-transformer.ipynb`.
#
# Your code may import what Python itself has, and {{ packages }}. Other packages are not there while a notebook is graded.

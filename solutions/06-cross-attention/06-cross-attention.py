# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercise 6: attention
#
# About 55 minutes · difficulty: hard · {{ points }} points · chapter 6, *CrossAttention: where the text enters*
#
# You write the layer through which the text reaches the picture: every pixel asks, every word answers, and the softmax
# decides **how much of which word each pixel takes**. Five questions lead up to it:
#
# 1. `td_dot`: one matrix product for each picture and head (1 point),
# 2. `repeated_share`: a prediction. What does a word gain that stands in the prompt twice? (2 points),
# 3. `masked_attention`: find the fault in somebody else's attention (2 points),
# 4. `CrossAttention` from tokens to themselves (3 points),
# 5. the same `CrossAttention` with a context of another length and another width (2 points).
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
# ## 1. One product for each head
#
# Attention multiplies twice: queries with keys, then weights with values. Both times there is one matrix product for
# each picture and each head, and none between them. In letters: B pictures, N heads, S tokens that ask, T tokens that
# answer, D features of a head.


# %% nbgrader={"grade_id": "answer-td-dot", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def td_dot(a, b):
    """Multiplies the matrices in the last two axes, for each picture and head.

    Args:
        a: tensor of shape (B, N, S, D).
        b: tensor of shape (B, N, D, T).

    Returns:
        Tensor of shape (B, N, S, T): for each picture and head, the matrix product of its (S, D) and its (D, T).
    """
    ### BEGIN SOLUTION
    return ops.matmul(a, b)
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# One function of `keras.ops` does just that for arrays with any number of leading axes. Two others with similar names
# pair every picture with every picture. If you like letters, `ops.einsum` does it too.
#
# </details>

# %% nbgrader={"grade_id": "td-dot", "grade": true, "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check("td-dot", td_dot)

# %% [markdown]
# ## 2. Predict: a word said twice
#
# For some pixel the softmax gives the word *red* the weight `share`. The other words together have the rest,
# `1 - share`. Now *red* is written `times` times into the prompt. Say that every copy has the same embedding as before,
# and that the other words keep theirs. (In a real prompt the text encoder gives each copy an embedding of its own.) How
# much of the pixel's attention do *all copies together* get?
#
# Twice the word, twice the attention? Think first, write it down, and only then run the cell below: it measures.


# %% nbgrader={"grade_id": "answer-guess-repeated-word", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def repeated_share(share, times):
    """The weight of all copies of a word together.

    Args:
        share: the weight of the word when it stood in the prompt once, a number between 0 and 1.
        times: how often it stands there now, the first time included, a whole number.

    Returns:
        A number.
    """
    ### BEGIN SOLUTION
    return times * share / (1 + (times - 1) * share)
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# A weight is a power of e divided by the sum of all such powers. Call the sum 1; then *red* brings `share` of it, and
# so does every copy that joins. What is the sum then?
#
# </details>
#
# Now measure: one pixel, five words, and the first of them once, twice, ... twenty times.

# %%
try:
    chance = np.random.default_rng(9)
    query, keys = chance.normal(size=(1, 1, 1, 8)), chance.normal(size=(1, 1, 8, 5))  # of one pixel; of five words
    share = None
    for times in (1, 2, 3, 5, 20):
        copies = np.concatenate([np.repeat(keys[..., :1], times, axis=-1), keys[..., 1:]], axis=-1)
        scores = td_dot(ops.convert_to_tensor(query, "float32"), ops.convert_to_tensor(copies, "float32"))
        weights = ops.convert_to_numpy(ops.softmax(scores / 8**0.5))[0, 0, 0]
        share = float(weights[0]) if share is None else share
        print(f"{times:2} x: measured {weights[:times].sum():.3f}, predicted {repeated_share(share, times):.3f}")
except NameError as error:
    print(f"There is nothing to show yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to show yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "guess-repeated-word", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("guess-repeated-word", repeated_share)

# %% [markdown]
# A softmax deals out one whole. A word that had little gains nearly `times` as much; one that had nearly everything can
# hardly gain, and what the copies gain the other words lose. None of them ever falls to 0.

# %% [markdown]
# ## 3. Find the fault
#
# A prompt is mostly shorter than the context, and the tokens after it are padding. Stable Diffusion lets the pixels attend
# to them all the same. A colleague wants them left out, and writes attention that takes one argument more: the first
# `length` tokens are real, the rest is padding.


# %%
def colleagues_attention(q, k, v, length):
    """q (B, N, S, D), k and v (B, N, T, D) to (B, N, S, D), without what the padding has to say."""
    scores = ops.matmul(q, ops.transpose(k, (0, 1, 3, 2))) / q.shape[-1] ** 0.5
    weights = ops.softmax(scores, axis=-1)
    real = ops.cast(ops.arange(k.shape[2]) < length, weights.dtype)
    return ops.matmul(weights * real, v)


# %% [markdown]
# It runs, and the shapes are right. To try it out, the colleague has it paint: each pixel asks with its colour, three
# words answer with theirs, and 0, 3 or 12 tokens of padding follow. If the padding were left out, there would be three
# equal pictures.


# %%
def paint(attention, padding):
    colours = np.array([(0.9, 0.1, 0.1), (0.1, 0.3, 0.9), (0.9, 0.9, 0.7)], "float32")
    kinds = np.full((6, 9), 2)
    kinds[1:5, 1:4], kinds[2:4, 5:8] = 0, 1
    looks = 2 * (colours - colours.mean(axis=0))
    keys = np.concatenate([looks, np.zeros((padding, 3), "float32")])
    values = np.concatenate([colours, np.ones((padding, 3), "float32")])
    q, k, v = (ops.convert_to_tensor(a[None, None]) for a in (looks[kinds.reshape(54)], keys, values))
    return ops.convert_to_numpy(attention(q, k, v, 3)).reshape(6, 9, 3).clip(0, 1)


def show_painted(attention):
    _, axes = plt.subplots(1, 3, figsize=(7, 1.8), layout="constrained")
    for axis, padding in zip(axes, (0, 3, 12), strict=True):
        axis.imshow(paint(attention, padding))
        axis.set_title(f"padding: {padding}", fontsize=9)
        axis.set_axis_off()
    plt.show()


show_painted(colleagues_attention)

# %% [markdown]
# What is wrong, and why does it get worse with more padding? Find the line, and write the function again as it should
# be. (The padding's scores need not be computed; but no pixel may get anything of it.)


# %% nbgrader={"grade_id": "answer-fault-padding", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def masked_attention(q, k, v, length):
    """The colleague's attention, mended.

    Args:
        q: queries, tensor (B, N, S, D).
        k, v: keys and values, tensors (B, N, T, D).
        length: how many of the T tokens are real, a whole number from 1 to T; they come first.

    Returns:
        Tensor (B, N, S, D): what attention to the real tokens alone would give.
    """
    ### BEGIN SOLUTION
    scores = ops.matmul(q, ops.transpose(k, (0, 1, 3, 2))) / q.shape[-1] ** 0.5
    real = ops.arange(k.shape[2]) < length
    masked = ops.where(real, scores, -1e9)
    return ops.matmul(ops.softmax(masked, axis=-1), v)
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Add up the weights that a pixel has left in the end. What would they have to add up to? Then think of question 2: who
# gets what a token does not take?
#
# </details>
#
# See it: three equal pictures.

# %%
try:
    show_painted(masked_attention)
except NameError as error:
    print(f"There is nothing to draw yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to draw yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "fault-padding", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("fault-padding", masked_attention)

# %% [markdown]
# ## 4. Attention to themselves
#
# Called on one tensor, `inputs` of shape (B, S, F), the layer computes for each of its N heads, with D features each,
#
# $$\mathrm{softmax}\!\left(\frac{Q K^\top}{\sqrt{D}}\right) V$$
#
# and then puts the heads side by side and sends them through one more Dense layer. In detail:
#
# - Q, K and V come from three Dense layers of N·D units, **one each, without a bias**; all three see `inputs`,
# - their N·D features are cut into N heads: the first D features are head 0, the next D head 1, and so on,
# - the softmax runs over the tokens that *answer*,
# - the last Dense layer has N·D units and a bias.
#
# F is the width of what comes in. It need not be N·D, and the check tries sizes where it is not.
#
# Both products are a `td_dot`. If question 1 does not pass yet, mend it first: a wrong `td_dot` makes this layer fail at
# a line that is right, often at the softmax.
#
# If you want to take both questions in one go, look at question 5 before you start: it asks for one argument more.


# %% nbgrader={"grade_id": "answer-self-attention", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
class CrossAttention(keras.layers.Layer):
    """Attention with several heads, to the inputs themselves or to a context.

    Args:
        num_heads: number of heads, N.
        head_size: features of one head, D.

    Call arguments:
        inputs: tensor (B, S, F): the tokens that ask.
        context: tensor (B, T, G): the tokens that answer, or None (its default) for the inputs themselves.

    Returns:
        Tensor (B, S, N·D).
    """

    def __init__(self, num_heads, head_size, **kwargs):
        ### BEGIN SOLUTION
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.head_size = head_size
        width = num_heads * head_size
        self.to_q = keras.layers.Dense(width, use_bias=False)
        self.to_k = keras.layers.Dense(width, use_bias=False)
        self.to_v = keras.layers.Dense(width, use_bias=False)
        self.out_proj = keras.layers.Dense(width)

    def heads(self, tokens):
        tokens = ops.reshape(tokens, (-1, tokens.shape[1], self.num_heads, self.head_size))
        return ops.transpose(tokens, (0, 2, 1, 3))

    def call(self, inputs, context=None):
        if context is None:
            context = inputs
        q = self.heads(self.to_q(inputs))
        k = self.heads(self.to_k(context))
        v = self.heads(self.to_v(context))
        scores = td_dot(q, ops.transpose(k, (0, 1, 3, 2))) * self.head_size**-0.5
        out = td_dot(ops.softmax(scores, axis=-1), v)
        out = ops.transpose(out, (0, 2, 1, 3))
        return self.out_proj(ops.reshape(out, (-1, inputs.shape[1], self.num_heads * self.head_size)))

    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Cutting into heads takes two steps: a reshape that splits the last axis in two, then a transpose that brings the heads
# next to the batch. Joining them takes the same two steps backwards. Print the shape after every line, and compare it
# with those that chapter 6 prints in *Building it, step by step*.
#
# </details>
#
# See what your layer does before you check it. The picture on the left has pixels of three kinds. Each map shows for
# one pixel (the small ring) how much its output changes when another pixel changes: where a map is bright, the ring's
# pixel attends to. (The ring's own pixel is left out: what a pixel does to its own output is another matter.) Nobody
# has trained your layer, so *what* it attends to is chance; that pixels of one kind are attended to alike is not.

# %%
try:
    kinds = np.zeros((6, 9), int)
    kinds[1:5, 1:4], kinds[2:4, 5:8] = 1, 2
    looks = 2 * np.random.default_rng(0).normal(size=(3, 32)).astype("float32")
    pixels = looks[kinds.reshape(1, 54)]  # (B, S, F)
    keras.utils.set_random_seed(1)
    layer = CrossAttention(4, 8)
    before = ops.convert_to_numpy(layer(pixels))
    changes = np.zeros((54, 54))
    for pixel in range(54):
        other = pixels.copy()
        other[:, pixel] += 0.1
        changes[:, pixel] = np.abs(ops.convert_to_numpy(layer(other)) - before)[0].sum(axis=-1)
    np.fill_diagonal(changes, np.nan)  # the ring's own pixel
    figure, axes = plt.subplots(1, 4, figsize=(9, 1.8), layout="constrained")
    axes[0].imshow(kinds, cmap="viridis")
    for axis, (row, column) in zip(axes[1:], ((0, 0), (2, 2), (3, 6)), strict=True):
        axis.imshow(changes[9 * row + column].reshape(6, 9), cmap="gray", vmin=0)
        axis.plot(column, row, "o", color="orange", fillstyle="none")
    plt.setp(axes, xticks=[], yticks=[])
    plt.show()
except NameError as error:
    print(f"There is nothing to draw yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to draw yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "self-attention", "grade": true, "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false} autograder={"uses": ["td-dot"]}
check("self-attention", CrossAttention)

# %% [markdown]
# ## 5. Attention to the text
#
# With a `context` of shape (B, T, G) the layer looks at other tokens than those that ask: the queries still come from
# `inputs`, the keys **and** the values now come from `context`. It has another number of tokens and another width than
# `inputs`; the output has as many tokens as `inputs`. Go back to your class and teach it that; then check it here.
# (Nothing new needs to be written in this section.) The check calls your layer as the transformer block will:
# `layer(inputs, context=context)`.
#
# The maps below show a text of four tokens reaching the same picture: which pixels change when one token changes.

# %%
try:
    kinds = np.zeros((6, 9), int)
    kinds[1:5, 1:4], kinds[2:4, 5:8] = 1, 2
    pixels = 2 * np.random.default_rng(0).normal(size=(3, 32)).astype("float32")[kinds.reshape(1, 54)]  # (B, S, F)
    text = 2 * np.random.default_rng(3).normal(size=(1, 4, 20)).astype("float32")  # (B, T, G)
    keras.utils.set_random_seed(2)
    layer = CrossAttention(4, 8)
    before = ops.convert_to_numpy(layer(pixels, context=text))
    figure, axes = plt.subplots(1, 5, figsize=(9, 1.5), layout="constrained")
    axes[0].imshow(kinds, cmap="viridis")
    for token in range(4):
        other = text.copy()
        other[:, token] += 0.1
        change = np.abs(ops.convert_to_numpy(layer(pixels, context=other)) - before)[0].sum(axis=-1)
        axes[token + 1].imshow(change.reshape(6, 9), cmap="gray", vmin=0)
        axes[token + 1].set_title(f"token {token}", fontsize=9)
    plt.setp(axes, xticks=[], yticks=[])
    plt.show()
except NameError as error:
    print(f"There is nothing to draw yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to draw yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "cross-attention", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false} autograder={"uses": ["td-dot"]}
check("cross-attention", CrossAttention)

# %% [markdown]
# ## Your attention draws
#
# Here a small UNet that was trained for this course draws a picture. Every attention in it, to the pixels and to the
# text, is yours; the rest is the course's. Beside it the reference draws alone, from the same noise.
#
# The first picture takes up to half a minute, most of it before the first step. Half of the steps that the bar
# counts are of your picture, half of the reference's.

# %% nbgrader={"grade_id": "draw", "grade": false, "locked": true, "schema_version": 3, "solution": false, "task": false}
try:
    draw("a purple balloon above a red house at sunset", CrossAttention=CrossAttention)
except NameError as error:
    print(f"There is nothing to draw yet: {error}. Run the cells above first: their checks say more.")
except Exception as error:
    print(f"There is nothing to draw yet ({type(error).__name__}: {error}). The checks above say more.")

# %% [markdown]
# ## In your words
#
# Give one token of the context a key of zeros. What score does every query give it, and which pixels give it much of
# their attention? Let its value be zeros, too. What can a pixel do now that it could not do before? Two or three
# sentences. (This gives no points unless your instructor says so.)

# %% [markdown] nbgrader={"grade_id": "explain", "grade": false, "locked": false, "schema_version": 3, "solution": false, "task": false} autograder={"rubric": {"every query gives it a score of 0; it gets most where all other scores are negative": 1, "a pixel can now take nothing from the text": 1}}
# Write your answer here.

# %% [markdown]
# ## Hand in
#
# Run all cells once more from the top (*Runtime > Restart and run all*), then choose *File > Download > Download
# .ipynb* and hand in the file under the name it has: `06-cross-attention.ipynb`.
#
# Your code may import what Python itself has, and {{ packages }}. Other packages are not there while a notebook is graded.

# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercise 5: GEGLU and the transformer block
#
# About 30 minutes · difficulty: medium · {{ points }} points · chapter 5, *The transformer block and GEGLU*
#
# You write the block that every SpatialTransformer has inside: each pixel **looks at the other pixels, looks at the
# text, and then thinks it over**. Two questions lead to it, and the third takes it apart again:
#
# 1. `GEGLU`: a layer with a gate (3 points),
# 2. `BasicTransformerBlock`: three steps, each normalised before and added after (4 points),
# 3. `tokens_changed`: with steps switched off, what still depends on what? (3 points)
#
# Fill in the cells that say `write your answer here`, and run the check below each. A check tries your answer in
# several sizes, with random numbers, and tells you what is wrong, not only that it is. How you write the layers is up
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
# ## 1. A value and a gate
#
# `GEGLU(output_dim)` computes
#
# $$\mathrm{value} \cdot \mathrm{GELU}(\mathrm{gate})$$
#
# where value and gate have `output_dim` features each and come from **one** Dense layer with a bias, which makes
# `2 * output_dim` features: the first half is the value, the second half the gate. GELU may be exact or in its tanh
# form: the check takes both.


# %% nbgrader={"grade_id": "answer-geglu", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
class GEGLU(keras.layers.Layer):
    """A gated layer: a value, multiplied with the GELU of a gate.

    Args:
        output_dim: features of the output.

    Call arguments:
        inputs: tensor (batch, tokens, features).

    Returns:
        Tensor (batch, tokens, output_dim).
    """

    def __init__(self, output_dim, **kwargs):
        ### BEGIN SOLUTION
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(2 * output_dim)

    def call(self, inputs):
        value, gate = ops.split(self.dense(inputs), 2, axis=-1)
        return value * ops.gelu(gate)

    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# `ops.split` cuts a tensor into equal parts along an axis. The features are the last axis.
#
# </details>
#
# See what your gate does before you check it. Your layer's weights are set so that the value is the first number that
# goes in and the gate the second one. Along a row the value grows from left to right, from row to row the gate
# from bottom to top: at the bottom the gate is shut.

# %%
try:
    layer = GEGLU(1)
    layer(np.zeros((1, 1, 2), "float32"))
    for weight in layer.weights:  # the kernel has four numbers, the bias two
        weight.assign(np.reshape(np.eye(2) if np.prod(weight.shape) == 4 else np.zeros(2), weight.shape))
    value, gate = np.meshgrid(np.linspace(-3, 3, 61), np.linspace(-3, 3, 61))
    inputs = np.stack([value, gate], axis=-1).reshape(1, -1, 2).astype("float32")
    output = ops.convert_to_numpy(layer(inputs)).reshape(61, 61)
    figure, axis = plt.subplots(figsize=(3.8, 3), layout="constrained")
    image = axis.imshow(output, origin="lower", extent=(-3, 3, -3, 3), cmap="RdBu", vmin=-9, vmax=9)
    axis.set(xlabel="value", ylabel="gate", title="output")
    figure.colorbar(image)
    plt.show()
except NameError as error:
    print(f"There is nothing to draw yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to draw yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "geglu", "grade": true, "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("geglu", GEGLU)

# %% [markdown]
# ## 2. Three steps
#
# Called on a list of two tensors, `tokens` (here $x$) and `context`, the block computes
#
# $$x' = x + \mathrm{attention}_1(\mathrm{norm}_1(x))$$
#
# $$x'' = x' + \mathrm{attention}_2(\mathrm{norm}_2(x'), \mathrm{context})$$
#
# $$y = x'' + \mathrm{dense}(\mathrm{GEGLU}(\mathrm{norm}_3(x'')))$$
#
# where
#
# - each $\mathrm{norm}$ is a layer normalisation with an epsilon of 1e-5,
# - each $\mathrm{attention}$ is a `CrossAttention(num_heads, head_size)`. It is called as `attention(x)` to let the
#   tokens look at each other, and as `attention(x, context=context)` to let them look at the context,
# - the GEGLU is your own, with `4 * dim` features; the Dense layer brings them back to `dim`, and has a bias.
#
# You write the real `CrossAttention` in the next exercise. Until then **a stand-in** takes its place: it is made and
# called in the same way, but what it computes is simple. The check compares your block with a right one that has the
# same stand-in inside.

# %% nbgrader={"grade_id": "setup-stand-in", "grade": false, "locked": true, "schema_version": 3, "solution": false, "task": false}
from autograder.sitting.stand_ins import CrossAttention  # a stand-in: chapter 6 has the real one

# %% [markdown]
# Now your block:


# %% nbgrader={"grade_id": "answer-transformer-block", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
class BasicTransformerBlock(keras.layers.Layer):
    """Self-attention, cross-attention and a gated feed-forward network.

    Args:
        dim: features of a token, in and out; it equals num_heads * head_size.
        num_heads: number of heads of both attentions.
        head_size: features of one head.

    Call arguments:
        inputs: list of tokens (batch, tokens, dim) and context (batch, context tokens, context features).

    Returns:
        Tensor (batch, tokens, dim).
    """

    def __init__(self, dim, num_heads, head_size, **kwargs):
        ### BEGIN SOLUTION
        super().__init__(**kwargs)
        self.norm1 = keras.layers.LayerNormalization(epsilon=1e-5)
        self.attn1 = CrossAttention(num_heads, head_size)
        self.norm2 = keras.layers.LayerNormalization(epsilon=1e-5)
        self.attn2 = CrossAttention(num_heads, head_size)
        self.norm3 = keras.layers.LayerNormalization(epsilon=1e-5)
        self.geglu = GEGLU(4 * dim)
        self.dense = keras.layers.Dense(dim)

    def call(self, inputs):
        x, context = inputs
        x = self.attn1(self.norm1(x)) + x
        x = self.attn2(self.norm2(x), context=context) + x
        return self.dense(self.geglu(self.norm3(x))) + x

    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Seven layers in `__init__`, three lines in `call`, one for each formula. Each line starts from the result of the line
# before.
#
# </details>
#
# Count the parameters of the third step, GEGLU and Dense, at the three widths of Stable Diffusion 2. (The attentions are
# left out, since they are stand-ins here.) Chapter 5 derives the numbers: $8C^2 + 8C$ and $4C^2 + C$.

# %%
try:
    for dim in (320, 640, 1280):
        geglu, dense = GEGLU(4 * dim), keras.layers.Dense(dim)
        dense(geglu(np.zeros((1, 4, dim), "float32")))
        parts = geglu.count_params(), dense.count_params()
        print(f"{dim:5} features: GEGLU {parts[0]:>10,} + Dense {parts[1]:>9,} = {sum(parts):>10,} parameters")
except NameError as error:
    print(f"There is nothing to count yet: {error}. Run the cells above first: their checks say more.")
except Exception as error:
    print(f"There is nothing to count yet ({type(error).__name__}: {error}). The check of question 1 says more.")

# %% nbgrader={"grade_id": "transformer-block", "grade": true, "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false} autograder={"uses": ["geglu"]}
check("transformer-block", BasicTransformerBlock)

# %% [markdown]
# ## 3. Switch it off
#
# What is each of the three steps for? Switch some of them off: what such a step computes is then not added, and its input
# goes on as it is. Now *one* number of the input is changed: of one token, or of one word of the context. How many tokens
# of the output are different? (The attention is the real one here, and the weights are random: where something can
# change, it does.)
#
# Think it through for both changes and for each step. Write the function, and only then run the cell below it: it
# switches the steps of *your* block off, and counts.


# %% nbgrader={"grade_id": "answer-ablate-steps", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def tokens_changed(tokens, changed, off):
    """How many tokens of a transformer block's output change.

    Args:
        tokens: number of tokens that go in, and come out.
        changed: "token" if one token of the input is another, "word" if one token of the context is.
        off: the steps that are switched off: a tuple of none or more of "self-attention", "cross-attention" and
            "feed-forward".

    Returns:
        A whole number, from 0 to tokens.
    """
    ### BEGIN SOLUTION
    if changed == "token":
        return 1 if "self-attention" in off else tokens
    return 0 if "cross-attention" in off else tokens
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Follow the news from step to step. Which tokens have heard of it before the step, and whom does the step look at? Do not
# forget the sums: what came in goes on beside what is added.
#
# </details>
#
# Now count. Run both cells; what is switched off stands in the line with the `for`, and you may add to it.


# %%
class SwitchedAttention(keras.layers.Layer):
    """The real attention, switched off or on; it takes the stand-in's place in your block."""

    off = ()

    def __init__(self, num_heads, head_size, **kwargs):
        super().__init__(**kwargs)
        self.attention = keras.layers.MultiHeadAttention(num_heads, head_size)

    def call(self, inputs, context=None):
        found = self.attention(inputs, inputs if context is None else context)
        return 0 * found if ("self" if context is None else "cross") + "-attention" in self.off else found


# %%
def count_changed(tokens, changed, off):
    """Runs your block twice, and counts the tokens that come out different."""
    keras.utils.set_random_seed(0)
    inputs = [np.random.normal(size=shape).astype("float32") for shape in ((1, tokens, 64), (1, 5, 20))]
    SwitchedAttention.off = off
    with replaced(CrossAttention=SwitchedAttention):
        block = BasicTransformerBlock(64, 4, 16)
        block(inputs)
    for weight in block.weights if "feed-forward" in off else ():
        if tuple(weight.shape) == (4 * 64, 64):  # the last Dense layer
            weight.assign(0 * weight)
    before = block(inputs)
    inputs[0 if changed == "token" else 1][0, 2, 0] += 1
    return int(np.sum(np.abs(ops.convert_to_numpy(block(inputs) - before))[0].max(axis=-1) > 1e-5))


try:
    from autograder.sitting.stand_ins import replaced

    for off in ((), ("self-attention",), ("cross-attention",), ("feed-forward",), ("self-attention", "feed-forward")):
        for changed in ("token", "word"):
            counted, predicted = count_changed(24, changed, off), tokens_changed(24, changed, off)
            steps = " and ".join(off) or "nothing"
            print(f"a {changed:5} changed, off: {steps}: {counted} of 24, predicted {predicted}")
except NameError as error:
    print(f"There is nothing to count yet: {error}. Run the cells above first: their checks say more.")
except Exception as error:
    print(f"There is nothing to count yet ({type(error).__name__}: {error}). The checks say more.")

# %% nbgrader={"grade_id": "ablate-steps", "grade": true, "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("ablate-steps", tokens_changed)

# %% [markdown]
# ## Your block draws
#
# Here a small UNet that was trained for this course draws a picture. It has 16 transformer blocks as Stable
# Diffusion's has, and here all of them are yours, each with your GEGLU inside. (The stand-in for the attention gives
# way to the real one here.) Everything else is the course's. Beside it the reference draws alone, from the same noise.
#
# The first picture takes up to half a minute, most of it before the first step. Half of the steps that the bar
# counts are of your picture, half of the reference's.

# %% nbgrader={"grade_id": "draw", "grade": false, "locked": true, "schema_version": 3, "solution": false, "task": false}
try:
    draw("a red house left of a green tree by day", seed=3, GEGLU=GEGLU, BasicTransformerBlock=BasicTransformerBlock)
except NameError as error:
    print(f"There is nothing to draw yet: {error}. Run the cells above first: their checks say more.")
except Exception as error:
    print(f"There is nothing to draw yet ({type(error).__name__}: {error}). The checks above say more.")

# %% [markdown]
# ## In your words
#
# Switch the same steps off in the trained network: `draw("a red house left of a green tree by day", seed=3,
# without="self-attention")`, then `without="cross-attention"`. (`without="?"` lists what else there is.) Describe what is
# lost each time, and explain it by what you counted above. Without self-attention the pixels still hear of each other in
# this UNet: through which blocks? (This gives no points unless your instructor says so.)

# %% [markdown] nbgrader={"grade_id": "explain", "grade": false, "locked": false, "schema_version": 3, "solution": false, "task": false} autograder={"rubric": {"what each loses is explained by what can still reach a pixel": 1, "names the convolutions of the ResBlocks and between the levels": 1}}
# Write your answer here.

# %% [markdown]
# ## Hand in
#
# Run all cells once more from the top (*Runtime > Restart and run all*), then choose *File > Download > Download
# .ipynb* and hand in the file under the name it has: `05-transformer-block.ipynb`.
#
# Your code may import what Python itself has, and {{ packages }}. Other packages are not there while a notebook is graded.

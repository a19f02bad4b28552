# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercise 12: from a sentence to a picture
#
# About 45 minutes · difficulty: medium · {{ points }} points · chapter 12, *From a sentence to a picture*
#
# You write what stands around the UNet: what reads the sentence, what begins with a picture in place of noise, and the
# few lines that join all the networks. At the end **your pipeline draws**.
#
# 1. `causal_mask`: which token may look at which (1 point),
# 2. `changed_rows`: a prediction. One token is another one: how much of the context changes? (1 point),
# 3. `TextBlock`: the block that the text encoder is made of (3 points),
# 4. `start_from_picture`: a picture made noisy, and the steps that are left (2 points),
# 5. `text_to_picture`: the pipeline (3 points).
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

from autograder import check, run_pipeline, run_text_block  # first: it keeps the libraries' start-up messages away

import keras
import numpy as np
from keras import ops

# A layer may well be built when it is first called; Keras warns of that.
warnings.filterwarnings("ignore", module=r"keras\.")

# %% [markdown]
# ## 1. Who may look at whom
#
# The text encoder reads from left to right. Each token looks at itself and at the tokens before it, never at those
# after it. `causal_mask(length)` says so for every pair of tokens, as a table of `length` rows and `length` columns:
# True where the token of the *row* may look at the token of the *column*.


# %% nbgrader={"grade_id": "answer-causal-mask", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def causal_mask(length):
    """Which token may look at which.

    Args:
        length: number of tokens.

    Returns:
        Booleans (length, length): True where the row's token may look at the column's.
    """
    ### BEGIN SOLUTION
    places = np.arange(length)
    return places[:, None] >= places[None, :]
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Number the rows and the columns (`np.arange`), give one of the two a new axis, and compare. Or look up `np.tril`.
#
# </details>
#
# See it: a mark where a token may look.

# %%
try:
    words = ["a", "red", "boat", "at", "night"]
    for word, row in zip(words, np.asarray(ops.convert_to_numpy(causal_mask(len(words)))), strict=True):
        print(
            f"{word:>7} looks at", ", ".join(other for other, may in zip(words, row, strict=True) if may) or "nothing"
        )
except NameError as error:
    print(f"There is nothing to show yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to show yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "causal-mask", "grade": true, "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check("causal-mask", causal_mask)

# %% [markdown]
# ## 2. Predict: how much changes with one word
#
# A prompt is always filled up to the same `length`: 77 tokens in Stable Diffusion, 22 in this course's small model. The
# text encoder makes one row of the context of each. Now the token at place `position` (the first one is at place 0) is
# replaced by another one. How many rows of the context can be different? Think of the mask, and of what happens when many
# blocks follow one another.


# %% nbgrader={"grade_id": "answer-guess-changed-rows", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def changed_rows(length, position):
    """How many rows of the context can change when one token is replaced.

    Args:
        length: number of tokens, and of rows.
        position: the place of the token, counted from 0.

    Returns:
        A whole number.
    """
    ### BEGIN SOLUTION
    return length - position
    ### END SOLUTION


# %% nbgrader={"grade_id": "guess-changed-rows", "grade": true, "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check("guess-changed-rows", changed_rows)

# %% [markdown]
# ## 3. The block that reads
#
# A text encoder is a row of equal blocks. Each of them does two things, and each of the two is normalised before and
# added after, as you know it from exercise 5:
#
# 1. LayerNorm, **attention** with your mask, add;
# 2. LayerNorm, a Dense layer **four times as wide** as the tokens, the exact GELU, a Dense layer back, add.
#
# All layers have a bias, and the epsilon of both norms is 1e-5. The attention need not be written again: Keras has one,
# `keras.layers.MultiHeadAttention(num_heads, head_size)`. It is called as `attention(x, x, attention_mask=mask)`, where
# the first `x` asks and the second one answers. `ops.gelu` computes the tanh form unless you give it
# `approximate=False`.


# %% nbgrader={"grade_id": "answer-text-block", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
class TextBlock(keras.layers.Layer):
    """A block of the text encoder.

    Args:
        num_heads: number of attention heads, N.
        head_size: features of one head, D.

    Call arguments:
        x: tensor (batch, tokens, N * D).

    Returns:
        Tensor of the same shape.
    """

    def __init__(self, num_heads, head_size, **kwargs):
        ### BEGIN SOLUTION
        super().__init__(**kwargs)
        width = num_heads * head_size
        self.norm1 = keras.layers.LayerNormalization(epsilon=1e-5)
        self.attention = keras.layers.MultiHeadAttention(num_heads, head_size)
        self.norm2 = keras.layers.LayerNormalization(epsilon=1e-5)
        self.dense1 = keras.layers.Dense(4 * width)
        self.dense2 = keras.layers.Dense(width)

    def call(self, x):
        h = self.norm1(x)
        x = self.attention(h, h, attention_mask=causal_mask(x.shape[1])) + x
        h = ops.gelu(self.dense1(self.norm2(x)), approximate=False)
        return self.dense2(h) + x

    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Make five layers in `__init__`: two LayerNorms, the attention, two Dense layers. In `call`, give what a norm returns a
# name of its own: the attention gets it twice, and what is added is the `x` from before the norm. The mask is as long as
# there are tokens: `x.shape[1]`.
#
# </details>

# %% nbgrader={"grade_id": "text-block", "grade": true, "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false} autograder={"uses": ["causal-mask"]}
check("text-block", TextBlock)

# %% [markdown]
# Now your block reads. It takes the place of every block in the text encoder that reads the prompts of this course's small
# model, and gets its trained weights. It reads two prompts that differ in one word: token 2, as token 0 is the start. The
# table shows how far each row of the context changes. Was your prediction right?

# %% nbgrader={"grade_id": "draw-context", "grade": false, "locked": true, "schema_version": 3, "solution": false, "task": false}
try:
    run_text_block(TextBlock, "a red fish at sea", "a green fish at sea")
except NameError as error:
    print(f"Nothing is read yet: {error}. Run the cells above first: their checks say more.")
except Exception as error:
    print(f"Nothing is read yet ({type(error).__name__}: {error}). The check above says why.")

# %% [markdown]
# ## 4. Beginning with a picture
#
# A picture can be changed in place of being drawn from nothing. Encode it to a latent, make it noisy, **but not wholly**,
# and walk only the rest of the way. How much is to be new is called the `strength`: of all the timesteps the last
# `strength * len(timesteps)` are walked, rounded down to a whole number. The latent gets the noise that belongs to the
# first of them, in the shares that you know from exercise 11.
#
# At strength 1 all timesteps are left. At strength 0 none is left, and the latent comes back as it was. (Try what
# `timesteps[-0:]` gives.)


# %% nbgrader={"grade_id": "answer-start-from-picture", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def start_from_picture(latent, noise, strength, timesteps, alpha_bars):
    """Where to begin in order to change a picture.

    Args:
        latent: the picture's clean latent, tensor (batch, height, width, channels).
        noise: tensor of the same shape.
        strength: how much of the way is walked, a number from 0 to 1.
        timesteps: array of whole numbers, from noisy to clean.
        alpha_bars: array; alpha_bars[t] is the share of signal at timestep t.

    Returns:
        The latent to begin with, and the timesteps that are left.
    """
    ### BEGIN SOLUTION
    count = int(strength * len(timesteps))
    left = timesteps[len(timesteps) - count :]
    if count == 0:
        return latent, left
    alpha_bar = float(alpha_bars[left[0]])
    return alpha_bar**0.5 * latent + (1 - alpha_bar) ** 0.5 * noise, left
    ### END SOLUTION


# %% nbgrader={"grade_id": "start-from-picture", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("start-from-picture", start_from_picture)

# %% [markdown]
# ## 5. The pipeline
#
# Here is the loop of exercise 10 once more, with all that it needs in one object, `networks`. You need not change it.


# %% nbgrader={"grade_id": "setup-stand-in", "grade": false, "locked": true, "schema_version": 3, "solution": false, "task": false}
def sample(latent, context, unconditional, timesteps, scale, networks):
    """Walks from a noisy latent to a clean one: DDIM with guidance."""
    shares = [float(networks.alpha_bars[t]) for t in timesteps] + [1.0]
    for i, t in enumerate(timesteps):
        embedding = networks.embed(np.full(latent.shape[0], t))
        eps_uncond = networks.unet([latent, embedding, unconditional])
        eps_cond = networks.unet([latent, embedding, context])
        eps = eps_uncond + scale * (eps_cond - eps_uncond)
        x0 = (latent - (1 - shares[i]) ** 0.5 * eps) / shares[i] ** 0.5
        latent = shares[i + 1] ** 0.5 * x0 + (1 - shares[i + 1]) ** 0.5 * eps
    return latent


# %% [markdown]
# `text_to_picture` joins everything:
#
# 1. Both texts become tokens, and both become contexts. Where a sampler without a negative prompt has the empty text,
#    yours has the negative prompt: it goes *away* from what that says.
# 2. `sample` makes the clean latent of the one that is given.
# 3. The UNet works on latents that were **multiplied by `networks.factor`** once they were encoded, so that their
#    variance is 1. The decoder wants them as they were before.
# 4. The decoder gives numbers from about -1 to 1. A picture has numbers from 0 (black) to 1 (white), and none beyond.
#
# | `networks.` | what it does |
# |---|---|
# | `tokenize(texts)` | a **list** of texts to token numbers `(texts, tokens)` |
# | `text_encoder(tokens)` | tokens to a context `(texts, tokens, features)` |
# | `decoder(latent)` | a latent that is not scaled to numbers from about -1 to 1 |
# | `factor` | what latents are multiplied by |
# | `unet`, `embed`, `alpha_bars` | for `sample` |


# %% nbgrader={"grade_id": "answer-text-to-picture", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def text_to_picture(prompt, negative_prompt, latent, timesteps, scale, networks):
    """Draws a picture of a prompt.

    Args:
        prompt: what the picture is to show, a text.
        negative_prompt: what to go away from, a text; "" for nothing.
        latent: where to begin, tensor (1, height, width, channels).
        timesteps: those to walk, from noisy to clean.
        scale: guidance.
        networks: see the table above.

    Returns:
        The picture: tensor (1, height, width, 3) with values from 0 to 1.
    """
    ### BEGIN SOLUTION
    context = networks.text_encoder(networks.tokenize([prompt]))
    unconditional = networks.text_encoder(networks.tokenize([negative_prompt]))
    clean = sample(latent, context, unconditional, timesteps, scale, networks)
    picture = networks.decoder(clean / networks.factor)
    return ops.clip(picture / 2 + 0.5, 0, 1)
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Five lines are enough: two contexts, the clean latent, the decoder, the brightness. For the last one: what has to be
# done with a number from -1 to 1 so that -1 becomes 0, and 1 stays 1? `ops.clip(x, 0, 1)` cuts off what is beyond.
#
# </details>

# %% nbgrader={"grade_id": "text-to-picture", "grade": true, "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("text-to-picture", text_to_picture)

# %% [markdown]
# ## Your pipeline draws
#
# With the trained networks of the course, beside the package's own pipeline, from the same noise. Change the prompt. Put
# something into `negative_prompt`: what comes of "a red house" if the negative prompt is "a red house in snow"?

# %% nbgrader={"grade_id": "draw", "grade": false, "locked": true, "schema_version": 3, "solution": false, "task": false}
drawn = None
try:
    drawn = run_pipeline(text_to_picture, "a yellow star right of a white moon at night", negative_prompt="", seed=1)
except NameError as error:
    print(f"Nothing is drawn yet: {error}. Run the cells above first: their checks say more.")
except Exception as error:
    print(f"Nothing is drawn yet ({type(error).__name__}: {error}). The checks above say why.")

# %% [markdown]
# And now the picture that you have just drawn becomes another one, by your `start_from_picture`: a balloon is to hang
# where the star was. Try other strengths. From where on do places and sizes change, too?

# %% nbgrader={"grade_id": "draw-again", "grade": false, "locked": true, "schema_version": 3, "solution": false, "task": false}
try:
    run_pipeline(
        text_to_picture,
        "a red balloon right of a white moon at night",
        start_from_picture=start_from_picture,
        picture=drawn,
        strength=0.7,
    )
except NameError as error:
    print(f"Nothing is drawn yet: {error}. Run the cells above first: their checks say more.")
except Exception as error:
    print(f"Nothing is drawn yet ({type(error).__name__}: {error}). The checks above say why.")

# %% [markdown]
# ## In your words
#
# Draw the second picture at strengths of 0.3, 0.5, 0.7 and 0.9. Which comes first when the strength grows, the new colour
# or the new form? Why does the text lose against the picture at low strengths, although the guidance is the same? Two or
# three sentences. (This gives no points unless your instructor says so.)

# %% [markdown] nbgrader={"grade_id": "explain", "grade": false, "locked": false, "schema_version": 3, "solution": false, "task": false} autograder={"rubric": {"says which came first, from the four drawings": 1, "at low strengths little noise is added and few steps are left, so the picture is nearly fixed": 1}}
# Write your answer here.

# %% [markdown]
# ## Hand in
#
# Run all cells once more from the top (*Runtime > Restart and run all*), then choose *File > Download > Download
# .ipynb* and hand in the file under the name it has: `12-text-to-picture.ipynb`.
#
# Your code may import what Python itself has, and {{ packages }}. Other packages are not there while a notebook is graded.

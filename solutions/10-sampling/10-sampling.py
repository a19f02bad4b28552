# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercise 10: sampling
#
# About 45 minutes · difficulty: medium · {{ points }} points · chapter 10, *Sampling*
#
# A UNet alone draws nothing: it only says what noise it sees. You write everything around it that makes a picture out
# of noise. Each function is a few lines; the last one puts the others to work, and then **your loop draws**:
#
# 1. `initial_noise`: what a picture begins with (1 point),
# 2. `predict_x0`: the clean latent that a noisy one would be without its noise (1 point),
# 3. `ddim_step`: one step to less noise (2 points),
# 4. `guided_eps`: classifier-free guidance (1 point),
# 5. `guided_variance`: a prediction. What does guidance do to the noise? (2 points),
# 6. `sample`: the loop (3 points).
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
import matplotlib.pyplot as plt
import numpy as np
from keras import ops

# A layer may well be built when it is first called; Keras warns of that.
warnings.filterwarnings("ignore", module=r"keras\.")

# %% [markdown]
# ## 1. Where a picture begins
#
# Sampling begins with a latent that is nothing but noise: every number drawn from a normal distribution of mean 0 and
# standard deviation 1. A latent has four channels and an eighth of the picture's sides.


# %% nbgrader={"grade_id": "answer-initial-noise", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def initial_noise(batch_size, img_height, img_width, seed):
    """Makes the noise that pictures begin with.

    Args:
        batch_size: number of pictures.
        img_height, img_width: sides of the pictures in pixels, multiples of 8.
        seed: integer; the same seed gives the same noise, another one other noise.

    Returns:
        float32 array or tensor (batch_size, img_height / 8, img_width / 8, 4).
    """
    ### BEGIN SOLUTION
    return keras.random.normal((batch_size, img_height // 8, img_width // 8, 4), seed=seed)
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# `keras.random.normal` takes a seed; so does `np.random.default_rng`, whose numbers are float64 unless you ask for
# something else. Mind the whole-number division: a shape is made of integers.
#
# </details>
#
# See it: the four channels of a latent for a picture of 256x128 pixels.

# %%
try:
    noise = ops.convert_to_numpy(initial_noise(1, 256, 128, seed=0))
    figure, axes = plt.subplots(1, 4, figsize=(6, 3), layout="constrained")
    for channel in range(4):
        axes[channel].imshow(noise[0, ..., channel], cmap="RdBu", vmin=-3, vmax=3)
        axes[channel].set_title(f"channel {channel}", fontsize=9)
        axes[channel].set_axis_off()
    plt.show()
except NameError as error:
    print(f"There is nothing to show yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to show yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "initial-noise", "grade": true, "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check("initial-noise", initial_noise)

# %% [markdown]
# ## 2. The clean latent behind the noise
#
# At each timestep a latent is a mixture of a clean latent $x_0$ and noise $\epsilon$, in shares that a schedule fixes:
#
# $$x_t = \sqrt{\bar\alpha_t}\, x_0 + \sqrt{1 - \bar\alpha_t}\; \epsilon$$
#
# The UNet looks at $x_t$ and says what $\epsilon$ is. With that the equation has one unknown left: solve it for $x_0$.


# %% nbgrader={"grade_id": "answer-predict-x0", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def predict_x0(latent, eps, alpha_bar):
    """The clean latent that `latent` would be without its noise.

    Args:
        latent: x_t, tensor (batch, height, width, channels).
        eps: the noise that the UNet sees in it, tensor of the same shape.
        alpha_bar: the share of signal (of variance) at this timestep, a number between 0 and 1.

    Returns:
        Tensor of the same shape.
    """
    ### BEGIN SOLUTION
    return (latent - (1 - alpha_bar) ** 0.5 * eps) / alpha_bar**0.5
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# First bring the noise to the other side, with its factor; then divide by the factor of $x_0$. Both factors are roots.
#
# </details>
#
# See it: a square is mixed with noise in three amounts, and your function takes the noise off again. Since it is told
# the true noise, the second row must show the same square three times.

# %%
try:
    square = np.zeros((1, 16, 16, 1), "float32")
    square[:, 4:12, 4:12] = 1
    true_eps = np.random.default_rng(0).normal(size=square.shape).astype("float32")
    shares = (0.9, 0.5, 0.05)
    noisy = [share**0.5 * square + (1 - share) ** 0.5 * true_eps for share in shares]
    clean = [ops.convert_to_numpy(predict_x0(x, true_eps, share)) for x, share in zip(noisy, shares, strict=True)]
    figure, axes = plt.subplots(2, 3, figsize=(5, 3.4), layout="constrained")
    for axis, picture in zip(axes.flat, noisy + clean, strict=True):
        axis.imshow(picture[0, ..., 0], cmap="gray", vmin=-1, vmax=2)
        axis.set_axis_off()
    for axis, share in zip(axes[0], shares, strict=True):
        axis.set_title(f"alpha_bar {share}", fontsize=9)
    plt.show()
except NameError as error:
    print(f"There is nothing to show yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to show yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "predict-x0", "grade": true, "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check("predict-x0", predict_x0)

# %% [markdown]
# ## 3. One step
#
# The UNet's first guesses are blurred, so the clean latent is not simply taken. A DDIM step makes it noisy again, with
# *the same noise* (no new noise is drawn), but in the smaller amount of the next timestep:
#
# $$x_{\text{next}} = \sqrt{\bar\alpha_{\text{prev}}}\, \hat x_0 + \sqrt{1 - \bar\alpha_{\text{prev}}}\; \epsilon$$
#
# It is called *prev* because training counts the timesteps the other way round, from clean to noisy.


# %% nbgrader={"grade_id": "answer-ddim-step", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def ddim_step(latent, eps, alpha_bar, alpha_bar_prev):
    """One DDIM step to less noise.

    Args:
        latent: x_t, tensor (batch, height, width, channels).
        eps: the noise that the UNet sees in it, tensor of the same shape.
        alpha_bar: the share of signal at this timestep.
        alpha_bar_prev: the share of signal at the next, cleaner one.

    Returns:
        Tensor of the same shape: the latent at the next timestep.
    """
    ### BEGIN SOLUTION
    x0 = predict_x0(latent, eps, alpha_bar)
    return alpha_bar_prev**0.5 * x0 + (1 - alpha_bar_prev) ** 0.5 * eps
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# You have written the first half already. For the second half read the equation of question 2 as a recipe.
#
# </details>

# %% nbgrader={"grade_id": "ddim-step", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false} autograder={"uses": ["predict-x0"]}
check("ddim-step", ddim_step)

# %% [markdown]
# ## 4. Guidance
#
# A UNet that is asked once with the prompt and once with an empty prompt gives two answers. Their difference is what
# the prompt changes. Guidance starts at the answer *without* the prompt and goes `scale` times this difference: with a
# scale of 0 the prompt is ignored, with 1 it is followed as trained, above 1 it is exaggerated.


# %% nbgrader={"grade_id": "answer-guidance", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def guided_eps(eps_uncond, eps_cond, scale):
    """Classifier-free guidance.

    Args:
        eps_uncond: the noise that the UNet sees without a prompt, tensor (batch, height, width, channels).
        eps_cond: the noise that it sees with the prompt, tensor of the same shape.
        scale: how far to go, a number.

    Returns:
        Tensor of the same shape.
    """
    ### BEGIN SOLUTION
    return eps_uncond + scale * (eps_cond - eps_uncond)
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Try your formula with the scales 0 and 1 in your head: the first must give `eps_uncond`, the second `eps_cond`.
#
# </details>

# %% nbgrader={"grade_id": "guidance", "grade": true, "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check("guidance", guided_eps)

# %% [markdown]
# ## 5. Predict: what guidance does to the noise
#
# Noise has a variance of 1; so it had in all latents that the UNet was trained on. Say that both of its answers have a
# variance of 1, too (and a mean of 0), and that they are alike: their correlation is `correlation`, which means that the
# product of the two is `correlation` on average. Both are about the same latent, so that is near 1. What is the variance
# of what `guided_eps` makes of them?
#
# Before you calculate, say for the scales 0, 1, 4 and -1 whether it will be above 1, below 1 or exactly 1.


# %% nbgrader={"grade_id": "answer-guess-guided-spread", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def guided_variance(scale, correlation):
    """The variance of `guided_eps(eps_uncond, eps_cond, scale)`, where both answers have a variance of 1.

    Args:
        scale: of the guidance, any number.
        correlation: of the two answers, a number between -1 and 1.

    Returns:
        A number.
    """
    ### BEGIN SOLUTION
    return (1 - scale) ** 2 + scale**2 + 2 * scale * (1 - scale) * correlation
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Sort by the two answers: something times `eps_uncond` plus something times `eps_cond`. With a mean of 0 the variance is
# the mean of the square. Square it: you get two squares and a product, and you know the mean of each.
#
# </details>
#
# Now measure, with random numbers of a known correlation and your `guided_eps`:

# %%
try:
    correlation, chance = 0.9, np.random.default_rng(2)
    plain, other = chance.normal(size=(2, 1, 300, 300, 4))
    told = correlation * plain + (1 - correlation**2) ** 0.5 * other
    for scale in (0, 0.5, 1, 2, 4, 8, -1):
        guided = ops.convert_to_numpy(guided_eps(plain, told, scale))
        print(f"scale {scale:4}: measured {guided.var():5.2f}, predicted {guided_variance(scale, correlation):5.2f}")
except NameError as error:
    print(f"There is nothing to show yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to show yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "guess-guided-spread", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("guess-guided-spread", guided_variance)

# %% [markdown]
# Between the scales 0 and 1 the noise gets a little weaker, and outside of them it gets stronger than any noise that the
# UNet was trained on. Chapter 10 shows what becomes of pictures that are drawn with a large scale.

# %% [markdown]
# ## 6. The loop
#
# Now put them together. For every timestep, from noisy to clean: embed the timestep, ask the UNet with and without the
# prompt, guide, step. The share of the next step is that of the *next timestep in the list*; after the last one it is
# 1, as no noise may be left.
#
# `unet` takes one list, `[latent, embedding, context]`, with one embedding for each picture. It accepts any batch: ask
# it twice, or once with both halves joined (that is faster).


# %% nbgrader={"grade_id": "answer-sample", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def sample(unet, latent, context, unconditional, timesteps, alpha_bars, scale, embed):
    """Draws latents out of noise.

    Args:
        unet: function of [latent, embedding, context] of any batch size; returns eps, of the latent's shape.
        latent: noise, tensor (batch, height, width, channels).
        context: the prompts, tensor (batch, tokens, features).
        unconditional: the empty prompt, tensor of the same shape.
        timesteps: array of integers, from noisy to clean.
        alpha_bars: array; alpha_bars[t] is the share of signal at timestep t.
        scale: of the guidance.
        embed: function of timesteps (n,); returns their embeddings (n, features).

    Returns:
        Tensor (batch, height, width, channels): the clean latent.
    """
    ### BEGIN SOLUTION
    batch = latent.shape[0]
    for i, t in enumerate(timesteps):
        last = i + 1 == len(timesteps)
        alpha_bar, alpha_bar_prev = float(alpha_bars[t]), 1.0 if last else float(alpha_bars[timesteps[i + 1]])
        embedding = embed(np.full(batch, t))
        eps_uncond = unet([latent, embedding, unconditional])
        eps_cond = unet([latent, embedding, context])
        latent = ddim_step(latent, guided_eps(eps_uncond, eps_cond, scale), alpha_bar, alpha_bar_prev)
    return latent
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# `for i, t in enumerate(timesteps)`. `embed` wants as many timesteps as there are pictures in the call, all the same:
# `np.full(batch, t)`. What you give to `ddim_step` as its last argument depends on whether there is a `timesteps[i + 1]`.
#
# </details>
#
# See it with a UNet that needs no training, because it knows only one picture: whatever the noise, it says how the
# latent differs from a square. The pictures are the latents that your loop shows it, and the last one is what your loop
# returns.

# %%
square = np.zeros((1, 16, 16, 1), "float32")
square[:, 4:12, 4:12] = 1
bars = np.cos(np.linspace(0.02, 0.98, 100) * np.pi / 2).astype("float32") ** 2
shown = []


def knows_one_picture(inputs):
    x, embedding, _ = [ops.convert_to_numpy(part) for part in inputs]
    shown.append(x[0, ..., 0])
    share = bars[embedding[:, 0].astype(int)][:, None, None, None]
    return ops.convert_to_tensor((x - share**0.5 * square) / (1 - share) ** 0.5)


# %%
try:
    start = ops.convert_to_tensor(np.random.default_rng(1).normal(size=(1, 16, 16, 1)), "float32")
    nothing, times = ops.zeros((1, 3, 8)), np.array([99, 80, 60, 40, 20])
    end = sample(knows_one_picture, start, nothing, nothing, times, bars, 1.0, lambda t: np.reshape(t, (-1, 1)))
    strip = [shown[i] for i in range(len(shown)) if i == 0 or not np.array_equal(shown[i], shown[i - 1])]
    strip.append(ops.convert_to_numpy(end)[0, ..., 0])
    figure, axes = plt.subplots(1, len(strip), figsize=(1.4 * len(strip), 1.6), layout="constrained")
    for axis, picture in zip(axes, strip, strict=True):
        axis.imshow(picture, cmap="gray", vmin=-1, vmax=2)
        axis.set_axis_off()
    plt.show()
except NameError as error:
    print(f"There is nothing to show yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to show yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "sample", "grade": true, "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false} autograder={"uses": ["ddim-step", "guidance"]}
check("sample", sample)

# %% [markdown]
# ## Your loop draws
#
# The small UNet that was trained for this course, and your functions around it. Beside it the reference's loop
# draws from the same noise (from *your* noise). Try other prompts, seeds and scales.
#
# The first picture takes up to half a minute. Half of the steps that the bar counts are of your picture, half of the
# reference's.

# %% nbgrader={"grade_id": "draw", "grade": false, "locked": true, "schema_version": 3, "solution": false, "task": false}
try:
    prompt = "a red balloon left of a yellow moon at night"
    functions = {"initial_noise": initial_noise, "predict_x0": predict_x0, "ddim_step": ddim_step}
    draw(prompt, seed=2, scale=4.0, guided_eps=guided_eps, sample=sample, **functions)
except NameError as error:
    print(f"There is nothing to draw yet: {error}. Run the cells above first: their checks say more.")
except Exception as error:
    print(f"There is nothing to draw yet ({type(error).__name__}: {error}). The checks above say more.")

# %% [markdown]
# ## In your words
#
# Where does a *negative* scale lead? Say first what you expect of a scale of -2 and this prompt. Then draw it in the cell
# above, with two or three seeds. What is the opposite of "a red balloon left of a yellow moon at night", and does the
# network know? Two or three sentences. (This gives no points unless your instructor says so.)

# %% [markdown] nbgrader={"grade_id": "explain", "grade": false, "locked": false, "schema_version": 3, "solution": false, "task": false} autograder={"rubric": {"says what was expected, and compares it with two or three drawings": 1, "negative guidance leads away from what the prompt adds; that is no sentence with the opposite meaning": 1}}
# Write your answer here.

# %% [markdown]
# ## Hand in
#
# Run all cells once more from the top (*Runtime > Restart and run all*), then choose *File > Download > Download
# .ipynb* and hand in the file under the name it has: `10-sampling.ipynb`.
#
# Your code may import what Python itself has, and {{ packages }}. Other packages are not there while a notebook is graded.

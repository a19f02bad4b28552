# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercise 11: training
#
# About 45 minutes · difficulty: medium · {{ points }} points · chapter 11, *Training*
#
# Where do the weights come from that everything so far was drawn with? You write what one step of training computes,
# and then **your loss trains a small UNet**, from random weights to pictures, in about five minutes.
#
# 1. `add_noise`: noisy latents, each with a timestep of its own (1 point),
# 2. `velocity`: what the network is asked for (1 point),
# 3. `eps_from_velocity`: back to the noise, for the sampler (2 points),
# 4. `blind_loss`: a prediction. What is the loss of a network that knows nothing? (2 points),
# 5. `drop_text`: texts left out, for guidance (1 point),
# 6. `training_loss`: all of it in one number (3 points).
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

from autograder import check, train  # first: it keeps the libraries' start-up messages away

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import ops

# A layer may well be built when it is first called; Keras warns of that.
warnings.filterwarnings("ignore", module=r"keras\.")

# %% [markdown]
# ## 1. Noise, mixed in on purpose
#
# For training nobody has to say what is in a picture. We take a clean latent $x_0$, draw noise $\epsilon$ and mix:
#
# $$x_t = \sqrt{\bar\alpha_t}\, x_0 + \sqrt{1 - \bar\alpha_t}\; \epsilon$$
#
# You know the formula from exercise 10. New here: every picture of the batch has a timestep of its own, so `alpha_bar`
# holds *one number for each picture*.


# %% nbgrader={"grade_id": "answer-add-noise", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def add_noise(x0, noise, alpha_bar):
    """Mixes clean latents with noise.

    Args:
        x0: clean latents, tensor (batch, height, width, channels).
        noise: tensor of the same shape.
        alpha_bar: the share of signal (of variance) in each picture, tensor (batch,).

    Returns:
        Tensor of the shape of x0.
    """
    ### BEGIN SOLUTION
    alpha_bar = alpha_bar[:, None, None, None]
    return ops.sqrt(alpha_bar) * x0 + ops.sqrt(1 - alpha_bar) * noise
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# (batch,) does not multiply (batch, height, width, channels): broadcasting would line it up with the channels. In
# exercise 3 you gave an embedding two new axes; here it takes three.
#
# </details>
#
# See it: five pictures of a square in one batch, each with its own share. Left it is nearly clean, right nearly noise.

# %%
try:
    shares = np.array([0.99, 0.8, 0.5, 0.2, 0.01], "float32")
    squares = np.zeros((5, 16, 16, 1), "float32")
    squares[:, 4:12, 4:12] = 2
    grains = np.random.default_rng(0).normal(size=squares.shape).astype("float32")
    noisy = ops.convert_to_numpy(add_noise(*map(ops.convert_to_tensor, (squares, grains, shares))))
    figure, axes = plt.subplots(1, 5, figsize=(6, 1.6), layout="constrained")
    for axis, picture, share in zip(axes, noisy, shares, strict=True):
        axis.imshow(picture[..., 0], cmap="gray", vmin=-2, vmax=3)
        axis.set_title(f"{share:g}", fontsize=10)
        axis.set_axis_off()
    plt.show()
except NameError as error:
    print(f"There is nothing to show yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to show yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "add-noise", "grade": true, "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check("add-noise", add_noise)

# %% [markdown]
# ## 2. What the network is asked for
#
# It sees $x_t$. Asking it for the noise is easy where there is a lot of noise, and asking for the picture is easy where
# there is hardly any. Stable Diffusion 2.1 and our small model are asked for a mixture of both that is never too easy:
#
# $$v = \sqrt{\bar\alpha_t}\; \epsilon - \sqrt{1 - \bar\alpha_t}\; x_0$$


# %% nbgrader={"grade_id": "answer-velocity", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def velocity(x0, noise, alpha_bar):
    """What the network is to answer about `add_noise(x0, noise, alpha_bar)`.

    Args:
        x0: clean latents, tensor (batch, height, width, channels).
        noise: tensor of the same shape.
        alpha_bar: the share of signal in each picture, tensor (batch,).

    Returns:
        v, tensor of the shape of x0.
    """
    ### BEGIN SOLUTION
    alpha_bar = alpha_bar[:, None, None, None]
    return ops.sqrt(alpha_bar) * noise - ops.sqrt(1 - alpha_bar) * x0
    ### END SOLUTION


# %% nbgrader={"grade_id": "velocity", "grade": true, "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check("velocity", velocity)

# %% [markdown]
# ## 3. From v back to the noise
#
# The sampler of exercise 10 wants $\epsilon$, and the network answers with $v$. But $x_t$ and $v$ are two equations for
# two unknowns, $x_0$ and $\epsilon$. Solve them for $\epsilon$. (On paper: multiply each equation by a root so that
# $x_0$ drops out when you add them.)


# %% nbgrader={"grade_id": "answer-eps-from-velocity", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def eps_from_velocity(x_t, v, alpha_bar):
    """The noise that a network sees which answers v.

    Args:
        x_t: noisy latents, tensor (batch, height, width, channels).
        v: what the network says about them, tensor of the same shape.
        alpha_bar: the share of signal in each picture, tensor (batch,).

    Returns:
        The noise, tensor of the same shape.
    """
    ### BEGIN SOLUTION
    alpha_bar = alpha_bar[:, None, None, None]
    return ops.sqrt(alpha_bar) * v + ops.sqrt(1 - alpha_bar) * x_t
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Write $a$ for the root of the share of signal and $b$ for the other root: $x_t = a\,x_0 + b\,\epsilon$ and
# $v = a\,\epsilon - b\,x_0$. Take $b$ times the first and $a$ times the second, and add. Then remember what
# $a^2 + b^2$ is.
#
# </details>
#
# Try it: there and back again must give the noise.

# %%
try:
    x_t, v = (function(squares, grains, ops.convert_to_tensor(shares)) for function in (add_noise, velocity))
    back = ops.convert_to_numpy(eps_from_velocity(x_t, v, ops.convert_to_tensor(shares)))
    print(f"largest difference from the true noise: {np.abs(back - grains).max():.1e}")
except NameError as error:
    print(f"There is nothing to show yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to show yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "eps-from-velocity", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("eps-from-velocity", eps_from_velocity)

# %% [markdown]
# ## 4. Predict: the loss of a network that knows nothing
#
# The loss will be the mean of $(\hat v - v)^2$ over all numbers of the answer. Before you train, say what it will be at
# the start. Take a network that *always answers 0*, whatever it sees. The noise has mean 0 and variance 1. The clean
# latents have mean 0 and the variance `variance`; they know nothing of the noise. What is the loss to be expected at a
# timestep whose share of signal is `alpha_bar`?
#
# Think first, write it down, and only then run the cell below: it measures.


# %% nbgrader={"grade_id": "answer-guess-blind-loss", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def blind_loss(alpha_bar, variance):
    """The loss to be expected of a network that always answers 0.

    Args:
        alpha_bar: the share of signal, a number between 0 and 1.
        variance: of the clean latents, a number.

    Returns:
        A number.
    """
    ### BEGIN SOLUTION
    return alpha_bar + (1 - alpha_bar) * variance
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Where the answer is 0, the error is $v$ itself, so the loss is the variance of $v$. A factor acts on a variance by its
# square, and the variances of independent things add up.
#
# </details>
#
# Now measure: latents with a standard deviation of 2, so a variance of 4, at five shares.

# %%
try:
    chance = np.random.default_rng(1)
    for share in shares:
        x0, noise = 2 * chance.normal(size=(8, 32, 32, 4)), chance.normal(size=(8, 32, 32, 4))
        v = velocity(*(ops.convert_to_tensor(a, "float32") for a in (x0, noise, np.full(8, share))))
        measured = float(ops.mean(ops.square(v)))
        print(f"alpha_bar {share:4.2f}: measured {measured:.2f}, predicted {blind_loss(float(share), 4.0):.2f}")
except NameError as error:
    print(f"There is nothing to show yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to show yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "guess-blind-loss", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("guess-blind-loss", blind_loss)

# %% [markdown]
# With a variance of 1 the two shares add up to 1, at every timestep. That is one reason why latents are scaled to a
# variance of 1 before a UNet is trained on them: a loss of 1 then means "it knows nothing", whatever the timestep, and
# no timestep is louder than another. Remember that number when you see your loss curve.

# %% [markdown]
# ## 5. Leaving the text out
#
# Guidance needs a network that can also be asked *without* a prompt. So in training the prompt of some pictures is
# replaced by the empty prompt, here that of one picture in ten. Which ones is decided elsewhere: `dropped` says it.


# %% nbgrader={"grade_id": "answer-drop-text", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def drop_text(context, unconditional, dropped):
    """Replaces the context of some pictures by that of the empty prompt.

    Args:
        context: the prompts, tensor (batch, words, features).
        unconditional: the empty prompt for each picture, tensor of the same shape.
        dropped: booleans (batch,), True where the prompt is to be replaced.

    Returns:
        Tensor of the same shape.
    """
    ### BEGIN SOLUTION
    return ops.where(dropped[:, None, None], unconditional, context)
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# `ops.where(condition, a, b)` takes from `a` where the condition is True and from `b` elsewhere. The condition needs as
# many axes as the two have.
#
# </details>

# %% nbgrader={"grade_id": "drop-text", "grade": true, "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check("drop-text", drop_text)

# %% [markdown]
# ## 6. One number: the loss
#
# Now put them together: look up each picture's share at its timestep, make the noisy latents, ask the network, and
# compare its answer with $v$. The loss is the mean of the squared differences, over everything.


# %% nbgrader={"grade_id": "answer-training-loss", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def training_loss(predict, x0, noise, timesteps, context, alpha_bars, embed):
    """The mean squared error of the network's v.

    Args:
        predict: the network, called on one list [x_t, embedding, context]; returns its v.
        x0: clean latents, tensor (batch, height, width, channels).
        noise: tensor of the same shape.
        timesteps: one for each picture, tensor of integers (batch,).
        context: the prompts, tensor (batch, words, features).
        alpha_bars: array or tensor; alpha_bars[t] is the share of signal at timestep t.
        embed: function of timesteps (batch,); returns their embeddings (batch, features).

    Returns:
        The loss, a scalar tensor.
    """
    ### BEGIN SOLUTION
    alpha_bar = ops.take(alpha_bars, timesteps)
    x_t = add_noise(x0, noise, alpha_bar)
    v = predict([x_t, embed(timesteps), context])
    return ops.mean(ops.square(v - velocity(x0, noise, alpha_bar)))
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# `ops.take(alpha_bars, timesteps)` looks up all shares at once. `ops.square` and `ops.mean` do the rest. (With NumPy
# functions the check passes, too, but nothing can be trained: gradients flow through `keras.ops` only.)
#
# </details>

# %% nbgrader={"grade_id": "training-loss", "grade": true, "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false} autograder={"uses": ["add-noise", "velocity"]}
check("training-loss", training_loss)

# %% [markdown]
# ## Your loss trains
#
# Everything that chance decides in a step is decided in `one_step`: the noise, the timesteps, and whose text is left
# out. Keras does the rest: it takes the gradient of your loss with respect to each weight, and moves each weight a
# little downhill.
#
# The network has the blocks of the big UNet, in two levels of 64 channels, and starts from random weights. It lives in
# another world than the model that draws boats and moons in the other exercises, an easier one: a flat shape on a plain
# ground, in pictures of 64x64 pixels. Scenes take hours to learn, shapes take five minutes on a CPU, and the loop is the
# same. An autoencoder that was trained before makes the latents of this world and decodes them. Your `eps_from_velocity`
# turns the network's answers into noise for the sampler.


# %%
def one_step(world, x0, context, chance):
    """The loss of one batch. `chance` is Keras' generator of random numbers, `world` holds what does not change."""
    batch = ops.shape(x0)[0]
    noise = keras.random.normal(ops.shape(x0), seed=chance)
    timesteps = keras.random.randint((batch,), 0, len(world.alpha_bars), seed=chance)
    dropped = keras.random.uniform((batch,), seed=chance) < 0.1
    unconditional = ops.broadcast_to(world.unconditional, ops.shape(context))
    context = drop_text(context, unconditional, dropped)
    return training_loss(world.unet, x0, noise, timesteps, context, world.alpha_bars, world.embed)


# %% [markdown]
# It takes about five minutes in Colab. Watch the pictures: what does the network learn first, and what last? (To try it
# out quickly, set `STEPS` to 300. The learning rate goes down to 0 by the last step, however many there are.)

# %% nbgrader={"grade_id": "draw", "grade": false, "locked": true, "schema_version": 3, "solution": false, "task": false}
STEPS = 3000
try:
    train(one_step, eps_from_velocity, steps=STEPS)
except NameError as error:
    print(f"Nothing is trained yet: {error}. Run the cells above first: their checks say more.")
except Exception as error:
    print(f"Nothing is trained yet ({type(error).__name__}: {error}). The checks above say why.")

# %% [markdown]
# ## In your words
#
# In the last two thirds of the training the loss falls only a little, and yet the pictures change from blobs to shapes. How
# can so small a change of one number go with so large a change of the pictures? And what would you do to get better shapes
# still? Two or three sentences. (This gives no points unless your instructor says so.)

# %% [markdown] nbgrader={"grade_id": "explain", "grade": false, "locked": false, "schema_version": 3, "solution": false, "task": false} autograder={"rubric": {"most of the loss cannot be predicted whatever the network is, and the little that can is the shapes": 1, "names a change with a reason, such as more steps, a larger network or more pictures": 1}}
# Write your answer here.

# %% [markdown]
# ## Hand in
#
# Run all cells once more from the top (*Runtime > Restart and run all*), then choose *File > Download > Download
# .ipynb* and hand in the file under the name it has: `11-training.ipynb`.
#
# Your code may import what Python itself has, and {{ packages }}. Other packages are not there while a notebook is graded.

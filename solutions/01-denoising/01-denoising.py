# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercise 1: denoising step by step
#
# About 20 minutes · difficulty: easy · {{ points }} points · chapter 1, *Denoising step by step*
#
# You write the loop that turns noise into a picture, in its smallest form: the picture to arrive at is known, and every
# step goes the same share of the way. In chapter 10 the same loop runs with a network that has to *guess* where to go.
# Four questions lead up to it:
#
# 1. `denoise_step`: one step towards the desired picture (2 points),
# 2. `denoise`: the loop over steps, keeping every picture on the way (3 points),
# 3. `remaining_error`: how much of the error is left after so many steps, without running them (2 points),
# 4. `steps_needed`: a prediction. How many steps does it take? (3 points)
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
# Here is a picture to arrive at, made of formulas: a sun over the sea. And here is where we start: nothing but noise.

# %%
height, width = 48, 64
y, x = np.mgrid[0:height, 0:width]
desired = np.stack([0.55 - 0.3 * y / height, 0.75 - 0.2 * y / height, 0.95 - 0.1 * y / height], axis=-1)
desired[(x - 44) ** 2 + (y - 14) ** 2 < 64] = [1.0, 0.9, 0.4]  # the sun
waves = 0.1 * np.sin(x / 3 + y)[..., None]
desired = np.where((y > 32)[..., None], np.array([0.1, 0.3, 0.5]) + waves, desired).astype("float32")
noise = np.random.default_rng(1).normal(0.5, 0.5, desired.shape).astype("float32")

print("a picture's shape is (height, width, colours):", desired.shape)


def show(pictures, titles):
    _, axes = plt.subplots(1, len(pictures), figsize=(2 * len(pictures), 1.9), layout="constrained", squeeze=False)
    for axis, picture, title in zip(axes[0], pictures, titles, strict=True):
        axis.imshow(np.clip(ops.convert_to_numpy(picture), 0, 1))
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
    plt.show()


show([noise, desired], ["where we start", "where we want to go"])

# %% [markdown]
# ## 1. One step
#
# A step moves every pixel the share $\alpha$ (`alpha`) of the way to the desired picture:
#
# $$I_{t+1} = I_t - \alpha\,(I_t - D)$$
#
# With $\alpha = 0$ nothing happens, with $\alpha = 1$ we are there at once. The formula does not look at the shape: one
# picture, a batch of them or a single row of pixels, it works for all.


# %% nbgrader={"grade_id": "answer-denoise-step", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def denoise_step(image, desired, alpha):
    """Makes one step towards the desired picture.

    Args:
        image: tensor of any shape, for example (batch, height, width, channels).
        desired: tensor of the same shape.
        alpha: a number from 0 to 1, the share of the way to go.

    Returns:
        Tensor of the same shape: the picture after the step.
    """
    ### BEGIN SOLUTION
    return image - alpha * (image - desired)
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# The difference between the two pictures is itself an array of that shape. Take the share `alpha` of it off.
#
# </details>
#
# See what your step does. The numbers are the mean distance from the desired picture, before and after.

# %%
try:
    stepped = denoise_step(noise, desired, 0.3)
    before, after = np.abs(noise - desired).mean(), np.abs(ops.convert_to_numpy(stepped) - desired).mean()
    show([noise, stepped, desired], [f"start: {before:.3f}", f"one step of 0.3: {after:.3f}", "desired"])
except NameError as error:
    print(f"There is nothing to show yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to show yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "denoise-step", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("denoise-step", denoise_step)

# %% [markdown]
# ## 2. The loop
#
# Every step begins where the one before it ended. To see the noise go we keep all pictures: the start, then the
# picture after each step. With 5 steps that makes 6 pictures, stacked along a new first axis.


# %% nbgrader={"grade_id": "answer-denoise", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def denoise(image, desired, alpha, steps):
    """Makes several steps and keeps every picture.

    Args:
        image: tensor of any shape: the start.
        desired: tensor of the same shape.
        alpha: a number from 0 to 1, the share of the way that each step goes.
        steps: number of steps, an int of at least 1.

    Returns:
        One tensor of shape (steps + 1, ...), where ... is the shape of image: the start, then the picture after each
        step.
    """
    ### BEGIN SOLUTION
    pictures = [image]
    for _ in range(steps):
        pictures.append(denoise_step(pictures[-1], desired, alpha))
    return ops.stack(pictures)
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Collect the pictures in a list that already holds the start. `ops.stack` makes one tensor of a list.
#
# </details>

# %%
try:
    pictures = denoise(noise, desired, alpha=0.3, steps=10)
    print("shape:", tuple(pictures.shape))
    shown = (0, 1, 2, 4, 7, 10)
    show([pictures[step] for step in shown], [f"step {step}" for step in shown])
except NameError as error:
    print(f"There is nothing to show yet: {error}. Run the cells above first; the check below says more.")
except Exception as error:
    print(f"There is nothing to show yet ({type(error).__name__}: {error}). The check below says more.")

# %% nbgrader={"grade_id": "denoise", "grade": true, "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false} autograder={"uses": ["denoise-step"]}
check("denoise", denoise)

# %% [markdown]
# ## 3. What is left
#
# How far from the desired picture is the result? The chapter shows that no step needs to be run to know it: each step
# leaves the same share of the error that it found. What share of the *first* error is left after `steps` steps?
#
# Your answer is one number, from 0 to 1, a Python float for example.


# %% nbgrader={"grade_id": "answer-remaining-error", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def remaining_error(alpha, steps):
    """The share of the first error that is left after some steps.

    Args:
        alpha: a number from 0 to 1, both included.
        steps: number of steps, an int of at least 0.

    Returns:
        A number: 1 if all of the error is left, 0 if none is.
    """
    ### BEGIN SOLUTION
    return (1 - alpha) ** steps
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Subtract D from both sides of the step's formula. What stands on the right is the old error times something.
#
# </details>
#
# Compare your prediction with what `denoise` does: one is worked out, the other measured, and they should agree.

# %%
try:
    first = np.linalg.norm(noise - desired)
    for alpha, steps in ((0.3, 1), (0.3, 10), (0.05, 10), (0.05, 60)):
        last = ops.convert_to_numpy(denoise(noise, desired, alpha, steps))[-1]
        measured = np.linalg.norm(last - desired) / first
        print(f"alpha {alpha}, {steps:2} steps: predicted {remaining_error(alpha, steps):.4f}, measured {measured:.4f}")
except NameError as error:
    print(f"There is nothing to compare yet: {error}. Run the cells above first: their checks say more.")
except Exception as error:
    print(f"There is nothing to compare yet ({type(error).__name__}: {error}). The checks say more.")

# %% nbgrader={"grade_id": "remaining-error", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("remaining-error", remaining_error)

# %% [markdown]
# ## 4. Count: how many steps does it take?
#
# Now the other way round. No more than `share` of the first error may be left. What is the *smallest* number of steps
# after which that is so? Guess first, for your own eyes: with alpha 0.05, how many steps until only a hundredth is left?
# 20? 50? 100? Then write the function, and only then run the cell below it: it counts.


# %% nbgrader={"grade_id": "answer-count-steps", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def steps_needed(alpha, share):
    """The smallest number of steps after which at most a given share of the first error is left.

    Args:
        alpha: a number between 0 and 1, the share of the way that each step goes.
        share: a number above 0 and up to 1, what may be left of the first error.

    Returns:
        A whole number, 0 or more.
    """
    ### BEGIN SOLUTION
    return math.ceil(math.log(share) / math.log(1 - alpha))
    ### END SOLUTION


# %% [markdown]
# <details><summary>A hint</summary>
#
# Two ways lead there. A loop can multiply and count. Or solve $(1 - \alpha)^t = \mathrm{share}$ for $t$ with a
# logarithm, and think about what to do with a number of steps that is not whole.
#
# </details>
#
# Now measure: `denoise` runs, and we look for the first picture that is near enough.

# %%
try:
    for alpha, share in ((0.05, 0.5), (0.05, 0.01), (0.3, 0.01), (0.9, 0.02)):
        errors = ops.convert_to_numpy(denoise(noise, desired, alpha, steps=100)) - desired
        left = np.linalg.norm(errors.reshape(101, -1), axis=1) / np.linalg.norm(errors[0])
        counted, predicted = np.argmax(left <= share), steps_needed(alpha, share)
        print(f"alpha {alpha}, at most {share} left: counted {counted} steps, predicted {predicted}")
except NameError as error:
    print(f"There is nothing to count yet: {error}. Run the cells above first: their checks say more.")
except Exception as error:
    print(f"There is nothing to count yet ({type(error).__name__}: {error}). The checks say more.")

# %% nbgrader={"grade_id": "count-steps", "grade": true, "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("count-steps", steps_needed)

# %% [markdown]
# ## In your words
#
# Half way through a run somebody takes the desired picture away and puts another one in its place; the remaining steps go
# there. Where does the run end up, and how much does it matter what the first half went towards? What does that say about
# a network whose first guesses are poor? Two or three sentences. (This gives no points unless your instructor says so.)

# %% [markdown] nbgrader={"grade_id": "explain", "grade": false, "locked": false, "schema_version": 3, "solution": false, "task": false} autograder={"rubric": {"the run ends near the second picture: each step shrinks what the first half left of the error": 1, "so poor first guesses do little harm if the later ones are better": 1}}
# Write your answer here.

# %% [markdown]
# ## Hand in
#
# Run all cells once more from the top (*Runtime > Restart and run all*), then choose *File > Download > Download
# .ipynb* and hand in the file under the name it has: `01-denoising.ipynb`.
#
# Your code may import what Python itself has, and {{ packages }}. Other packages are not there while a notebook is graded.

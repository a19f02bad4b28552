# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Stable Diffusion 2 with your blocks
#
# In the exercises your blocks drew with a small model. Here they take their places in Stable Diffusion 2 itself, with
# the weights it was trained with, and draw 512×512 pixels: 866 million numbers, and what is computed with them is
# written by you.
#
# This notebook needs a GPU (*Runtime > Change runtime type > T4 GPU*) and downloads about 5 GB. The weights are those
# of Stable Diffusion 2.1-*base*, which predicts the noise, as your exercises do. (2.1 without *base* draws 768×768
# and predicts v.) Nothing here is graded.
#
# Run the next cell first. In Colab it installs the course's package and changes nothing else.

# %%
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

try:
    import google.colab  # are we in Colab?
except ImportError:
    pass  # no: the course is installed already
else:
    package = "git+{{ repository }}@{{ ref }}"
    if subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", package]).returncode:
        raise RuntimeError("The course's package could not be fetched. Is there a network? Then run this cell again.")

import matplotlib.pyplot as plt

from autograder.drawing.handed_in import blocks_of
from autograder.drawing.own_unet import own_unet, rehearse
from autograder.reference import load_stable_diffusion, text_to_picture

# A layer may well be built when it is first called; Keras warns of that.
warnings.filterwarnings("ignore", module=r"keras\.")

# %% [markdown]
# ## 1. Your blocks
#
# Put your notebooks of exercises 2 to 9 beside this one: open the folder at the left edge and drop them there, as many
# as you have. The next cell runs them (without their checks) and collects your classes and functions by their names.
# A cell that fails is named; the others count all the same.

# %%
blocks, notes = blocks_of(sorted(Path().glob("0[2-9]*.ipynb")))
print("found:", ", ".join(blocks) or "none")
for note in notes:
    print(note)

# %% [markdown]
# Or paste a block into the next cell, and enter it by its name, for example `blocks["ResBlock"] = ResBlock`. The names
# are those of the exercises: `PaddedConv2D`, `TimeEmbedding`, `ResBlock`, `SpatialTransformer`,
# `BasicTransformerBlock`, `GEGLU`, `CrossAttention`, `td_dot`, `Upsample`, `down_flow`, `middle_flow`, `up_flow`,
# `exit_flow`, `build_unet`.

# %%
# class ResBlock(keras.layers.Layer): ...
# blocks["ResBlock"] = ResBlock

# %% [markdown]
# ## 2. A rehearsal
#
# Your layers have weights in an order of their own. In a UNet with random weights, small enough for a few seconds, we
# find out which of yours stands for which of the trained ones, and whether each block computes what the reference's
# does. Where the number is about 0.000001, only rounding is left. A block that computes something else may still
# draw: you will see what it does to the picture.

# %%
rehearsal = rehearse(blocks)
print(rehearsal)

# %% [markdown]
# ## 3. The trained weights
#
# The networks compute in half precision here (float16): half the memory, and far faster on a GPU. This takes a few
# minutes the first time, as the weights are downloaded and their hashes checked.

# %%
networks = load_stable_diffusion(512, 512, dtype="float16")

# %% [markdown]
# Now a second UNet is made of your blocks, and the trained weights are put into it. Where you have no block of your
# own, the reference's layers are used.

# %%
mine = replace(networks, unet=own_unet(networks.unet, rehearsal))

# %% [markdown]
# ## 4. Draw
#
# Both pictures begin with the same noise. If your blocks are right, the pictures are alike; in half precision,
# rounding may move a hair here and there.

# %%
prompt = "a photograph of an astronaut riding a horse"
negative_prompt = ""
seed = 0


def progress(done, total):
    print(f"\rstep {done} of {total}", end="" if done < total else "\n")


def draw_both(**how):
    made = {"your blocks": mine, "the reference's": networks}
    figure, axes = plt.subplots(1, len(made), figsize=(10, 5.4), layout="constrained")
    for axis, (title, those) in zip(axes, made.items()):
        axis.imshow(text_to_picture(prompt, those, negative_prompt, seed, progress, **how))
        axis.set_title(title)
        axis.set_axis_off()
    figure.suptitle(prompt)
    plt.show()


draw_both(steps=25, guidance=7.5)

# %% [markdown]
# ## 5. What you can try
#
# - Another `prompt` or `seed`. In `negative_prompt` stands what the picture should not show.
# - `guidance=1` (none), `guidance=20` (far too much): exercise 10 in large.
# - `sampler="ddim"`, your own way to draw, against the default `sampler="dpm"`, which is of second order, with 5, 10
#   and 25 `steps`.
# - Spoil a block on purpose: leave out `1/sqrt(d)`, or the residual. Enter it in `blocks`, and run everything from the
#   rehearsal on.
# - A picture to start from: load the networks with `with_encoder=True`, and give `start_from`, a uint8 array of
#   512×512×3, and `strength`, from 0 (leave it as it is) to 1.

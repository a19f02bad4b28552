# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What the hostile corpus attacks
#
# Two functions and a layer, each quick to check.

# %% nbgrader={"grade_id": "setup", "grade": false, "locked": true, "schema_version": 3, "solution": false, "task": false}
from autograder import check

import keras
import numpy as np
from keras import ops


# %% nbgrader={"grade_id": "answer-broadcast-embedding", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def broadcast_embedding(embeddings):
    ### BEGIN SOLUTION
    return embeddings[:, None, None]
    ### END SOLUTION


# %% nbgrader={"grade_id": "broadcast-embedding", "grade": true, "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
check("broadcast-embedding", broadcast_embedding)


# %% nbgrader={"grade_id": "answer-denoise-step", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def denoise_step(image, desired, alpha):
    ### BEGIN SOLUTION
    return image - alpha * (image - desired)
    ### END SOLUTION


# %% nbgrader={"grade_id": "denoise-step", "grade": true, "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
check("denoise-step", denoise_step)


# %% nbgrader={"grade_id": "answer-padded-conv", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
class PaddedConv2D(keras.layers.Layer):
    ### BEGIN SOLUTION
    def __init__(self, filters, kernel_size, padding=0, strides=1):
        super().__init__()
        self.pad = keras.layers.ZeroPadding2D(padding)
        self.conv = keras.layers.Conv2D(filters, kernel_size, strides=strides)

    def call(self, inputs):
        return self.conv(self.pad(inputs))

    ### END SOLUTION


# %% nbgrader={"grade_id": "padded-conv", "grade": true, "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
check("padded-conv", PaddedConv2D)

# %% [markdown] nbgrader={"grade_id": "explain", "grade": false, "locked": false, "schema_version": 3, "solution": false, "task": false}
# Why does it pad? (Outside the points.)

# %% [markdown]
# Hand in with File > Download .ipynb.

# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A small exercise
#
# Two questions of the course that take next to no time.

# %% nbgrader={"grade_id": "setup", "grade": false, "locked": true, "schema_version": 3, "solution": false, "task": false}
# From {{ repository }}, at {{ ref }}; {{ unknown }} stays.
from autograder import check

# %precision 3

# %% [markdown]
# ## Broadcast


# %% nbgrader={"grade_id": "answer-broadcast-embedding", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def broadcast_embedding(embeddings):
    """Gives an embedding two more axes."""
    ### BEGIN SOLUTION
    taller = embeddings[:, None]  # the secret of the axes
    return taller[:, None]
    ### END SOLUTION


# %% nbgrader={"grade_id": "broadcast-embedding", "grade": true, "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("broadcast-embedding", broadcast_embedding)

# %% [markdown]
# ## Step


# %% nbgrader={"grade_id": "answer-denoise-step", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def denoise_step(image, desired, alpha):
    ### BEGIN SOLUTION
    return image - alpha * (image - desired)
    ### END SOLUTION


# %% nbgrader={"grade_id": "denoise-step", "grade": true, "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
check("denoise-step", denoise_step)
### BEGIN HIDDEN TESTS
assert denoise_step(12345, 152399025, 0) == 12345
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "explain", "grade": false, "locked": false, "schema_version": 3, "solution": false, "task": false}
# Why is the step not taken at once? (Outside the points.)

# %% [markdown]
# Hand in with File > Download .ipynb.

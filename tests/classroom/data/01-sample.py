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
# Its checks are written in the notebook itself, so that a test's kernel need not load Keras.

# %% nbgrader={"grade_id": "setup", "grade": false, "locked": true, "schema_version": 3, "solution": false, "task": false}
# From {{ repository }}, at {{ ref }}; {{ unknown }} stays.
import os
import sys

# %precision 3


class CheckFailed(Exception):
    pass


def check(question, answer):
    print("scale", os.environ.get("AUTOGRADER_SCALE"), "device", os.environ.get("AUTOGRADER_DEVICE"))
    print("seed", os.environ.get("AUTOGRADER_SEED", "none"))
    right = {"double": 6, "square": 9}[question]
    received = answer(3)
    if received == 3:
        raise CheckFailed(f"{question}: the input comes back unchanged\n  Received: 3\nMistake: identity")
    if received != right:
        raise CheckFailed(f"{question}: not right yet")
    print(f"{question}: right", file=sys.stderr)


# %% [markdown]
# ## Double


# %% nbgrader={"grade_id": "answer-double", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def double(x):
    """Twice x."""
    ### BEGIN SOLUTION
    twice = x + x  # the secret of doubling
    return twice
    ### END SOLUTION


# %% nbgrader={"grade_id": "double", "grade": true, "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("double", double)

# %% [markdown]
# ## Square


# %% nbgrader={"grade_id": "answer-square", "grade": false, "locked": false, "schema_version": 3, "solution": true, "task": false}
def square(x):
    ### BEGIN SOLUTION
    return x**2
    ### END SOLUTION


# %% nbgrader={"grade_id": "square", "grade": true, "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
check("square", square)
### BEGIN HIDDEN TESTS
assert square(12345) == 152399025
### END HIDDEN TESTS

# %% [markdown] nbgrader={"grade_id": "explain", "grade": false, "locked": false, "schema_version": 3, "solution": false, "task": false}
# Why is a square never negative? (Outside the points.)

# %% [markdown]
# Hand in with File > Download .ipynb.

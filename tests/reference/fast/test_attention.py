"""Attention in slices, or by a backend's fused kernel, is the formula."""

import keras
import numpy as np
import pytest
from keras import ops

from autograder.reference import td_dot
from autograder.reference.fast import attention

from ..helpers import normal, relative_error

TOLERANCE = 1e-5  # float32 sums in another order
HEADS, TOKENS, ASKED, SIZE = 3, 8, 5, 4


@pytest.fixture
def case():
    """(q, k, v, what the formula makes of them in double precision with a scale of 0.3)"""
    q = normal(2, TOKENS, HEADS, SIZE)
    k, v = (normal(2, ASKED, HEADS, SIZE, seed=seed) for seed in (1, 2))
    scores = np.einsum("bsnd,btnd->bnst", q.astype("float64"), k) * 0.3
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return q, k, v, np.einsum("bnst,btnd->bsnd", weights, v)


def own_product(a, b):
    """Not `td_dot` itself: no fused kernel may take its place."""
    return td_dot(a, b)


@pytest.mark.parametrize("product", [td_dot, own_product])
@pytest.mark.parametrize("slices", [1, 2, 4])
def test_attention_in_slices_equals_the_formula(monkeypatch, case, slices, product):
    *qkv, expected = case
    monkeypatch.setattr(attention, "SCORES_AT_ONCE", HEADS * TOKENS * ASKED // slices)
    y = ops.convert_to_numpy(attention.attend(*qkv, scale=0.3, product=product))
    assert relative_error(y, expected) < TOLERANCE


def test_attention_multiplies_each_slice_by_the_product_it_is_given(monkeypatch, case):
    *qkv, _ = case
    shapes = []

    def noted(a, b):
        shapes.append((a.shape[2], b.shape[3]))
        return td_dot(a, b)

    monkeypatch.setattr(attention, "SCORES_AT_ONCE", HEADS * TOKENS * ASKED // 2)
    attention.attend(*qkv, scale=0.3, product=noted)
    assert shapes == [(TOKENS // 2, ASKED), (TOKENS // 2, SIZE)] * 2


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the other backends have fused kernels")
def test_attention_of_an_odd_number_of_queries_is_one_slice(monkeypatch):
    monkeypatch.setattr(attention, "SCORES_AT_ONCE", 1)
    q, k, v = normal(2, 7, 3, 4), normal(2, 5, 3, 4, seed=1), normal(2, 5, 3, 4, seed=2)
    assert tuple(attention.attend(q, k, v, scale=0.5).shape) == (2, 7, 3, 4)

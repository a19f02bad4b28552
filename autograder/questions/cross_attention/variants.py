"""Attentions with one thing wrong each: what the mistakes of exercise 06 compute."""

import keras
import numpy as np
from keras import ops


def linear(units, use_bias=False):
    return keras.layers.Dense(units, use_bias=use_bias)


class Attention(keras.layers.Layer):
    """A right CrossAttention, cut into the steps that a mistake changes.

    Shapes: B batch, S query tokens, T context tokens, N heads, D head size.
    """

    bias, out_bias = False, True

    def __init__(self, num_heads, head_size):
        super().__init__()
        self.num_heads, self.head_size, self.width = num_heads, head_size, num_heads * head_size
        self.scale = head_size**-0.5
        self.to_q, self.to_k, self.to_v = (linear(self.width, self.bias) for _ in range(3))
        self.out_proj = linear(self.width, self.out_bias)

    def sources(self, inputs, context):
        """What queries, keys and values are made from."""
        return inputs, context, context

    def project(self, q, k, v):
        return self.to_q(q), self.to_k(k), self.to_v(v)

    def split(self, a):
        """`(B, S, N·D)` to `(B, N, S, D)`."""
        return ops.transpose(ops.reshape(a, (-1, a.shape[1], self.num_heads, self.head_size)), (0, 2, 1, 3))

    def scores(self, q, k):
        return ops.matmul(q, ops.swapaxes(k, -1, -2)) * self.scale

    def weights_of(self, scores):
        return ops.softmax(scores, axis=-1)

    def merge(self, out):
        """`(B, N, S, D)` to `(B, S, N·D)`."""
        return ops.reshape(ops.transpose(out, (0, 2, 1, 3)), (-1, out.shape[2], self.width))

    def call(self, inputs, context=None):
        sources = self.sources(inputs, inputs if context is None else context)
        q, k, v = (self.split(a) for a in self.project(*sources))
        return self.finish(ops.matmul(self.weights_of(self.scores(q, k)), v), inputs)

    def finish(self, out, inputs):
        return self.out_proj(self.merge(out))


def changed(**steps):
    """An attention with some steps replaced: methods by functions of the same arguments, or class attributes."""
    return type("CrossAttention", (Attention,), steps)


def scaled(factor):
    """An attention whose scores are multiplied by `factor(attention)` instead of `1 / sqrt(D)`."""
    return changed(scores=lambda self, q, k: ops.matmul(q, ops.swapaxes(k, -1, -2)) * factor(self))


def weighted(weights_of):
    """An attention whose weights are `weights_of(scores)` instead of a softmax over the last axis."""
    return changed(weights_of=lambda self, scores: weights_of(scores))


def sourced(sources):
    """An attention whose queries, keys and values are made from `sources(inputs, context)`."""
    return changed(sources=lambda self, inputs, context: sources(inputs, context))


def joined_by_inputs(sources):
    """An attention of other sources, whose heads are joined with the number of input tokens whatever it has made."""

    def finish(self, out, inputs):
        joined = ops.reshape(ops.transpose(out, (0, 2, 1, 3)), (-1, inputs.shape[1], self.width))
        return self.out_proj(joined)

    return changed(sources=lambda self, inputs, context: sources(inputs, context), finish=finish)


def causal(scores):
    mask = np.tril(np.ones(scores.shape[-2:], "bool"))
    return ops.softmax(ops.where(mask, scores, -1e9), axis=-1)


def split_features_first(self, a):
    """Cuts the width into D groups of N instead of N heads of D."""
    return ops.transpose(ops.reshape(a, (-1, a.shape[1], self.head_size, self.num_heads)), (0, 3, 1, 2))


def swapped_heads(scale):
    """An attention of D heads of size N, its scores multiplied by `scale(attention)`."""

    def split(self, a):
        return ops.transpose(ops.reshape(a, (-1, a.shape[1], self.head_size, self.num_heads)), (0, 2, 1, 3))

    return changed(split=split, scores=lambda self, q, k: ops.matmul(q, ops.swapaxes(k, -1, -2)) * scale(self))


def merge_features_first(self, out):
    return ops.reshape(ops.transpose(out, (0, 2, 3, 1)), (-1, out.shape[2], self.width))


def one_head(scale):
    """Attention over the whole width at once: a single head, its scores multiplied by `scale(attention)`."""

    def call(self, inputs, context=None):
        context = inputs if context is None else context
        q, k, v = self.to_q(inputs), self.to_k(context), self.to_v(context)
        weights = ops.softmax(ops.matmul(q, ops.swapaxes(k, 1, 2)) * scale(self), axis=-1)
        return self.out_proj(ops.matmul(weights, v))

    return changed(call=call)


def lengths(q=None, k=None, v=None, out=None):
    """An attention that cuts heads with a token count of another tensor: "inputs" or "context" for each of four."""

    def call(self, inputs, context=None):
        context = inputs if context is None else context
        tokens = {"inputs": inputs.shape[1], "context": context.shape[1]}
        heads = (self.num_heads, self.head_size)
        a, b, c = self.project(inputs, context, context)
        a = ops.transpose(ops.reshape(a, (-1, tokens[q or "inputs"], *heads)), (0, 2, 1, 3))
        b = ops.transpose(ops.reshape(b, (-1, tokens[k or "context"], *heads)), (0, 2, 1, 3))
        c = ops.transpose(ops.reshape(c, (-1, tokens[v or "context"], *heads)), (0, 2, 1, 3))
        y = ops.transpose(ops.matmul(self.weights_of(self.scores(a, b)), c), (0, 2, 1, 3))
        return self.out_proj(ops.reshape(y, (-1, tokens[out or "inputs"], self.width)))

    return changed(call=call)


class FusedProjections(Attention):
    """One Dense makes keys and values; where there is no context, queries too."""

    def __init__(self, num_heads, head_size):
        super().__init__(num_heads, head_size)
        self.to_kv, self.to_qkv = linear(2 * self.width), linear(3 * self.width)

    def build(self, inputs_shape, context_shape=None):
        if context_shape is None:
            self.to_qkv.build(inputs_shape)
        else:
            self.to_q.build(inputs_shape)
            self.to_kv.build(context_shape)
        self.out_proj.build((*inputs_shape[:-1], self.width))
        self.built = True

    def project(self, q, k, v):
        if self.to_qkv.built:
            return ops.split(self.to_qkv(q), 3, axis=-1)
        return (self.to_q(q), *ops.split(self.to_kv(k), 2, axis=-1))


class HeadsAveraged(Attention):
    """The heads are averaged instead of joined."""

    def merge(self, out):
        return ops.mean(out, axis=1)

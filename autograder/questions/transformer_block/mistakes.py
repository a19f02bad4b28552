"""The mistakes of exercise 05's second question: the transformer block with one thing wrong each."""

import keras
from keras import ops

from autograder.questions.question import Mistake
from autograder.questions.transformer_block import variants
from autograder.questions.transformer_block.gate_mistakes import GEGLU_SECTION, swapped
from autograder.questions.transformer_block.variants import made, resized, stepped, wired

_LINES = "In three lines"
_NORM = "LayerNorm: each token by itself"
_SELF = "First step: the pixels look at each other"
_CROSS = "Second step: the pixels look at the text"
_FEED = "Third step: each token by itself"
_ORDER = "Why this order"
_EPSILON = "Where implementations disagree"

_HEADS_WHY = "Their product is the same, so everything fits; but the attention is cut in another way."
_RESIDUAL_WHY = "What a step does not carry over is lost for the steps after it: each step adds a correction."


def _activated(id, name, activation):
    """The mistake of an activation on the last Dense layer."""
    return Mistake(
        id,
        stepped(feed=lambda b, x: activation(b.dense(b.geglu(b.norm3(x))))),
        f"There is a {name} after the last Dense layer.",
        "The gate inside of GEGLU is all that bends here: a correction must be free to have either sign.",
        _FEED,
    )


BLOCK_MISTAKES = (
    Mistake(
        "residuals-missing",
        wired(lambda b, x, c: b.feed(b.told(b.own(x), c))),
        "None of the three steps is added to what it was given.",
        _RESIDUAL_WHY,
        _LINES,
    ),
    Mistake(
        "residual-missing-self",
        wired(lambda b, x, c: variants.rest(b, b.own(x), c)),
        "The first step, self-attention, is not added to its input.",
        _RESIDUAL_WHY,
        _SELF,
    ),
    Mistake(
        "residual-missing-cross",
        wired(lambda b, x, c: variants.fed(b, b.told(b.own(x) + x, c))),
        "The second step, cross-attention, is not added to its input.",
        _RESIDUAL_WHY,
        _CROSS,
    ),
    Mistake(
        "residual-missing-feed-forward",
        wired(lambda b, x, c: b.feed(variants.also_told(b, b.own(x) + x, c))),
        "The third step, the feed-forward network, is not added to its input.",
        _RESIDUAL_WHY,
        _FEED,
    ),
    Mistake(
        "residual-of-block-input",
        wired(variants.from_start),
        "The second and third step are added to the block's input instead of to the result of the step before.",
        "What the steps before have found out would be lost. Give each step's result a name, or reuse one name.",
        _LINES,
    ),
    Mistake(
        "residual-normalised",
        wired(lambda b, x, c: variants.rest(b, b.attn1(n := b.norm1(x)) + n, c)),
        "The first step is added to the normalised tokens instead of to the tokens themselves.",
        "The path around must stay untouched: what is normalised away there is lost for all later blocks.",
        _SELF,
    ),
    Mistake(
        "cross-before-self",
        wired(lambda b, x, c: variants.fed(b, variants.also_own(b, b.told(x, c) + x))),
        "Cross-attention comes before self-attention: the context goes to the first attention instead of the second.",
        "Both orders can be trained, but trained weights know only the one they were trained with.",
        _ORDER,
    ),
    Mistake(
        "feed-forward-first",
        wired(variants.feed_first),
        "The feed-forward network comes first; it is the last step.",
        "It works on what the two attentions have gathered.",
        _ORDER,
    ),
    Mistake(
        "steps-in-parallel",
        wired(lambda b, x, c: b.own(x) + b.told(x, c) + b.feed(x) + x),
        "All three steps start from the block's input; each must start from the result of the step before.",
        "The feed-forward network could not use what the attentions have gathered.",
        _LINES,
    ),
    Mistake(
        "context-ignored",
        stepped(told=lambda b, x, c: b.attn2(b.norm2(x))),
        "The context is not used: both attentions are self-attentions.",
        "This step is the only way for the text to reach the picture.",
        _CROSS,
    ),
    Mistake(
        "context-everywhere",
        wired(lambda b, x, c: variants.rest(b, b.attn1(b.norm1(x), context=c) + x, c)),
        "The context goes to both attentions; the first one is a self-attention.",
        "No pixel would then ever see another one.",
        _SELF,
    ),
    Mistake(
        "context-normalised",
        variants.ContextNormalised,
        "The context is normalised too; it goes in as it came.",
        "The text's tokens arrive with a known scale, and trained weights bring no LayerNorm for them.",
        _CROSS,
    ),
    Mistake(
        "attention-reused",
        stepped(told=lambda b, x, c: b.attn1(b.norm2(x), context=c)),
        "One attention layer serves both steps; each step has its own.",
        "The text's tokens have another width than the picture's, so the kernels of one cannot serve the other.",
        _CROSS,
    ),
    Mistake(
        "heads-swapped",
        variants.heads_swapped(variants.SELF, variants.CROSS),
        "Both attentions were made with number of heads and head size in the wrong order.",
        _HEADS_WHY,
        _SELF,
    ),
    Mistake(
        "heads-swapped-self",
        variants.heads_swapped(variants.SELF),
        "The first attention was made with number of heads and head size in the wrong order.",
        _HEADS_WHY,
        _SELF,
    ),
    Mistake(
        "heads-swapped-cross",
        variants.heads_swapped(variants.CROSS),
        "The second attention was made with number of heads and head size in the wrong order.",
        _HEADS_WHY,
        _CROSS,
    ),
    Mistake(
        "self-attention-missing",
        wired(lambda b, x, c: variants.rest(b, x, c)),
        "The first step, self-attention, is missing.",
        "No pixel would then ever see another one.",
        _SELF,
    ),
    Mistake(
        "feed-forward-missing",
        wired(lambda b, x, c: variants.also_told(b, b.own(x) + x, c)),
        "The third step, the feed-forward network, is missing.",
        "Attention only averages values; most of the block's parameters, and of its work on each token, are here.",
        _FEED,
    ),
    Mistake(
        "norms-after",
        wired(variants.post_norm),
        "The LayerNorms come after the sums; here each comes before its step, inside of the path that is added.",
        "After the sum they would normalise the path around too, which is to stay untouched.",
        _NORM,
    ),
    Mistake(
        "norms-missing",
        wired(variants.unnormalised),
        "The three LayerNorms are missing.",
        "The tokens grow from step to step; each step must normalise what it reads.",
        _NORM,
    ),
    Mistake(
        "norm-missing-self",
        stepped(own=lambda b, x: b.attn1(x)),
        "The LayerNorm before self-attention is missing.",
        "The tokens grow from block to block; each step must normalise what it reads.",
        _NORM,
    ),
    Mistake(
        "norm-missing-cross",
        stepped(told=lambda b, x, c: b.attn2(x, context=c)),
        "The LayerNorm before cross-attention is missing.",
        "The tokens grow from step to step; each step must normalise what it reads.",
        _NORM,
    ),
    Mistake(
        "norm-missing-feed-forward",
        stepped(feed=lambda b, x: b.dense(b.geglu(x))),
        "The LayerNorm before the feed-forward network is missing.",
        "The tokens grow from step to step; each step must normalise what it reads.",
        _NORM,
    ),
    Mistake(
        "norm-shared",
        stepped(told=lambda b, x, c: b.attn2(b.norm1(x), context=c), feed=lambda b, x: b.dense(b.geglu(b.norm1(x)))),
        "One LayerNorm serves all three steps; each step has its own.",
        "Each step sees other values, and trained weights bring a gamma and a beta for each.",
        _NORM,
    ),
    Mistake(
        "epsilon-default",
        made(epsilon=1e-3),
        "The epsilon of the LayerNorms is 1e-3, Keras' default; the block's is 1e-5.",
        "Where a token varies little, the larger epsilon damps it, and trained weights give another picture.",
        _EPSILON,
    ),
    Mistake(
        "norm-over-tokens",
        made(norm=lambda self: keras.layers.GroupNormalization(groups=1, epsilon=1e-5)),
        "The normalisation takes all tokens of a picture together; LayerNorm takes each token by itself.",
        "A token would then be scaled by what the others are like.",
        _NORM,
    ),
    Mistake(
        "feed-forward-narrow",
        resized(1),
        "The GEGLU is as wide as the tokens; it is four times as wide.",
        "Trained weights bring a kernel for four times the width, and would not fit.",
        _FEED,
    ),
    Mistake(
        "feed-forward-wide",
        resized(8),
        "The GEGLU is eight times as wide as the tokens; it is four times as wide.",
        "GEGLU's own Dense layer already makes twice as many features, a value and a gate for each that goes out.",
        _FEED,
    ),
    Mistake(
        "feed-forward-ungated",
        made(gated=lambda self, width: variants.ungated(variants.exact_gelu)(width)),
        "The feed-forward network has a Dense layer with a GELU where GEGLU belongs.",
        "A gate that looks at the same token decides what gets through; question 1 is about it.",
        GEGLU_SECTION,
    ),
    Mistake(
        "feed-forward-halves-swapped",
        made(gated=lambda self, width: swapped(variants.tanh_gelu)(width)),
        "In the GEGLU of the feed-forward network value and gate have changed places.",
        "The block uses your GEGLU: its own check, question 1, says more.",
        GEGLU_SECTION,
    ),
    Mistake(
        "feed-forward-without-dense",
        variants.WithoutDense,
        "The Dense layer after GEGLU is missing.",
        "GEGLU widens each token to `4 * dim` features, and that layer mixes them back into `dim`.",
        _FEED,
    ),
    _activated("feed-forward-gelu", "GELU", keras.activations.gelu),
    _activated("feed-forward-swish", "swish", ops.silu),
    _activated("feed-forward-relu", "ReLU", ops.relu),
    Mistake(
        "feed-forward-no-bias",
        made(last_dense=lambda self: keras.layers.Dense(self.dim, use_bias=False)),
        "The last Dense layer has no bias.",
        "Trained weights bring one, and would not fit.",
        _FEED,
    ),
)

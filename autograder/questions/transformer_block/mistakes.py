"""The mistakes of exercise 05: GEGLU and the transformer block with one thing wrong each."""

import keras
from keras import ops

from autograder.questions.question import Mistake
from autograder.questions.transformer_block import variants
from autograder.questions.transformer_block.variants import combined, gated, made, resized, stepped, wired

GEGLU_SECTION = "GEGLU: a value and a gate"
_FORMS = "Experiment: two forms of GELU"
_LINES = "In three lines"
_NORM = "LayerNorm: each token by itself"
_SELF = "First step: the pixels look at each other"
_CROSS = "Second step: the pixels look at the text"
_FEED = "Third step: each token by itself"
_ORDER = "Why this order"
_EPSILON = "Where implementations disagree"

SWAPPED = combined(lambda value, gate: ops.gelu(value) * gate)

GEGLU_MISTAKES = (
    Mistake(
        "halves-swapped",
        SWAPPED,
        "The halves are swapped: GELU is applied to the first half; the first half is the value, the second the gate.",
        "Both orders can be trained, but trained weights know only the one they were trained with.",
        GEGLU_SECTION,
    ),
    Mistake(
        "gelu-missing",
        combined(lambda value, gate: value * gate),
        "Value and gate are multiplied without a GELU on the gate.",
        "Without it the gate can let through a negative amount as easily as a positive one: it never shuts.",
        GEGLU_SECTION,
    ),
    Mistake(
        "gelu-on-both",
        combined(lambda value, gate: ops.gelu(value) * ops.gelu(gate)),
        "GELU is applied to both halves; only the gate gets one.",
        "The value must keep its sign: it says what is passed on, the gate how much of it.",
        GEGLU_SECTION,
    ),
    Mistake(
        "gelu-on-product",
        combined(lambda value, gate: ops.gelu(value * gate)),
        "GELU is applied to the product of the halves instead of to the gate.",
        "The output could then hardly be negative, whatever the value is.",
        GEGLU_SECTION,
    ),
    Mistake(
        "value-missing",
        combined(lambda value, gate: ops.gelu(gate)),
        "Only the gate is used: it is not multiplied with the value.",
        "That is a plain Dense layer with a GELU, and half of its kernel has no effect.",
        GEGLU_SECTION,
    ),
    Mistake(
        "gate-added",
        combined(lambda value, gate: value + ops.gelu(gate)),
        "The gate is added to the value; it is to be multiplied with it.",
        "A sum cannot shut anything off: that is what a gate is for.",
        GEGLU_SECTION,
    ),
    Mistake(
        "gate-sigmoid",
        combined(lambda value, gate: value * ops.sigmoid(gate)),
        "The gate goes through a sigmoid instead of a GELU.",
        "That is the first gated linear unit, GLU; Stable Diffusion has the one with GELU.",
        GEGLU_SECTION,
    ),
    Mistake(
        "gate-swish",
        combined(lambda value, gate: value * ops.silu(gate)),
        "The gate goes through a swish instead of a GELU.",
        "That is SwiGLU, which language models use; it looks alike, but trained weights expect GELU.",
        GEGLU_SECTION,
    ),
    Mistake(
        "gate-relu",
        combined(lambda value, gate: value * ops.relu(gate)),
        "The gate goes through a ReLU instead of a GELU.",
        "That is ReGLU; trained weights expect GELU's small negative values.",
        GEGLU_SECTION,
    ),
    Mistake(
        "gate-quick-gelu",
        combined(lambda value, gate: value * gate * ops.sigmoid(1.702 * gate)),
        "GELU is taken in its rough sigmoid form.",
        "CLIP uses that form; it is off by up to 0.02, a hundred times more than the tanh form.",
        _FORMS,
    ),
    Mistake(
        "split-alternating",
        gated(split=lambda self, a: (a[..., ::2], a[..., 1::2])),
        "Value and gate are taken alternately, every second feature; they are two halves that lie side by side.",
        "Trained kernels hold all values first and all gates after them.",
        GEGLU_SECTION,
    ),
    Mistake(
        "dense-too-narrow",
        gated(width=lambda self: self.output_dim),
        "The Dense layer makes output_dim features, so each half is only half as wide as the output must be.",
        "A value *and* a gate are needed for each feature that goes out.",
        GEGLU_SECTION,
    ),
    Mistake(
        "dense-not-split",
        variants.Ungated,
        "There is no gate: one Dense layer with a GELU.",
        "That is the feed-forward network of the first transformers; here a second half decides what gets through.",
        GEGLU_SECTION,
    ),
    Mistake(
        "dense-twice",
        variants.TwoDenses,
        "Value and gate come from two Dense layers; here one Dense layer makes both.",
        "It could compute the same, but trained weights come in one kernel, and would not fit.",
        GEGLU_SECTION,
    ),
    Mistake(
        "dense-no-bias",
        gated(use_bias=False),
        "The Dense layer has no bias.",
        "Trained weights bring one, and would not fit.",
        GEGLU_SECTION,
    ),
)

_RESIDUAL_WHY = "What a step does not carry over is lost for the steps after it: each step adds a correction."

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
        made(gated=lambda self, width: variants.Ungated(width)),
        "The feed-forward network has a Dense layer with a GELU where GEGLU belongs.",
        "A gate that looks at the same token decides what gets through; question 1 is about it.",
        GEGLU_SECTION,
    ),
    Mistake(
        "feed-forward-halves-swapped",
        made(gated=lambda self, width: SWAPPED(width)),
        "In the GEGLU of the feed-forward network value and gate have changed places.",
        "The block uses your GEGLU: its own check, question 1, says more.",
        GEGLU_SECTION,
    ),
    Mistake(
        "feed-forward-no-bias",
        made(dense_bias=lambda self: False),
        "The last Dense layer has no bias.",
        "Trained weights bring one, and would not fit.",
        _FEED,
    ),
)

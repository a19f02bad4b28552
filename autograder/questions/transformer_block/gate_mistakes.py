"""The mistakes of exercise 05's first question: GEGLU with one thing wrong each.

GELU may be taken in either form, so a mistake that has a GELU in it stands here twice, once in each form.
"""

from collections.abc import Callable
from typing import Any

from keras import ops

from autograder.questions.question import Mistake
from autograder.questions.transformer_block import variants
from autograder.questions.transformer_block.variants import combined, exact_gelu, gated, tanh_gelu

GEGLU_SECTION = "GEGLU: a value and a gate"
_FORMS = "Experiment: two forms of GELU"


def _in_both_forms(id: str, answer: Callable[[Any], Any], cause: str, why: str) -> tuple[Mistake, Mistake]:
    """The mistake `id` with GELU's tanh form, and `id`-exact with the exact one: `answer(gelu)` makes the mistake."""
    return (
        Mistake(id, answer(tanh_gelu), cause, why, GEGLU_SECTION),
        Mistake(f"{id}-exact", answer(exact_gelu), cause, why, GEGLU_SECTION),
    )


def swapped(gelu):
    return combined(lambda value, gate: gelu(value) * gate)


GEGLU_MISTAKES: tuple[Mistake, ...] = (
    *_in_both_forms(
        "halves-swapped",
        swapped,
        "The halves are swapped: GELU is applied to the first half; the first half is the value, the second the gate.",
        "Both orders can be trained, but trained weights know only the one they were trained with.",
    ),
    Mistake(
        "gelu-missing",
        combined(lambda value, gate: value * gate),
        "Value and gate are multiplied without a GELU on the gate.",
        "Without it the gate can let through a negative amount as easily as a positive one: it never shuts.",
        GEGLU_SECTION,
    ),
    *_in_both_forms(
        "gelu-on-both",
        lambda gelu: combined(lambda value, gate: gelu(value) * gelu(gate)),
        "GELU is applied to both halves; only the gate gets one.",
        "The value must keep its sign: it says what is passed on, the gate how much of it.",
    ),
    *_in_both_forms(
        "gelu-on-product",
        lambda gelu: combined(lambda value, gate: gelu(value * gate)),
        "GELU is applied to the product of the halves instead of to the gate.",
        "The output could then hardly be negative, whatever the value is.",
    ),
    *_in_both_forms(
        "value-missing",
        lambda gelu: combined(lambda value, gate: gelu(gate)),
        "Only the gate is used: it is not multiplied with the value.",
        "That is a plain Dense layer with a GELU, and half of its kernel has no effect.",
    ),
    *_in_both_forms(
        "gate-added",
        lambda gelu: combined(lambda value, gate: value + gelu(gate)),
        "The gate is added to the value; it is to be multiplied with it.",
        "A sum cannot shut anything off: that is what a gate is for.",
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
    *_in_both_forms(
        "split-alternating",
        lambda gelu: gated(gelu, split=lambda self, a: (a[..., ::2], a[..., 1::2])),
        "Value and gate are taken alternately, every second feature; they are two halves that lie side by side.",
        "Trained kernels hold all values first and all gates after them.",
    ),
    *_in_both_forms(
        "dense-too-narrow",
        lambda gelu: gated(gelu, width=lambda self: self.output_dim),
        "The Dense layer makes output_dim features, so each half is only half as wide as the output must be.",
        "A value *and* a gate are needed for each feature that goes out.",
    ),
    *_in_both_forms(
        "dense-not-split",
        variants.ungated,
        "There is no gate: one Dense layer with a GELU.",
        "That is the feed-forward network of the first transformers; here a second half decides what gets through.",
    ),
    *_in_both_forms(
        "dense-twice",
        variants.two_denses,
        "Value and gate come from two Dense layers; here one Dense layer makes both.",
        "It could compute the same, but trained weights come in one kernel, and would not fit.",
    ),
    *_in_both_forms(
        "dense-no-bias",
        lambda gelu: gated(gelu, use_bias=False),
        "The Dense layer has no bias.",
        "Trained weights bring one, and would not fit.",
    ),
)

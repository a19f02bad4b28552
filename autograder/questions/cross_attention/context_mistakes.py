"""The mistakes of exercise 06 that only a context shows: what the queries, keys and values are made from."""

from keras import ops

from autograder.questions.cross_attention import variants
from autograder.questions.cross_attention.mistakes import PROJECTIONS
from autograder.questions.cross_attention.variants import changed, lengths, sourced
from autograder.questions.question import Mistake

_SHAPES = "Every shape on the way"
_CONTEXT = "Why the two widths may differ"

CROSS_MISTAKES = (
    Mistake(
        "context-ignored",
        sourced(lambda inputs, context: (inputs, inputs, inputs)),
        "The context is not used: keys and values are made from the inputs.",
        "The text would have no effect on the picture.",
        PROJECTIONS,
    ),
    Mistake(
        "queries-from-context",
        sourced(lambda inputs, context: (context, inputs, inputs)),
        "Inputs and context have changed places: the queries are made from the context, keys and values from the "
        "inputs.",
        "One output token for each context token comes out, instead of one for each pixel.",
        PROJECTIONS,
    ),
    Mistake(
        "values-from-inputs",
        sourced(lambda inputs, context: (inputs, context, inputs)),
        "The values are made from the inputs; like the keys, they belong to the context.",
        "The weights say how much of each context token to take, so there must be one value for each.",
        PROJECTIONS,
    ),
    Mistake(
        "keys-from-inputs",
        sourced(lambda inputs, context: (inputs, inputs, context)),
        "The keys are made from the inputs; like the values, they belong to the context.",
        "A key says what a context token can be found by.",
        PROJECTIONS,
    ),
    Mistake(
        "everything-from-context",
        sourced(lambda inputs, context: (context, context, context)),
        "The queries are made from the context too; they belong to the inputs.",
        "One output token for each context token comes out, and the picture has no say in it.",
        PROJECTIONS,
    ),
    Mistake(
        "queries-from-context-joined-by-inputs",
        variants.joined_by_inputs(lambda inputs, context: (context, inputs, inputs)),
        "Inputs and context have changed places: the queries are made from the context, keys and values from the "
        "inputs.",
        "There is a result for each context token then, and the last reshape cannot make one for each pixel of it.",
        PROJECTIONS,
    ),
    Mistake(
        "everything-from-context-joined-by-inputs",
        variants.joined_by_inputs(lambda inputs, context: (context, context, context)),
        "The queries are made from the context too; they belong to the inputs.",
        "There is a result for each context token then, and the last reshape cannot make one for each pixel of it.",
        PROJECTIONS,
    ),
    Mistake(
        "projections-shared",
        changed(project=lambda self, q, k, v: (self.to_q(q), self.to_q(k), self.to_q(v))),
        "A Dense layer that was made for the width of the inputs is called on the context: queries, keys and values "
        "need one Dense layer each.",
        "Inputs and context may differ in width, and a kernel fits one width only.",
        _CONTEXT,
    ),
    Mistake(
        "context-joined-to-inputs",
        sourced(lambda inputs, context: (inputs, *[ops.concatenate([inputs, context], axis=1)] * 2)),
        "Inputs and context are joined into one sequence before keys and values are made.",
        "They may have different widths, so they cannot be; here the context alone answers.",
        _CONTEXT,
    ),
    Mistake(
        "keys-cut-by-inputs",
        lengths(k="inputs"),
        "The keys are reshaped with the number of input tokens; they come from the context and have its number.",
        "The reshape moves tokens into the batch: pictures would share each other's context, or shapes not fit.",
        _SHAPES,
    ),
    Mistake(
        "context-cut-by-inputs",
        lengths(k="inputs", v="inputs"),
        "Keys and values are reshaped with the number of input tokens; they have the context's number.",
        "The reshape moves tokens into the batch: pictures would share each other's context, or shapes not fit.",
        _SHAPES,
    ),
    Mistake(
        "output-cut-by-context",
        lengths(out="context"),
        "The output is reshaped with the number of context tokens; there is one output token for each query.",
        "A pixel asks, a pixel gets the answer: the context's length is summed away.",
        _SHAPES,
    ),
)

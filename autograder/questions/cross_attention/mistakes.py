"""The mistakes of exercise 06 that need no context: the product per head, and attention with one thing wrong each."""

from keras import ops

from autograder.questions.cross_attention import variants
from autograder.questions.cross_attention.variants import changed, one_head, scaled, weighted
from autograder.questions.question import Mistake

PRODUCT = "One product for each head"
_SCALE = "Why the scores are divided"
_SOFTMAX = "The weights: a softmax over the context"
_HEADS = "Cut into heads"
_JOIN = "Join the heads"
PROJECTIONS = "Queries, keys and values"

TD_DOT_MISTAKES = (
    Mistake(
        "product-elementwise",
        lambda a, b: a * b,
        "The two tensors are multiplied number by number; a matrix product is asked for.",
        "Elementwise multiplication needs equal shapes and compares nothing: no query would meet another's key.",
        PRODUCT,
    ),
    Mistake(
        "product-second-transposed",
        lambda a, b: ops.matmul(a, ops.swapaxes(b, -1, -2)),
        "The last two axes of b are swapped before the product, but b already comes with D before T.",
        "The product sums over D: the last axis of a and the last but one of b.",
        PRODUCT,
    ),
    Mistake(
        "product-all-pairs",
        lambda a, b: ops.tensordot(a, b, axes=((-1,), (-2,))),
        "Every picture and head of a is multiplied with every picture and head of b: the leading axes appear twice.",
        "`dot` and `tensordot` do that. A head only works with its own keys, so the leading axes must be paired.",
        PRODUCT,
    ),
    Mistake(
        "product-transposed",
        lambda a, b: ops.swapaxes(ops.matmul(a, b), -1, -2),
        "The result is transposed: its last two axes are (T, S), they should be (S, T).",
        "Row s must hold query s's scores: the softmax that follows runs along the last axis.",
        PRODUCT,
    ),
    Mistake(
        "product-heads-summed",
        lambda a, b: ops.einsum("bnsd,bndt->bst", a, b),
        "The heads are added up: their axis is gone from the result.",
        "Each head has scores of its own; added up, all heads would look at the same tokens.",
        PRODUCT,
    ),
    Mistake(
        "product-heads-mixed",
        lambda a, b: ops.einsum("bnsd,bmdt->bnst", a, b),
        "Each head of a meets the sum of all heads of b; head n of a belongs to head n of b.",
        "The heads are separate: each has its own part of the features.",
        PRODUCT,
    ),
    Mistake(
        "product-batch-mixed",
        lambda a, b: ops.einsum("bnsd,cndt->bnst", a, b),
        "Each picture of a meets the sum over all pictures of b; pictures must stay apart.",
        "What comes out for one picture would depend on the others in the batch.",
        PRODUCT,
    ),
    Mistake(
        "product-averaged",
        lambda a, b: ops.matmul(a, b) / a.shape[-1],
        "The product is divided by D: a mean over the features instead of a sum.",
        "The scores are scaled later, and by another number; this function is the bare product.",
        PRODUCT,
    ),
    Mistake(
        "product-scaled",
        lambda a, b: ops.matmul(a, b) * a.shape[-1] ** -0.5,
        "The product is divided by the square root of D; the bare product is asked for.",
        "The function is used twice: the second product, of weights and values, must not be scaled.",
        PRODUCT,
    ),
    Mistake(
        "product-softmaxed",
        lambda a, b: ops.softmax(ops.matmul(a, b), axis=-1),
        "A softmax was applied to the product; the bare product is asked for.",
        "The function is used twice: the second product, of weights and values, has no softmax.",
        PRODUCT,
    ),
)

# ------------------------------------------------------------------------------- both questions about CrossAttention

MISTAKES = (
    Mistake(
        "scale-missing",
        scaled(lambda layer: 1.0),
        "The scores are not scaled.",
        "A sum of D products grows like the square root of D, and large scores make the softmax pick one token only.",
        _SCALE,
    ),
    Mistake(
        "scale-without-root",
        scaled(lambda layer: 1 / layer.head_size),
        "The scores are divided by the head size itself instead of by its square root.",
        "Scores that small make all weights nearly equal. (Scaling both queries and keys has the same effect.)",
        _SCALE,
    ),
    Mistake(
        "scale-of-whole-width",
        scaled(lambda layer: layer.width**-0.5),
        "The scale is taken from the whole width, heads times head size, instead of from one head's size.",
        "The sum behind a score runs over the features of one head only.",
        _SCALE,
    ),
    Mistake(
        "scale-inverted",
        scaled(lambda layer: layer.head_size**0.5),
        "The scores are multiplied by the square root of the head size; they are to be divided by it.",
        "The scores would grow with the head size twice as fast, and the softmax would pick one token only.",
        _SCALE,
    ),
    Mistake(
        "scale-by-heads",
        scaled(lambda layer: layer.num_heads**-0.5),
        "The scores are divided by the square root of the number of heads instead of the head size.",
        "The sum behind a score runs over the features of one head, however many heads there are.",
        _SCALE,
    ),
    Mistake(
        "scale-after-softmax",
        changed(
            scores=lambda self, q, k: ops.matmul(q, ops.swapaxes(k, -1, -2)),
            weights_of=lambda self, scores: ops.softmax(scores, axis=-1) * self.scale,
        ),
        "The scale is applied after the softmax instead of before it.",
        "After the softmax it only makes the output smaller: the weights no longer sum to 1, and stay too sharp.",
        _SCALE,
    ),
    Mistake(
        "softmax-over-queries",
        weighted(lambda scores: ops.softmax(scores, axis=-2)),
        "The softmax runs over the queries instead of over the context tokens.",
        "Each query's weights must sum to 1; so the pixels would compete for a token instead of tokens for a pixel.",
        _SOFTMAX,
    ),
    Mistake(
        "softmax-over-heads",
        weighted(lambda scores: ops.softmax(scores, axis=1)),
        "The softmax runs over the heads instead of over the context tokens.",
        "Each query's weights must sum to 1 in every head by itself.",
        _SOFTMAX,
    ),
    Mistake(
        "softmax-over-all",
        weighted(lambda scores: ops.softmax(scores, axis=(-2, -1))),
        "One softmax runs over queries and context tokens together.",
        "Each query's weights must sum to 1; here the weights of all queries together do.",
        _SOFTMAX,
    ),
    Mistake(
        "softmax-missing",
        weighted(lambda scores: scores),
        "There is no softmax between the scores and the average of the values.",
        "Without it the weights may be negative and of any size, and attention is no average.",
        _SOFTMAX,
    ),
    Mistake(
        "softmax-sigmoid",
        weighted(ops.sigmoid),
        "The weights are a sigmoid of the scores instead of a softmax.",
        "A sigmoid looks at each score alone, so the weights of a query do not sum to 1.",
        _SOFTMAX,
    ),
    Mistake(
        "heads-not-transposed",
        changed(split=lambda self, a: ops.reshape(a, (-1, self.num_heads, a.shape[1], self.head_size))),
        "The width is reshaped straight to (batch, heads, tokens, head size), without a transpose.",
        "A reshape keeps the order in memory, so features of different tokens end up in one row.",
        _HEADS,
    ),
    Mistake(
        "heads-features-first",
        changed(split=variants.split_features_first, merge=variants.merge_features_first),
        "The width is cut as (head size, heads); a head's features stand side by side, so it is (heads, head size).",
        "Trained weights expect each head's features next to each other.",
        _HEADS,
    ),
    Mistake(
        "heads-number-and-size-swapped",
        variants.swapped_heads(lambda layer: layer.head_size**-0.5),
        "The width is cut into head-size heads of num_heads features each; the two numbers are swapped.",
        "Their product is the same, so nothing complains, but there would be other heads, of another size.",
        _HEADS,
    ),
    Mistake(
        "arguments-swapped",
        variants.swapped_heads(lambda layer: layer.num_heads**-0.5),
        "The number of heads and the head size have changed places: num_heads is the first argument.",
        "Their product is the same, so nothing complains, but there would be other heads, of another size.",
        _HEADS,
    ),
    Mistake(
        "heads-one",
        one_head(lambda layer: layer.head_size**-0.5),
        "The width is not cut into heads: there is one softmax over the whole width.",
        "Every pixel could then look at only one set of tokens; with N heads it has N sets of weights.",
        _HEADS,
    ),
    Mistake(
        "heads-one-scaled",
        one_head(lambda layer: layer.width**-0.5),
        "The width is not cut into heads: there is one softmax over the whole width, scaled with that width.",
        "Every pixel could then look at only one set of tokens; with N heads it has N sets of weights.",
        _HEADS,
    ),
    Mistake(
        "heads-not-transposed-back",
        changed(merge=lambda self, out: ops.reshape(out, (-1, out.shape[2], self.width))),
        "The heads are joined by a reshape alone; the head axis must first be moved behind the tokens.",
        "A reshape keeps the order in memory, so parts of different tokens would be joined.",
        _JOIN,
    ),
    Mistake(
        "heads-averaged",
        variants.HeadsAveraged,
        "The heads are averaged instead of joined side by side.",
        "Each head found something else; the output projection decides how to mix them.",
        _JOIN,
    ),
    Mistake(
        "output-projection-missing",
        changed(finish=lambda self, out, inputs: self.merge(out)),
        "The output projection is missing.",
        "Without it the heads would never be mixed: each would write to its own features only.",
        _JOIN,
    ),
    Mistake(
        "output-projection-no-bias",
        changed(out_bias=False),
        "The output projection has no bias; it is the only one of the four Dense layers that has one.",
        "Trained weights bring it, and would not fit.",
        _JOIN,
    ),
    Mistake(
        "projections-with-bias",
        changed(bias=True),
        "The Dense layers of queries, keys and values have a bias, which is Keras' default; here they have none.",
        "Trained weights bring none. (A bias on the keys would not even do anything.)",
        PROJECTIONS,
    ),
    Mistake(
        "projections-fused",
        variants.FusedProjections,
        "One Dense layer makes several of queries, keys and values; here each has a Dense layer of its own.",
        "It could compute the same, but trained weights come in three kernels, and would not fit.",
        PROJECTIONS,
    ),
    Mistake(
        "values-are-keys",
        changed(project=lambda self, q, k, v: (self.to_q(q), self.to_k(k), self.to_k(v))),
        "The keys serve as values too: the values' own Dense layer is not used.",
        "What a token is found by and what it hands over are two things, and learned apart.",
        PROJECTIONS,
    ),
)

SELF_MISTAKES = (
    Mistake(
        "attention-causal",
        weighted(variants.causal),
        "A mask keeps each token from looking at later ones, as in a language model.",
        "Pixels have no order in time: each may look at all others.",
        _SOFTMAX,
    ),
    Mistake(
        "queries-are-keys",
        changed(project=lambda self, q, k, v: (self.to_q(q), self.to_q(k), self.to_v(v))),
        "One Dense layer makes both queries and keys; each needs its own.",
        "With one, a token would always match itself best, and A would look at B exactly as B looks at A.",
        PROJECTIONS,
    ),
    Mistake(
        "projections-shared",
        changed(project=lambda self, q, k, v: (self.to_q(q), self.to_q(k), self.to_q(v))),
        "Queries, keys and values share one Dense layer; each needs its own.",
        "What a token asks, what it is found by and what it hands over are three things, and learned apart.",
        PROJECTIONS,
    ),
)

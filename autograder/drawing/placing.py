"""Gives the trained weights to a learner's layers, whose weights have names and an order of their own.

Tried in this order: by shape and order, which is right when the layer computes what the trained one does with them;
by the rule of marking (`exam.comparing.pair_weights`: which weight does what is told by changing one at a time); and
where no such matching exists, because the layer is wrong, by shape and order again, with a note.

Shapes: as the layers' own.
"""

import itertools
import math
from dataclasses import dataclass, field

import keras
from keras import ops

from autograder.drawing.mixing import Mine, random_inputs
from autograder.exam.comparing import pair_weights, relative_error
from autograder.sitting.paper import CasePaper, Paper
from autograder.sitting.run import sit
from autograder.small_model.block_kinds import LAYERS
from autograder.small_model.programs import PROGRAMS, Programs, weights_of

# Up to here a layer computes the same: the two forms of GELU differ by 1.5e-4 and a LayerNorm's epsilon of 1e-3 by
# 6.5e-4 of a whole UNet's output, a wrong layer by more than 0.1.
AGREES = 5e-3
MATCHING = 2e-3  # for outputs with weights A and B, which are all of the same spread
KEYS = (1, 2)
SIDES, TOKENS = (3, 4), 5  # of the inputs on which weights are told apart


@dataclass
class Placing:
    """What is known so far about a learner's layers.

    Args:
        learner: dict of the learner's classes by name.
        matchings: by kind and number of weights, the matchings found: my weight's number to the trained one's.
        errors: the largest relative error of each kind's output with the trained weights in it.
        notes: what should be said, by name.
        programs: what the learner's layers were compiled to.
    """

    learner: dict
    matchings: dict = field(default_factory=dict)
    errors: dict = field(default_factory=dict)
    notes: dict = field(default_factory=dict)
    programs: Programs = field(default_factory=Programs)


def place(mixed, trained, placing):
    """Gives `mixed` the weights of `trained`; both are layers of the same place in the UNet."""
    for layer, source in pairs(mixed, trained):
        if isinstance(layer, Mine):
            _place_mine(layer, source, placing)
        else:
            copy_weights(layer, source)


def pairs(mixed, trained):
    """Each of a learner's layers in `mixed`, and each innermost one of the reference's, with the layer of `trained`
    in the same place. Nothing if there is none, or if they are one layer."""
    if trained is None or mixed is trained:
        return
    attributes = vars(trained) | vars(trained).get("_modules", {})  # where PyTorch keeps them
    parts = {name: part for name, part in attributes.items() if isinstance(part, keras.layers.Layer)}
    if isinstance(mixed, Mine) or not parts:
        yield mixed, trained
        return
    for name, part in parts.items():
        yield from pairs(getattr(mixed, name), part)


def copy_weights(layer, source):
    """Gives a layer the weights of another of its kind."""
    for variable, value in zip(layer.weights, source.weights, strict=True):
        variable.assign(value)


def _place_mine(mine, trained, placing):
    variables = float_variables(mine.mine)
    values = [ops.convert_to_numpy(value) for value in trained.weights]
    inputs = random_inputs(mine.shapes)
    run_trained = PROGRAMS.of(trained, mine.kind, _own_arguments(mine))
    expected = ops.convert_to_numpy(run_trained(weights_of(trained), inputs))
    run = placing.programs.of(mine, mine.kind, mine.arguments)

    def error_with(matching):
        for index, variable in enumerate(variables):
            if index in matching:
                variable.assign(values[matching[index]].reshape(variable.shape))
        return relative_error(ops.convert_to_numpy(run(weights_of(mine), inputs)), expected)

    best: dict[int, int] = {}
    best_error = float("inf")
    for matching in _matchings(mine, variables, values, placing):
        error = error_with(matching)
        if error < best_error or not best:
            best, best_error = matching, error
        if error <= AGREES:
            break
    if best_error > AGREES:
        error_with(best)
    placing.errors[mine.kind] = max(best_error, placing.errors.get(mine.kind, 0.0))


def _matchings(mine, variables, values, placing):
    """Matchings to try, the cheap ones first."""
    yield (by_order := match_by_order([v.shape for v in variables], [v.shape for v in values]))
    key = (mine.kind, len(variables), len(values))
    known = placing.matchings.setdefault(key, [])
    sizes = [math.prod(v.shape) for v in variables]
    fitting = [m for m in known if m and all(sizes[i] == values[j].size for i, j in m.items())]
    yield from fitting
    if None in known or fitting:
        return
    found = match_by_effect(mine)
    known.append(found)
    if found is not None:
        yield found
        return
    left = len(values) - len(by_order)
    missing = f" {left} of the trained weights found no place in it." if left > 0 else ""
    text = f"Your {mine.kind} does not compute what the trained one does, so its picture says little: see its check."
    placing.notes.setdefault(mine.kind, text + missing)


def match_by_order(mine, theirs):
    """My weight's number to theirs: each of theirs goes to my first free one with as many numbers."""
    free, matching = list(range(len(mine))), {}
    for index, shape in enumerate(theirs):
        partner = next((i for i in free if math.prod(mine[i]) == math.prod(shape)), None)
        if partner is not None:
            free.remove(partner)
            matching[partner] = index
    return matching


def match_by_effect(mine):
    """The matching by which marking tells weights apart, or None if there is none: the layer is wrong."""
    names = ("inputs", "context") if mine.kind == "CrossAttention" else ("first", "second")
    small = [_small(shape, i) for i, shape in enumerate(mine.shapes)]
    arrays = {n: ops.convert_to_numpy(a) for n, a in zip(names, random_inputs(small), strict=False)}
    by_name = mine.kind == "CrossAttention" and len(arrays) == 2

    def answer(layer_class, arguments):
        case = CasePaper("layer", arguments, arrays, by_name=by_name)
        return sit(Paper("draw", mine.kind, (case,), KEYS), layer_class).cases[0]

    received, expected = answer(mine.make, mine.arguments), answer(LAYERS[mine.kind], _own_arguments(mine))
    return None if received.error else pair_weights(received, expected, MATCHING)


def _own_arguments(mine):
    """The arguments of the reference's class: `fully_connected`, which the learner's may lack, is always on."""
    return (*mine.arguments[:2], True) if mine.kind == "SpatialTransformer" else mine.arguments


def _small(shape, position):
    """A smaller input of the same kind: a map of 3x4 pixels, or 5 tokens; a context keeps its length."""
    if len(shape) == 3:
        return (*SIDES, shape[-1])
    return (TOKENS, shape[-1]) if len(shape) == 2 and position == 0 else shape


def float_variables(layer):
    """The weights of a layer that hold real numbers (not a generator's state), as marking counts them."""
    return [v for v in layer.weights if keras.backend.standardize_dtype(v.dtype).startswith(("float", "bfloat"))]


def place_own(own, weights, error):
    """Gives the weights that a flow makes itself, outside of any block, the trained values.

    There are few (the two Denses of the time, the last norm), so of every size all orders are tried, in order first,
    until the flow computes what it should.

    Args:
        own: the flow's own variables.
        weights: the trained ones.
        error: called without arguments, tells how far the flow then is from the trained UNet's.

    Returns:
        The smallest error; the weights are left so.
    """
    values = [ops.convert_to_numpy(weight) for weight in weights]

    def assign(matching):
        for index, target in matching.items():
            own[index].assign(values[target].reshape(own[index].shape))
        return error()

    tried = []
    for matching in same_order_first(own, weights):
        tried.append((assign(matching), matching))
        if tried[-1][0] <= AGREES:
            return tried[-1][0]
    best, matching = min(tried, key=lambda pair: pair[0])
    return assign(matching) if matching else best


def same_order_first(own, weights):
    """Matchings of `own` to `weights` by size: in order first, then every other order within a size."""
    sizes = sorted({math.prod(w.shape) for w in weights})
    groups = [[i for i, v in enumerate(own) if math.prod(v.shape) == size] for size in sizes]
    targets = [[j for j, w in enumerate(weights) if math.prod(w.shape) == size] for size in sizes]
    for orders in itertools.product(*map(itertools.permutations, targets)):
        yield {i: j for group, order in zip(groups, orders, strict=True) for i, j in zip(group, order, strict=False)}

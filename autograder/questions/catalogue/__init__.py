"""The catalogue of mistakes: a right answer made of parts, and changes of its parts.

How to write a question's catalogue, in three files (exercise 03, `questions/resblock/`, is the example):

**1. The base** (`base.py`): the right answer as a function in which every operation goes through a named part.

    def resblock(p, x, t_emb, output_dim):
        h = p.conv1(p.swish1(p.norm1(x)))
        ...
        return p.residual(h, s)

    BASE = Base(resblock, {"norm1": Norm(), "swish1": silu, "conv1": Conv("output_dim"), ..., "residual": add})

The function takes `p`, then the inputs and arguments of a case as the learner's object does (a flow: with `blocks`; a
sampling loop: with `unet` and `embed`), and computes on NumPy arrays. A part is a function of tensors, or an operation
with weights (`Norm`, `Conv`, `Dense`, or a `Layer` of your own) whose numbers may be names of arguments. Nothing may
be computed outside a part, and no operation may change what it is given: results are kept under the operation and its
operands. Lists are values too: `skips = p.keep(skips, x)` with `lambda skips, x: [*skips, x]`. A part that is `first`
or `same` in the right answer is a place where a mistake happens. In a flow loops and conditions are parts as well
(`for level in p.levels(widths)`, `if p.attends(level, i)`), its blocks come from `catalogue.blocks`, and a flow within
a model is one part, `Inner(DOWN)`; `Inner(DOWN, form)` is a mistake in it (exercises 07 to 09 are the examples).

**2. The changes** (`changes.py`): one line each; what is the same everywhere comes from families.

    change("residual-after-norm", shortcut=reads("norm1"))          # another tensor goes in
    change("embedding-late", join=first, late=add)                  # two parts, one mistake
    change("swish-before-norm-entry", swapped(BASE, "norm1", "swish1"))  # another order
    change("norm-reused", norm2=Same("norm1"))                      # one layer used for two
    *generated(BASE, {"entry-norm": ("norm1",), "norms": ("norm1", "norm2")}, ids={...}, leave_out=[...])

The first change that explains an answer is named, so the more specific ones come first. A form is one way to make a
mistake; a change may have several, `change("norm-layer", form, other_form)`. `Change(id, answer=...)` takes an object,
run as a learner's is, where no part can show the mistake (it is then not combined with others). Noise that is drawn
where none belongs, in a part's place or on top of it: `redrawn("step-new-noise", "noise_added")`, `noisy(...)`.

Where no single change explains an answer, two at once are tried: those that change different things. What a part does,
which tensors it takes, in which order parts come (`swapped`) and what is done besides to what a part gives (`then`) are
four things: `difference=then(np.square)` goes with any other difference. The finer the parts, the more pairs.

**3. The texts** (`mistakes.en.toml`), see `texts`. Then `Question(..., base=BASE, mistakes=TEXTS.of(CHANGES))`.

**The proof** lies outside, in `tests/questions/slips/EXERCISE.toml`: for every change a substitution in the course's
own solution, or an answer written by hand, that must be named by the change's id.
"""

from autograder.questions.catalogue.change import (
    Base,
    Change,
    Form,
    FreshNoise,
    Inner,
    Moved,
    Pair,
    Reads,
    Replacements,
    Same,
    Then,
    Wired,
    change,
    noisy,
    on,
    pairs,
    reads,
    redrawn,
    swapped,
    then,
    wired,
)
from autograder.questions.catalogue.evaluation import PART_FAILED, RAISED, WEIGHTS, Evaluation, Step
from autograder.questions.catalogue.families import generated
from autograder.questions.catalogue.texts import Texts, part_names

__all__ = [
    "PART_FAILED",
    "RAISED",
    "WEIGHTS",
    "Base",
    "Change",
    "Evaluation",
    "Form",
    "FreshNoise",
    "Inner",
    "Moved",
    "Pair",
    "Reads",
    "Replacements",
    "Same",
    "Step",
    "Texts",
    "Then",
    "Wired",
    "change",
    "generated",
    "noisy",
    "on",
    "pairs",
    "part_names",
    "reads",
    "redrawn",
    "swapped",
    "then",
    "wired",
]

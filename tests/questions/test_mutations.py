"""A base that is broken turns tests red: it is refused as an answer, and some slip loses its name.

Each base is broken in three ways or more. A way is one line: the parts that are replaced, and by what. (A part that a
variant of the base replaces is no good place: the variant would stay right.)
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from autograder.exam import make_paper
from autograder.exam.known_mistakes import KnownMistakes
from autograder.exam.marking import MODES, Marker
from autograder.questions import find
from autograder.questions.catalogue import Evaluation
from autograder.questions.catalogue.blocks import PaddedConv
from autograder.questions.catalogue.operations import Conv, Dense, Norm, average, same, scaled, silu
from autograder.sitting.run import sit
from tests.questions.slips import answer_with, slips_of
from tests.questions.test_slips import CONVERTED, SEED

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # as in test_slips

MUTATIONS = {
    # --------------------------------------------------------------------------------------------------- 01-denoising
    # ------------------------------------------------------------------------------------------------------ 02-inputs
    # ---------------------------------------------------------------------------------------------------- 03-resblock
    "broadcast-embedding": (
        {"features": scaled(1.3)},
        {"axes": lambda e: e[:, None]},
        {"axes": lambda e: np.roll(e, 1, axis=-1)[:, None, None]},
    ),
    "resblock-same": (
        {"norm1": Norm(epsilon=1e-3)},
        {"conv2": Conv("output_dim", 5)},
        {"residual": average},
        {"swish_t": same},
    ),
    "resblock-project": (
        {"norm2": Norm(groups=16)},
        {"dense": Dense("output_dim", bias=False)},
        {"join": lambda h, e: h + 1.3 * e},
        {"shortcut": Conv("output_dim", 3)},
        {"end": silu},
    ),
    # ----------------------------------------------------------------------------------------- 04-spatial-transformer
    # ------------------------------------------------------------------------------------------- 05-transformer-block
    # --------------------------------------------------------------------------------------------- 06-cross-attention
    # --------------------------------------------------------------------------------------------------- 07-down-flow
    "down-flow": (
        {"halve": PaddedConv(size=5, padding=2, stride=2)},
        {"entry": PaddedConv(size=5, padding=2)},
        {"result": lambda x, kept: (x, kept[::-1])},
        {"heads": lambda width, size, *_: (size, width // size)},
    ),
    # ----------------------------------------------------------------------------------------------------- 08-up-flow
    # -------------------------------------------------------------------------------------------------------- 09-unet
    # ---------------------------------------------------------------------------------------------------- 10-sampling
}
WAYS = [(question_id, number) for question_id, ways in MUTATIONS.items() for number in range(len(ways))]
broken_bases = pytest.mark.parametrize(("question_id", "number"), WAYS, ids=[f"{q}-{n}" for q, n in WAYS])


@cache
def marker(question_id):
    question = find(question_id)
    return Marker(question, make_paper(question, SEED))


@cache
def slip_answer(question_id, index):
    """The mistake that slip number `index` must be named as, and what it answers."""
    mistake_id, slip = slips_of(find(question_id))[index]
    return mistake_id, sit(marker(question_id).paper, answer_with(find(question_id), slip))


def broken(question_id, number):
    """The question's base with the parts of one mutation in it."""
    base = find(question_id).base
    mutation = MUTATIONS[question_id][number]
    assert set(mutation) <= set(base.parts)
    return replace(base, parts={**base.parts, **mutation})


@pytest.mark.parametrize("question", CONVERTED, ids=lambda q: q.id)
def test_every_base_is_broken_in_three_ways(question):
    assert len(MUTATIONS.get(question.id, ())) >= 3


@broken_bases
def test_broken_base_is_refused(question_id, number):
    right = marker(question_id)
    answer = Evaluation(broken(question_id, number), right.paper).answer({})
    assert not any(right.mode.agree(answer, right.right(i)) for i in range(len(right.question.accepted)))


@broken_bases
def test_broken_base_costs_a_slip_its_name(question_id, number):
    right = marker(question_id)
    question = replace(right.question, base=broken(question_id, number))
    known = KnownMistakes(MODES[question.marking](question, right.paper))
    answers = (slip_answer(question_id, index) for index in range(len(slips_of(question))))
    named = ((mistake_id, known.name(answer)) for mistake_id, answer in answers)
    assert any(found is None or found.id != mistake_id for mistake_id, found in named)

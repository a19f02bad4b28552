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
from autograder.questions.catalogue import Evaluation, Inner, Same
from autograder.questions.catalogue.blocks import PaddedConv
from autograder.questions.catalogue.operations import (
    Conv,
    Dense,
    Norm,
    add,
    average,
    default,
    first,
    gelu_tanh,
    rest_root,
    root,
    same,
    scaled,
    second,
    silu,
)
from autograder.questions.cross_attention.base import cut
from autograder.questions.down_flow.base import DOWN
from autograder.sitting.run import sit
from tests.questions.slips import answer_with, slips_of
from tests.questions.test_slips import CONVERTED, SEED

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # as in test_slips


def scaled_by(factor):
    """A product that is `factor` times too large."""
    return lambda x, y: factor * x * y


MUTATIONS = {
    # --------------------------------------------------------------------------------------------------- 01-denoising
    "denoise-step": (
        {"share": lambda difference, alpha: 1.01 * alpha * difference},
        {"difference": lambda image, desired: desired - image},
        {"moved": lambda x: np.clip(x, -3, 1)},
    ),
    "denoise": (
        {"rate": lambda alpha, index, steps: alpha if index < 3 else 0},
        {"turns": lambda steps: range(steps + 1)},
        {"image": second},
        {"stack": np.concatenate},
    ),
    "remaining-error": (
        {"kept": lambda alpha: 1 - 1.01 * alpha},
        {"count": lambda steps: max(steps, 1)},
        {"end": lambda left: round(left, 2)},
    ),
    "count-steps": (
        {"kept": lambda alpha: 1 - 1.2 * alpha},
        {"whole": int},
        {"wanted": lambda share: min(share, 0.5)},
    ),
    # ------------------------------------------------------------------------------------------------------ 02-inputs
    "timestep-embedding": (
        {"rounded": lambda frequencies: np.float32(1.01 * frequencies)},
        {"share": lambda index, half: index / (half - 1)},
        {"end": np.float16},
        {"width": default(256)},
    ),
    "padded-conv": (
        {"conv": Conv("filters", "kernel_size", stride="step", padding="valid", bias=False)},
        {"after": lambda zeros: 0 * zeros},
        {"zeros": default(1)},
        {"end": silu},
    ),
    "guess-first-column": (
        {"left": lambda zeros: 0 * zeros},
        {"outputs": lambda side, strides: side // strides},
        {"enough": same},
    ),
    "time-embedding": (
        {"swish": gelu_tanh},
        {"dense2": Same("dense1")},
        {"wide": lambda channels: 2 * channels},
        {"dense1": Dense("wide", bias=False)},
    ),
    # ---------------------------------------------------------------------------------------------------- 03-resblock
    "broadcast-embedding": (
        {"features": scaled(1.3)},
        {"axes": lambda e: e[:, None]},
        {"axes": lambda e: np.roll(e, 1, axis=-1)[:, None, None]},
    ),
    "fault-group-norm": (
        {"variance": lambda grouped: np.var(grouped, axis=(1, 2), keepdims=True)},
        {"safe": lambda variance: variance + np.float32(1e-3)},
        {"mean": lambda grouped: 0 * np.mean(grouped, axis=(1, 2, 4), keepdims=True)},
    ),
    "norm-swish-conv": (
        {"half_norm": Norm(epsilon=1e-3)},
        {"half_swish": gelu_tanh},
        {"half_conv": Conv("filters", 5)},
        {"half_end": scaled(1.3)},
    ),
    "time-shift": (
        {"swish_t": same},
        {"dense": Dense("filters", bias=False)},
        {"join": average},
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
    "image-to-tokens": (
        {"arranged": lambda x: np.transpose(x, (0, 2, 1, 3))},
        {"counted": lambda image, x: image.reshape(1, -1, x.shape[-1])},
        {"returned": scaled(1.3)},
    ),
    "tokens-to-image": (
        {"arranged": scaled(1.3)},
        {"laid_out": lambda tokens, height, width: tokens.reshape(len(tokens), width, height, -1)},
        {"returned": lambda x: x[:, ::-1]},
    ),
    "count-reach": (
        {"span": lambda start, end: end - start + 2},
        {"reach": lambda convolutions: convolutions + 1},
        {"first_row": lambda row, reach: row},
    ),
    "spatial-transformer": (
        {"norm": Norm(groups=16)},
        {"by_head": lambda heads, size: np.ones(heads * size, "float32")},
        {"conv2": Conv("channels", 3)},
        {"dense1": Dense("channels", bias=False)},
        {"picture": lambda z, x: z.reshape(-1, *x.shape[1:3], z.shape[-1])[:, ::-1]},
        {"residual": average},
    ),
    # ------------------------------------------------------------------------------------------- 05-transformer-block
    "geglu": (
        {"halves": Dense("width", bias=False)},
        {"value_half": lambda a: a[..., ::2], "gate_half": lambda a: a[..., 1::2]},
        {"gated": add},
        {"product": scaled(1.3)},
    ),
    "ablate-steps": (
        {"of_token": lambda tokens, sees: tokens if sees else 2},
        {"reads": lambda off: not off},
        {"end": lambda count: min(count, 50)},
    ),
    "transformer-block": (
        {"norm2": Norm("features", epsilon=1e-3)},
        {"order": lambda: ("cross", "self", "feed")},
        {"wide": lambda dim: 8 * dim},
        {"heads2": lambda heads, size: np.ones(heads * size, "float32")},
        {"path3": scaled(1.3)},
    ),
    # --------------------------------------------------------------------------------------------- 06-cross-attention
    "td-dot": (
        {"end": scaled(1.3)},
        {"left": scaled(-1)},
        {"product": lambda a, b: a @ np.flip(b, 1)},
    ),
    "self-attention": (
        {"scores": lambda q, k: 1.3 * (q @ k)},
        {"cut_v": lambda a, tokens, n, d: np.flip(cut(a, tokens, n, d), 1)},
        {"to_q": Dense("width")},
        {"out": Dense("width", bias=False)},
    ),
    "cross-attention": (
        {"scores": lambda q, k: 1.3 * (q @ k)},
        {"to_v": Same("to_k")},
        {"answering": lambda context, inputs: context[:, ::-1] + 1},
        {"average": lambda weights, v: weights @ np.square(v)},
    ),
    "fault-padding": (
        {"masked": lambda scores, real: scores},
        {"scale": lambda scores, q: 1.1 * scores},
        {"end": scaled(1.1)},
    ),
    "guess-repeated-word": ({"copies": scaled_by(1.1)}, {"total": first}, {"others": lambda share: 1.1 - share}),
    # --------------------------------------------------------------------------------------------------- 07-down-flow
    "guess-attention-cost": (
        {"pixels": lambda height, width: height * height},
        {"both": first},
        {"end": scaled(1.1)},
    ),
    "down-pair": ({"end": scaled(1.3)}, {"heads": lambda width, size, *_: (size, width // size)}, {"time": scaled(2)}),
    "down-level": (
        {"halve": PaddedConv(size=5, padding=2, stride=2)},
        {"result": lambda x, kept: (x, kept[::-1])},
        {"attends": lambda level, i: level < 2},
    ),
    "down-flow": (
        {"halve": PaddedConv(size=5, padding=2, stride=2)},
        {"entry": PaddedConv(size=5, padding=2)},
        {"result": lambda x, kept: (x, kept[::-1])},
        {"heads": lambda width, size, *_: (size, width // size)},
    ),
    # ----------------------------------------------------------------------------------------------------- 08-up-flow
    "upsample": (
        {"rows": lambda x: np.concatenate([x, x], axis=1)},
        {"conv": Conv("channels", 5)},
        {"end": silu},
    ),
    "middle-flow": (
        {"attended": average},
        {"turn": lambda: 1},
        {"heads": lambda width, size, *_: (1, width)},
        {"between": scaled(1.3)},
    ),
    "up-flow": (
        {"join": lambda x, skip, i: np.concatenate([skip, x], axis=-1)},
        {"waiting": lambda outputs: [outputs[i] for level in (0, 3, 6, 9) for i in (level + 2, level + 1, level)]},
        {"enlarge": lambda x, *_: x.repeat(2, axis=1).repeat(2, axis=2)},
        {"attends": lambda level, i: level < 2},
    ),
    "ablate-skips": (
        {"chosen": lambda size: (3 * size, 3 * size + 1)},
        {"nothing": np.ones_like},
        {"left": scaled(1.1)},
    ),
    # -------------------------------------------------------------------------------------------------------- 09-unet
    "exit-flow": (
        {"norm": Norm(epsilon=1e-3)},
        {"conv": PaddedConv(size=5, padding=2)},
        {"end": scaled(1.3)},
    ),
    "unet": (
        {"down": Inner(DOWN, {"halve": PaddedConv(size=5, padding=2, stride=2)})},
        {"dense2": Dense("mlp_width", bias=False)},
        {"mlp_swish": same},
        {"smallest": scaled(1.3)},
    ),
    "parameters": (
        {"conv1": lambda c, d: 9 * c * d},
        {"projection": lambda c, d: c * d + d},
        {"total": lambda n: n + 1},
    ),
    "count-text": (
        {"way_up": lambda a, b, c: 3 * (a + b)},
        {"biases": lambda width: 1},
        {"kernels": lambda width, context_dim: width * context_dim},
    ),
    # ---------------------------------------------------------------------------------------------------- 10-sampling
    "initial-noise": (
        {"columns": lambda side: side // 16},
        {"spread": scaled(1.3)},
        {"channels": lambda: 3},
    ),
    "predict-x0": ({"clean": scaled(1.3)}, {"signal_size": rest_root}, {"left": add}),
    "ddim-step": (
        {"step": scaled(1.3)},
        {"next_noise_size": root},
        {"mixed": average},
        {"noise_size": lambda share: 1 - share},
    ),
    "guidance": ({"guided": average}, {"stretch": lambda scale: 1.3 * scale}, {"difference": add}),
    "guess-guided-spread": (
        {"common": lambda rest, scale, correlation: 0},
        {"rest": lambda scale: scale},
        {"end": scaled(1.1)},
    ),
    "sample": (
        {"end": lambda bars, i, times, timesteps: float(bars[0])},
        {"timestep": lambda i, times: times[i] - 1},
        {"times": lambda timesteps: [int(t) for t in timesteps][1:]},
        {"stretch": lambda scale: 1.3 * scale},
    ),
    # ---------------------------------------------------------------------------------------------------- 11-training
    "add-noise": ({"rest": lambda share: 1.01 - share}, {"root": same}, {"signal": scaled_by(1.1)}),
    "velocity": ({"join": add}, {"other_root": scaled(0.9)}, {"grain": scaled_by(1.1)}),
    "eps-from-velocity": ({"share_of_x_t": same}, {"join": average}, {"rest": same}),
    "guess-blind-loss": ({"picture": add}, {"noise_share": scaled(1.1)}, {"end": scaled(0.9)}),
    "drop-text": ({"empty": scaled(-1)}, {"told": scaled(1.1)}, {"axes": lambda dropped: ~dropped[:, None, None]}),
    "training-loss": (
        {"mean": np.median},
        {"noisy": average},
        {"embedding": lambda embed, times: np.asarray(embed(times + 1))},
        {"target": second},
    ),
    # ---------------------------------------------------------------------------------------------- 12-text-to-picture
    "causal-mask": (
        {"allowed": np.greater},
        {"end": np.logical_not},
        {"row": lambda length: np.arange(length)[:, None] + 1},
    ),
    "guess-changed-rows": (
        {"end": lambda count: count + 1},
        {"place": lambda position: position + 1},
        {"end": scaled(2)},
    ),
    "text-block": (
        {"dense1": Dense("wide", bias=False)},
        {"scores": lambda q, k: 1.3 * (q @ k)},
        {"gelu": silu},
        {"norm2": Norm("features", epsilon=1e-3)},
        {"order": lambda: ("feed", "attend")},
    ),
    "start-from-picture": (
        {"count": lambda strength, timesteps: round(strength * len(timesteps))},
        {"join": average},
        {"signal_size": rest_root},
        {"left": lambda timesteps, count: timesteps[:count]},
    ),
    "text-to-picture": (
        {"clipped": same},
        {"unscaled": first},
        {"untold": lambda networks, tokens: 1.3 * np.asarray(networks.text_encoder(tokens))},
        {"guidance": lambda scale: 1.3 * scale},
    ),
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
    question = replace(marker(question_id).question, base=broken(question_id, number))
    assert not all(is_explained(question, index) for index in range(len(slips_of(question))))


def is_explained(question, index):
    """Whether the mistake that a slip must be named as explains it. If not, the slip has lost its name, whatever the
    others explain: they need not be tried, which takes a minute where a question has many."""
    mistake_id, answer = slip_answer(question.id, index)
    known = tuple(mistake for mistake in question.mistakes if mistake.id == mistake_id)
    mode = MODES[question.marking](replace(question, mistakes=known), marker(question.id).paper)
    mode.combines = False  # two mistakes at once are another test's
    return KnownMistakes(mode).explain(answer) == known

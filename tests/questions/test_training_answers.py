"""Exercise 11: right answers, however they are written, pass; and what the check hands over fits."""

from functools import cache

import keras
import numpy as np
import pytest
from keras import ops

from autograder.exam import make_paper
from autograder.exam.marking import Marker
from autograder.questions import RandomInput, find
from autograder.questions.question import Case, Question
from autograder.sitting.run import sit


@cache
def marker(question_id, scale="tiny"):
    question = find(question_id)
    return Marker(question, make_paper(question, 7, scale))


def assert_right(question_id, answer):
    for scale in ("tiny", "full"):
        chosen = marker(question_id, scale)
        verdict = chosen.mark(sit(chosen.paper, answer))
        assert verdict.passed, verdict.message


def verdict_on(question_id, answer):
    chosen = marker(question_id)
    return chosen.mark(sit(chosen.paper, answer))


# ------------------------------------------------------------------------------------------------------------- mixtures


def by_reshape(one, other, share):
    share = ops.reshape(share, (-1, 1, 1, 1))
    return share**0.5 * one + (1 - share) ** 0.5 * other


def by_einsum(one, other, share):
    return ops.einsum("b,bhwc->bhwc", ops.sqrt(share), one) + ops.einsum("b,bhwc->bhwc", ops.sqrt(1 - share), other)


def by_picture(one, other, share):
    share = [float(s) for s in ops.convert_to_numpy(share)]
    return ops.stack([a**0.5 * one[i] + (1 - a) ** 0.5 * other[i] for i, a in enumerate(share)])


def by_angle(one, other, share):
    angle = ops.arccos(ops.sqrt(share))[:, None, None, None]
    return ops.cos(angle) * one + ops.sin(angle) * other


def in_numpy(one, other, share):
    one, other, share = map(ops.convert_to_numpy, (one, other, share))
    share = np.sqrt(share.astype("float64"))[:, None, None, None]
    return (share * one + np.sqrt(1 - share**2) * other).astype("float32")


def transposed(one, other, share):
    """With the batch as the last axis, where a share for each picture multiplies as it is."""
    one, other = (ops.transpose(tensor, (1, 2, 3, 0)) for tensor in (one, other))
    return ops.transpose(one * ops.sqrt(share) + other * ops.sqrt(1.0 - share), (3, 0, 1, 2))


MIXTURES = [by_reshape, by_einsum, by_picture, by_angle, in_numpy, transposed]


@pytest.mark.parametrize("mix", MIXTURES)
def test_add_noise_is_right_however_written(mix):
    assert_right("add-noise", mix)


@pytest.mark.parametrize("mix", MIXTURES)
def test_velocity_is_right_however_written(mix):
    assert_right("velocity", lambda x0, noise, share: mix(noise, -x0, share))


@pytest.mark.parametrize("mix", MIXTURES)
def test_eps_from_velocity_is_right_however_written(mix):
    assert_right("eps-from-velocity", lambda x_t, v, share: mix(v, x_t, share))


def test_eps_from_velocity_is_right_by_way_of_the_clean_latent():
    def answer(x_t, v, alpha_bar):
        a, b = (ops.reshape(root, (-1, 1, 1, 1)) for root in (ops.sqrt(alpha_bar), ops.sqrt(1 - alpha_bar)))
        return (x_t - a * (a * x_t - b * v)) / b

    assert_right("eps-from-velocity", answer)


# ----------------------------------------------------------------------------------------------------------- blind loss


@pytest.mark.parametrize(
    "answer",
    [
        lambda alpha_bar, variance: 1 * alpha_bar + (1 - alpha_bar) * variance,
        lambda alpha_bar, variance: variance - alpha_bar * (variance - 1),
        lambda alpha_bar, variance: np.float64(np.average([1, variance], weights=[alpha_bar, 1 - alpha_bar])),
        lambda alpha_bar, variance: ops.convert_to_tensor(alpha_bar + variance - alpha_bar * variance),
        lambda alpha_bar, variance: np.sqrt(alpha_bar) ** 2 + (np.sqrt(1 - alpha_bar) * np.sqrt(variance)) ** 2,
    ],
)
def test_blind_loss_is_right_however_written(answer):
    assert_right("guess-blind-loss", answer)


# ----------------------------------------------------------------------------------------------------------------- text


def drop_by_factors(context, unconditional, dropped):
    dropped = ops.cast(dropped, "float32")[:, None, None]
    return dropped * unconditional + (1 - dropped) * context


def drop_by_picture(context, unconditional, dropped):
    rows = ops.convert_to_numpy(dropped)
    return ops.stack([unconditional[i] if row else context[i] for i, row in enumerate(rows)])


def drop_in_place(context, unconditional, dropped):
    context, unconditional, dropped = map(ops.convert_to_numpy, (context, unconditional, dropped))
    result = context.copy()
    result[dropped] = unconditional[dropped]
    return result


def drop_by_choice(context, unconditional, dropped):
    both = ops.stack([context, unconditional], axis=1)  # (B, 2, T, F)
    return ops.take_along_axis(both, ops.cast(dropped, "int32")[:, None, None, None], axis=1)[:, 0]


def drop_the_other_way_round(context, unconditional, dropped):
    return ops.where(ops.reshape(ops.logical_not(dropped), (-1, 1, 1)), context, unconditional)


@pytest.mark.parametrize(
    "answer", [drop_by_factors, drop_by_picture, drop_in_place, drop_by_choice, drop_the_other_way_round]
)
def test_drop_text_is_right_however_written(answer):
    assert_right("drop-text", answer)


# ----------------------------------------------------------------------------------------------------------------- loss


def loss_by_index(predict, x0, noise, timesteps, context, alpha_bars, embed):
    share = ops.convert_to_tensor(np.asarray(alpha_bars)[np.asarray(timesteps)])
    v = predict([by_reshape(x0, noise, share), embed(timesteps), context])
    return ops.mean((v - by_reshape(noise, -x0, share)) ** 2)


def loss_of_keras(predict, x0, noise, timesteps, context, alpha_bars, embed):
    share = ops.take(ops.convert_to_tensor(alpha_bars), timesteps)
    v = predict([by_einsum(x0, noise, share), embed(timesteps), context])
    return ops.mean(keras.losses.mean_squared_error(by_einsum(noise, -x0, share), v))


def loss_by_mean_of_means(predict, x0, noise, timesteps, context, alpha_bars, embed):
    share = ops.take(alpha_bars, timesteps, axis=0)
    v = predict((by_angle(x0, noise, share), embed(timesteps), context))
    by_picture = ops.mean(ops.square(ops.subtract(v, by_angle(noise, -x0, share))), axis=(1, 2, 3))
    return ops.sum(by_picture) / by_picture.shape[0]


def loss_one_by_one(predict, x0, noise, timesteps, context, alpha_bars, embed):
    losses = []
    for i in range(x0.shape[0]):
        one = slice(i, i + 1)
        inputs = (predict, x0[one], noise[one], timesteps[one], context[one], alpha_bars, embed)
        losses.append(loss_by_index(*inputs))
    return ops.mean(ops.stack(losses))


def loss_in_numpy(predict, x0, noise, timesteps, context, alpha_bars, embed):
    x0, noise, t = map(ops.convert_to_numpy, (x0, noise, timesteps))
    share = alpha_bars[t][:, None, None, None]
    x_t, v = share**0.5 * x0 + (1 - share) ** 0.5 * noise, share**0.5 * noise - (1 - share) ** 0.5 * x0
    return float(np.mean((ops.convert_to_numpy(predict([x_t, embed(t), context])) - v) ** 2))


@pytest.mark.parametrize(
    "answer", [loss_by_index, loss_of_keras, loss_by_mean_of_means, loss_one_by_one, loss_in_numpy]
)
def test_training_loss_is_right_however_written(answer):
    assert_right("training-loss", answer)


def test_training_loss_that_calls_the_network_wrongly_is_told_how():
    def training_loss(predict, x0, noise, timesteps, context, alpha_bars, embed):
        return ops.mean(predict(x0, embed(timesteps), context))

    verdict = verdict_on("training-loss", training_loss)
    assert not verdict.passed
    assert "return ops.mean(predict(x0, embed(timesteps), context))" in verdict.message


def test_training_loss_message_shows_the_call_as_the_exercise_has_it():
    verdict = verdict_on("training-loss", lambda *_: 0.0)
    assert "training_loss(predict, x0 (2, 6, 8, 4), noise (2, 6, 8, 4), timesteps (2,), context (2, 9, 10)" in (
        verdict.message
    )


# ----------------------------------------------------------------------------------------------------------- the papers


def drawn(seed, **inputs):
    case = Case((), inputs)
    question = Question("q", "00-none", "f", "function", lambda scale: (case,), (), (), "")
    return make_paper(question, seed).cases[0].inputs


def test_paper_draws_shares_that_are_near_neither_end():
    shares = np.concatenate([drawn(seed, shares=RandomInput((50,), values="shares"))["shares"] for seed in range(20)])
    assert shares.dtype == "float32"
    assert 0.05 <= shares.min() < 0.1 < 0.9 < shares.max() <= 0.95


@pytest.mark.parametrize("size", [2, 3, 8])
def test_paper_draws_both_booleans_and_not_the_true_ones_first(size):
    """So that dropping nothing, dropping everything and sorting by `dropped` all show."""
    for seed in range(40):
        dropped = drawn(seed, dropped=RandomInput((size,), values="booleans"))["dropped"]
        assert dropped.dtype == bool
        assert dropped.any()
        assert not dropped[0]


def test_paper_draws_integer_timesteps():
    times = drawn(0, t=RandomInput((40,), values="integer timesteps"))["t"]
    assert times.dtype == "int32"
    assert len(set(times.tolist())) == 40
    assert 0 <= times.min() < times.max() < 1000

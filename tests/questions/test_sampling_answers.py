"""Exercise 10: right answers, however they are written, pass; and the stand-ins do what the loop needs."""

import random
from functools import cache

import keras
import numpy as np
import pytest
from keras import ops

from autograder.exam import make_paper
from autograder.exam.marking import Marker
from autograder.questions import find
from autograder.sitting import sampling_stand_ins as given
from autograder.sitting.run import sit


@cache
def marker(question_id, seed=7, scale="tiny"):
    question = find(question_id)
    return Marker(question, make_paper(question, seed, scale))


def assert_right(question_id, answer, scale="tiny"):
    chosen = marker(question_id, 7, scale)
    verdict = chosen.mark(sit(chosen.paper, answer))
    assert verdict.passed, verdict.message


# ------------------------------------------------------------------------------------------------------------ noise


def noise_of_keras(batch_size, img_height, img_width, seed):
    return keras.random.normal((batch_size, img_height // 8, img_width // 8, 4), seed=seed)


def noise_of_a_generator(batch_size, img_height, img_width, seed):
    generator = keras.random.SeedGenerator(seed)
    shape = [batch_size, int(img_height / 8), int(img_width / 8), 4]
    return keras.random.normal(shape, mean=0.0, stddev=1.0, seed=generator)


def noise_of_old_numpy(batch_size, img_height, img_width, seed):
    return np.random.RandomState(seed).randn(batch_size, img_height // 8, img_width // 8, 4).astype(np.float32)


def noise_by_item(batch_size, img_height, img_width, seed):
    items = [
        np.random.default_rng([seed, i]).normal(size=(img_height // 8, img_width // 8, 4)) for i in range(batch_size)
    ]
    return ops.cast(ops.stack(items), "float32")


def noise_of_python(batch_size, img_height, img_width, seed):
    numbers = random.Random(seed)
    size = (batch_size, img_height // 8, img_width // 8, 4)
    return np.array([numbers.gauss(0, 1) for _ in range(np.prod(size))], "float32").reshape(size)


@pytest.mark.parametrize(
    "answer", [noise_of_keras, noise_of_a_generator, noise_of_old_numpy, noise_by_item, noise_of_python]
)
def test_initial_noise_of_any_generator_is_right(answer):
    assert_right("initial-noise", answer)


def test_initial_noise_is_right_on_many_papers():
    """A right answer must not be refused by chance: each paper has other seeds."""
    for seed in range(30):
        chosen = marker("initial-noise", seed)
        assert chosen.mark(sit(chosen.paper, noise_of_keras)).passed


# ------------------------------------------------------------------------------------------------------------- steps


def clean_by_sqrt(latent, eps, alpha_bar):
    return ops.divide(ops.subtract(latent, ops.sqrt(1.0 - alpha_bar) * eps), ops.sqrt(alpha_bar))


def clean_as_a_sum(latent, eps, alpha_bar):
    return latent / np.sqrt(alpha_bar) - np.sqrt(1 / alpha_bar - 1) * eps


def clean_in_numpy(latent, eps, alpha_bar):
    latent, eps = ops.convert_to_numpy(latent), ops.convert_to_numpy(eps)
    return (latent - np.sqrt(1 - alpha_bar) * eps) / alpha_bar**0.5


def clean_by_a_signal_to_noise_ratio(latent, eps, alpha_bar):
    """The noise's spread beside a signal of its full size, as k-diffusion writes it."""
    sigma = ((1 - alpha_bar) / alpha_bar) ** 0.5
    return latent * (1 + sigma**2) ** 0.5 - sigma * eps


def clean_by_velocity(latent, eps, alpha_bar):
    """By way of v, the derivative along a circle."""
    cos, sin = np.sqrt(alpha_bar, dtype="float32"), np.sqrt(1 - alpha_bar, dtype="float32")
    v = (eps - sin * latent) / cos
    return cos * latent - sin * v


def clean_in_place(latent, eps, alpha_bar):
    x = ops.convert_to_numpy(latent).copy()
    x -= np.float32(np.sqrt(1 - alpha_bar)) * ops.convert_to_numpy(eps)
    x /= np.float32(np.sqrt(alpha_bar))
    return ops.convert_to_tensor(x)


@pytest.mark.parametrize(
    "answer",
    [
        clean_by_sqrt,
        clean_as_a_sum,
        clean_in_numpy,
        clean_by_a_signal_to_noise_ratio,
        clean_by_velocity,
        clean_in_place,
    ],
)
def test_predict_x0_is_right_however_written(answer):
    assert_right("predict-x0", answer)
    assert_right("predict-x0", answer, "full")


def step_in_one_line(latent, eps, alpha_bar, alpha_bar_prev):
    ratio = (alpha_bar_prev / alpha_bar) ** 0.5
    return ratio * latent + ((1 - alpha_bar_prev) ** 0.5 - ratio * (1 - alpha_bar) ** 0.5) * eps


def step_with_sigma(latent, eps, alpha_bar, alpha_bar_prev, eta=0.0):
    sigma = eta * float(np.sqrt((1 - alpha_bar_prev) / (1 - alpha_bar) * (1 - alpha_bar / alpha_bar_prev)))
    x0 = clean_by_sqrt(latent, eps, alpha_bar)
    direction = ops.sqrt(1 - alpha_bar_prev - sigma**2) * eps
    return ops.sqrt(alpha_bar_prev) * x0 + direction + sigma * 0.0


def step_in_numpy(latent, eps, alpha_bar, alpha_bar_prev):
    return step_in_one_line(ops.convert_to_numpy(latent), ops.convert_to_numpy(eps), alpha_bar, alpha_bar_prev)


def step_by_angles(latent, eps, alpha_bar, alpha_bar_prev):
    """Shares as an angle's cosine and sine: the step turns the latent."""
    now, then = ops.arccos(ops.sqrt(alpha_bar)), ops.arccos(ops.sqrt(alpha_bar_prev))
    return (ops.cos(then) * latent - ops.sin(now - then) * eps) / ops.cos(now)


def step_of_scaled_latents(latent, eps, alpha_bar, alpha_bar_prev):
    """Euler's step in the noise's spread beside a signal of its full size."""
    now, then = (np.sqrt(1 / share - 1) for share in (alpha_bar, alpha_bar_prev))
    return ops.sqrt(alpha_bar_prev) * (latent / ops.sqrt(alpha_bar) + float(then - now) * eps)


@pytest.mark.parametrize(
    "answer", [step_in_one_line, step_with_sigma, step_in_numpy, step_by_angles, step_of_scaled_latents]
)
def test_ddim_step_is_right_however_written(answer):
    assert_right("ddim-step", answer)
    assert_right("ddim-step", answer, "full")


@pytest.mark.parametrize(
    "answer",
    [
        lambda u, c, s: (1 - s) * u + s * c,
        lambda u, c, s: c + (s - 1) * (c - u),
        lambda u, c, s: ops.add(u, ops.multiply(s, ops.subtract(c, u))),
        lambda u, c, s: ops.convert_to_numpy(u) + s * (ops.convert_to_numpy(c) - ops.convert_to_numpy(u)),
        lambda u, c, s: ops.sum(ops.stack([u, c]) * np.reshape([1 - s, s], (2, 1, 1, 1, 1)).astype("float32"), axis=0),
        lambda u, c, s: u - s * u + s * c,
    ],
)
def test_guidance_is_right_however_written(answer):
    assert_right("guidance", answer)


# ------------------------------------------------------------------------------------------------------------- loops


def loop_of_two_calls(unet, latent, context, unconditional, timesteps, alpha_bars, scale, embed):
    shares = [*alpha_bars[timesteps], 1.0]
    for step, timestep in enumerate(timesteps):
        times = embed([timestep] * latent.shape[0])
        without = unet([latent, times, unconditional])
        eps = without + scale * (unet([latent, times, context]) - without)
        latent = step_in_one_line(latent, eps, float(shares[step]), float(shares[step + 1]))
    return latent


def loop_of_a_doubled_call(unet, latent, context, unconditional, timesteps, alpha_bars, scale, embed):
    batch = ops.shape(latent)[0]
    texts = ops.concatenate([context, unconditional], axis=0)  # the prompt first
    following = [*list(timesteps[1:]), None]
    for now, then in zip(timesteps, following, strict=True):
        embedding = ops.tile(embed(ops.convert_to_tensor([now])), (2 * batch, 1))
        with_prompt, without = ops.split(unet([ops.tile(latent, (2, 1, 1, 1)), embedding, texts]), 2)
        eps = without + scale * (with_prompt - without)
        share = 1.0 if then is None else float(alpha_bars[then])
        clean = clean_by_sqrt(latent, eps, float(alpha_bars[now]))
        latent = share**0.5 * clean + (1 - share) ** 0.5 * eps
    return latent


def loop_in_numpy(unet, latent, context, unconditional, timesteps, alpha_bars, scale, embed):
    latent, times = ops.convert_to_numpy(latent), list(map(int, timesteps))
    for t, after in zip(times, [*times[1:], -1], strict=True):
        embedding = embed(np.full((len(latent),), t))
        u, c = (ops.convert_to_numpy(unet((latent, embedding, text))) for text in (unconditional, context))
        a, b = alpha_bars[t], alpha_bars[after] if after >= 0 else 1.0
        eps = (1 - scale) * u + scale * c
        latent = np.sqrt(b) * (latent - np.sqrt(1 - a) * eps) / np.sqrt(a) + np.sqrt(1 - b) * eps
    return latent


def loop_of_tensors(unet, latent, context, unconditional, timesteps, alpha_bars, scale, embed):
    """Schedule and timesteps as tensors, each share taken by an index that is a tensor, too."""
    bars, times = ops.convert_to_tensor(alpha_bars), ops.convert_to_tensor(timesteps)
    for i in range(len(timesteps)):
        embedding = embed(ops.repeat(ops.expand_dims(times[i], 0), latent.shape[0]))
        without, told = (unet([latent, embedding, text]) for text in (unconditional, context))
        eps = without + scale * (told - without)
        now = ops.take(bars, times[i])
        then = ops.take(bars, times[i + 1]) if i + 1 < len(timesteps) else ops.convert_to_tensor(1.0)
        latent = ops.sqrt(then) * clean_by_sqrt(latent, eps, now) + ops.sqrt(1 - then) * eps
    return latent


def loop_of_shares(unet, latent, context, unconditional, timesteps, alpha_bars, scale, embed):
    """All shares taken at once, and 1 behind them."""
    shares = ops.concatenate([ops.take(alpha_bars, timesteps), ops.ones(1)])
    for t, now, then in zip(timesteps, shares[:-1], shares[1:], strict=True):
        embedding = embed(ops.full((latent.shape[0],), t))
        without = unet([latent, embedding, unconditional])
        eps = without + scale * (unet([latent, embedding, context]) - without)
        latent = ops.sqrt(then) * (latent - ops.sqrt(1 - now) * eps) / ops.sqrt(now) + ops.sqrt(1 - then) * eps
    return latent


def loop_of_itself(unet, latent, context, unconditional, timesteps, alpha_bars, scale, embed):
    """A step, and the rest by recursion."""
    now, *rest = (int(t) for t in timesteps)
    embedding = embed([now] * (2 * len(latent)))
    without, told = ops.split(unet([[*latent, *latent], embedding, [*unconditional, *context]]), 2)
    share, eps = 1 if not rest else alpha_bars[rest[0]], (1 - scale) * without + scale * told
    latent = share**0.5 * clean_as_a_sum(latent, eps, alpha_bars[now]) + (1 - share) ** 0.5 * eps
    return loop_of_itself(unet, latent, context, unconditional, rest, alpha_bars, scale, embed) if rest else latent


def loop_of_scaled_latents(unet, latent, context, unconditional, timesteps, alpha_bars, scale, embed):
    """Euler's steps in the noise's spread beside a signal of its full size."""
    spread = np.sqrt(1 / alpha_bars - 1)
    latent = latent / np.sqrt(alpha_bars[timesteps[0]])
    for t, then in zip(timesteps, [*spread[timesteps[1:]], 0.0], strict=True):
        seen, embedding = latent * np.sqrt(alpha_bars[t]), embed(np.repeat(t, len(latent)))
        without, told = unet([seen, embedding, unconditional]), unet([seen, embedding, context])
        latent = latent + (then - spread[t]) * (without + scale * (told - without))
    return latent


LOOPS = [loop_of_two_calls, loop_of_a_doubled_call, loop_in_numpy]
LOOPS += [loop_of_tensors, loop_of_shares, loop_of_itself, loop_of_scaled_latents]


@pytest.mark.parametrize("answer", LOOPS)
def test_sample_is_right_however_written(answer):
    assert_right("sample", answer)
    assert_right("sample", answer, "full")


def test_sample_that_calls_the_unet_wrongly_is_told_how():
    def loop(unet, latent, context, unconditional, timesteps, alpha_bars, scale, embed):
        return unet(latent, embed(timesteps), context)

    chosen = marker("sample")
    verdict = chosen.mark(sit(chosen.paper, loop))
    assert not verdict.passed
    assert "return unet(latent, embed(timesteps), context)" in verdict.message


def told(question_id, answer):
    """What a wrong answer is told."""
    chosen = marker(question_id)
    verdict = chosen.mark(sit(chosen.paper, answer))
    assert not verdict.passed
    return verdict


@pytest.mark.parametrize(
    "draw",
    [
        lambda shape, seed: keras.random.normal(shape, seed=seed),
        lambda shape, seed: np.random.default_rng(seed).standard_normal(shape, "float32"),
    ],
)
def test_noise_whose_sides_are_floats_is_told_of_whole_numbers(draw):
    verdict = told("initial-noise", lambda b, h, w, seed: draw((b, h / 8, w / 8, 4), seed))
    assert "`//`" in verdict.message


def test_sample_that_looks_behind_the_last_timestep_is_told_so():
    def loop(unet, latent, context, unconditional, timesteps, alpha_bars, scale, embed):
        return [alpha_bars[timesteps[i + 1]] for i in range(len(timesteps))]

    assert "past the end" in told("sample", loop).message


def test_sample_of_float64_numbers_is_told_so():
    """`np.append` makes float64 of float32 and a plain number."""

    def loop(unet, latent, context, unconditional, timesteps, alpha_bars, scale, embed):
        return latent * ops.sqrt(np.append(alpha_bars, 1.0)[timesteps[0]])

    assert "float64" in told("sample", loop).message.split("Cause:")[1]


@pytest.mark.parametrize("last", [0, 0.0])
def test_sample_whose_last_share_is_0_is_told_of_that_share(last):
    def loop(unet, latent, context, unconditional, timesteps, alpha_bars, scale, embed):
        shares = [*(float(alpha_bars[t]) for t in timesteps), last]
        for t, now, then in zip(timesteps, shares[:-1], shares[1:], strict=True):
            times = embed(np.full(len(latent), t))
            without = unet([latent, times, unconditional])
            eps = without + scale * (unet([latent, times, context]) - without)
            latent = step_in_one_line(latent, eps, now, then)
        return latent

    verdict = told("sample", loop)
    assert verdict.mistake == "loop-gives-noise"
    assert "0 instead of 1" in verdict.message


# --------------------------------------------------------------------------------------------------------- stand-ins


def test_stand_ins_of_numpy_compute_what_the_given_ones_do():
    rng = np.random.default_rng(2)
    inputs = [rng.normal(size=size).astype("float32") for size in ((2, 4, 5, 4), (2, 12), (2, 6, 7))]
    gave = []

    def loop(unet, latent, context, unconditional, timesteps, alpha_bars, scale, embed):
        embedding = embed(np.asarray(timesteps))
        gave.append([ops.convert_to_numpy(unet(inputs)), ops.convert_to_numpy(embedding), timesteps, alpha_bars])

    given.call_loop(loop, [None] * 3, 5, 1.0)
    given.call_loop_in_numpy(loop, [None] * 3, 5, 1.0)
    for theirs, ours in zip(*gave, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)  # float32


def test_stand_in_unet_answers_each_picture_by_itself():
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=size) for size in ((3, 4, 5, 4), (3, 12), (3, 6, 7))]
    whole = ops.convert_to_numpy(given.unet(inputs))
    alone = [ops.convert_to_numpy(given.unet([part[i : i + 1] for part in inputs])) for i in range(3)]
    np.testing.assert_allclose(whole, np.concatenate(alone), atol=1e-5)  # float32


@pytest.mark.parametrize("index", [0, 1, 2])
def test_stand_in_unet_depends_on_each_input(index):
    rng = np.random.default_rng(1)
    inputs = [rng.normal(size=size) for size in ((2, 4, 5, 4), (2, 12), (2, 6, 7))]
    changed = list(inputs)
    changed[index] = changed[index] + rng.normal(size=changed[index].shape)
    before, after = (ops.convert_to_numpy(given.unet(tensors)) for tensors in (inputs, changed))
    assert np.linalg.norm(after - before) > 0.05 * np.linalg.norm(before)


@pytest.mark.parametrize("steps", range(4, 10))
def test_stand_in_schedule_runs_from_noisy_to_clean(steps):
    times, shares = given.timesteps(steps), given.alpha_bars()
    assert len(set(np.diff(times))) == steps - 1  # a constant stride would let `t - stride` pass
    assert np.all(np.diff(times) < 0)
    assert 0 < times[-1] < 200 < 900 < times[0] < 1000
    assert np.all(np.diff(shares) < 0)


def test_stand_in_embedding_tells_all_timesteps_apart():
    embeddings = ops.convert_to_numpy(given.embed(np.arange(1000)))
    distances = np.linalg.norm(np.diff(embeddings, axis=0), axis=1)
    assert distances.min() > 1e-2


def root_loop(unet, latent, context, unconditional, timesteps, alpha_bars, scale, embed):
    """All by keras.ops: what the check hands over joins with float32 tensors on every backend."""
    bars = ops.take(ops.convert_to_tensor(alpha_bars), timesteps, axis=0)
    for i, t in enumerate(timesteps):
        times = embed(ops.full((latent.shape[0],), t))
        plain, told = unet([latent, times, unconditional]), unet([latent, times, context])
        eps = plain + scale * (told - plain)
        now, then = bars[i], bars[i + 1] if i + 1 < len(timesteps) else 1.0
        clean = (latent - ops.sqrt(1 - now) * eps) / ops.sqrt(alpha_bars[t])
        latent = ops.sqrt(then) * clean + ops.sqrt(1 - then) * eps
    return latent


def test_sample_right_by_roots_and_takes_of_keras():
    assert_right("sample", root_loop)
    assert_right("sample", root_loop, "full")

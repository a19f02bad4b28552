"""The mistakes of exercise 10 around one step: noise, clean latent, DDIM step, guidance. Each is wrong in one way."""

import numpy as np

from autograder.questions.question import Mistake
from autograder.reference import guided_eps, predict_x0

NOISE = "Where a picture begins"
CLEAN = "The clean latent behind the noise"
STEP = "One DDIM step"
GUIDANCE = "Guidance: past what the prompt says"
LOOP = "The loop"


def _noise(shape=lambda b, h, w: (b, h // 8, w // 8, 4), draw=None, dtype="float32"):
    """An answer to `initial_noise` with another shape or another way to draw."""
    draw = draw or (lambda rng, size: rng.standard_normal(size))
    return lambda b, h, w, seed: draw(np.random.default_rng(seed), shape(b, h, w)).astype(dtype)


def _same_for_all(rng, size):
    return np.repeat(rng.standard_normal((1, *size[1:])), size[0], axis=0)


def _unseeded(b, h, w, seed):
    return np.random.default_rng().standard_normal((b, h // 8, w // 8, 4)).astype("float32")


def _one_seed(b, h, w, seed):
    return np.random.default_rng(42).standard_normal((b, h // 8, w // 8, 4)).astype("float32")


NOISE_MISTAKES = (
    Mistake(
        "noise-of-the-picture",
        _noise(lambda b, h, w: (b, h, w, 4)),
        "The noise has the sides of the picture; the latent's are an eighth of them.",
        "The UNet works on latents: the autoencoder makes 8x8 pixels of each place of the latent.",
        NOISE,
    ),
    Mistake(
        "noise-three-channels",
        _noise(lambda b, h, w: (b, h // 8, w // 8, 3)),
        "The noise has three channels, as a picture has; a latent has four.",
        "The latent's four channels are no colours: they are what the autoencoder found worth keeping.",
        NOISE,
    ),
    Mistake(
        "noise-channels-first",
        _noise(lambda b, h, w: (b, 4, h // 8, w // 8)),
        "The channels stand before height and width: that is the layout with channels first.",
        "Keras keeps channels last, (batch, height, width, channels).",
        NOISE,
    ),
    Mistake(
        "noise-sides-swapped",
        _noise(lambda b, h, w: (b, w // 8, h // 8, 4)),
        "Height and width are swapped.",
        "A picture that is not square would come out lying down.",
        NOISE,
    ),
    Mistake(
        "noise-uniform",
        _noise(draw=lambda rng, size: rng.uniform(size=size)),
        "The numbers are drawn evenly from 0 to 1, not from a normal distribution.",
        "In training the UNet has only seen normally distributed noise of mean 0; it cannot tell this from a picture.",
        NOISE,
    ),
    Mistake(
        "noise-uniform-around-zero",
        _noise(draw=lambda rng, size: rng.uniform(-1, 1, size=size)),
        "The numbers are drawn evenly from -1 to 1, not from a normal distribution.",
        "Their spread is too small and the far values are missing, so the UNet takes it for a latent that has been "
        "partly denoised.",
        NOISE,
    ),
    Mistake(
        "noise-float64",
        _noise(dtype="float64"),
        "The noise is float64, which is NumPy's default.",
        "The model computes in float32; a float64 latent is an error on some backends and slow on others.",
        NOISE,
    ),
    Mistake(
        "noise-without-seed",
        _unseeded,
        "The seed is not used: every call gives other numbers.",
        "A picture can be drawn again only if its noise can be made again.",
        NOISE,
    ),
    Mistake(
        "noise-fixed-seed",
        _one_seed,
        "The seed is not used: every seed gives the same numbers.",
        "Another seed is how one gets another picture for the same prompt.",
        NOISE,
    ),
    Mistake(
        "noise-same-for-all",
        _noise(draw=_same_for_all),
        "All pictures of a batch begin with the same noise.",
        "With the same prompt they would all become the same picture.",
        NOISE,
    ),
)

CLEAN_MISTAKES = (
    Mistake(
        "clean-without-roots",
        lambda latent, eps, a: (latent - (1 - a) * eps) / a,
        "alpha_bar is used as it is where its root belongs, for the signal and for the noise.",
        "alpha_bar is a share of variance; what multiplies a signal is the root of its share.",
        CLEAN,
    ),
    Mistake(
        "clean-adds-noise",
        lambda latent, eps, a: (latent + (1 - a) ** 0.5 * eps) / a**0.5,
        "The noise is added once more where it should be taken away.",
        "The latent is signal plus noise; to find the signal, the noise has to come off.",
        CLEAN,
    ),
    Mistake(
        "clean-not-divided",
        lambda latent, eps, a: latent - (1 - a) ** 0.5 * eps,
        "What is left after the noise is taken away is not brought back to its full size.",
        "The latent holds the signal only in part, scaled down; at the noisiest steps nearly nothing of it.",
        CLEAN,
    ),
    Mistake(
        "clean-whole-noise",
        lambda latent, eps, a: (latent - eps) / a**0.5,
        "All of eps is taken away, whatever the time.",
        "eps has standard deviation 1; the latent holds only a part of it, less and less towards the end.",
        CLEAN,
    ),
    Mistake(
        "clean-shares-swapped",
        lambda latent, eps, a: (latent - a**0.5 * eps) / (1 - a) ** 0.5,
        "The share of the signal and the share of the noise are swapped.",
        "alpha_bar is what is left of the picture, not of the noise: near 1 at the end, near 0 at the start.",
        CLEAN,
    ),
    Mistake(
        "clean-one-minus-root",
        lambda latent, eps, a: (latent - (1 - a**0.5) * eps) / a**0.5,
        "The noise's factor is one minus the root of alpha_bar; the root belongs around the whole difference.",
        "The two shares add up to 1 as variances, before the roots are taken.",
        CLEAN,
    ),
    Mistake(
        "clean-divided-first",
        lambda latent, eps, a: latent / a**0.5 - (1 - a) ** 0.5 * eps,
        "Only the latent is divided by the root of alpha_bar, not the noise.",
        "The noise comes off first; the division then brings what is left back to its full size.",
        CLEAN,
    ),
    Mistake(
        "clean-noise-divided",
        lambda latent, eps, a: latent - (1 - a) ** 0.5 * eps / a**0.5,
        "Only the noise is divided by the root of alpha_bar, not the latent: are brackets missing?",
        "The noise comes off first; the division then brings what is left back to its full size.",
        CLEAN,
    ),
    Mistake(
        "clean-multiplied",
        lambda latent, eps, a: (latent - (1 - a) ** 0.5 * eps) * a**0.5,
        "What is left after the noise is taken away is multiplied by the root of alpha_bar instead of divided by it.",
        "The latent holds the signal scaled down by that root; to bring it back to its full size, divide.",
        CLEAN,
    ),
    Mistake(
        "clean-divided-without-root",
        lambda latent, eps, a: (latent - (1 - a) ** 0.5 * eps) / a,
        "The division is by alpha_bar itself; its root belongs there, as for the noise.",
        "alpha_bar is a share of variance; what multiplies a signal is the root of its share.",
        CLEAN,
    ),
    Mistake(
        "clean-noise-without-root",
        lambda latent, eps, a: (latent - (1 - a) * eps) / a**0.5,
        "The noise is multiplied by 1 - alpha_bar itself; its root belongs there, as for the signal.",
        "1 - alpha_bar is a share of variance; what multiplies the noise is the root of its share.",
        CLEAN,
    ),
)


def _step(shares=lambda a, p: (a, p), noise=True):
    """An answer to `ddim_step` that goes between other shares, or adds no noise."""

    def step(latent, eps, alpha_bar, alpha_bar_prev):
        a, p = shares(alpha_bar, alpha_bar_prev)
        clean = p**0.5 * predict_x0(latent, eps, a)
        return clean + (1 - p) ** 0.5 * eps if noise else clean

    return step


STEP_MISTAKES = (
    Mistake(
        "step-gives-clean",
        lambda latent, eps, a, p: predict_x0(latent, eps, a),
        "The clean latent itself came back; alpha_bar_prev has no effect.",
        "At the first steps the predicted picture is a blur; it must be made noisy again, so that the next step can "
        "correct it.",
        STEP,
    ),
    Mistake(
        "step-without-noise",
        _step(noise=False),
        "The noise is not added back: only the scaled clean latent came out.",
        "The next step would get less noise than its timestep promises.",
        STEP,
    ),
    Mistake(
        "step-same-share",
        _step(lambda a, p: (a, a)),
        "The noise goes back in the amount of this timestep, not of the next: the latent stays as it was.",
        "alpha_bar_prev is the share of signal of the next, cleaner step: that is where the step has to lead.",
        STEP,
    ),
    Mistake(
        "step-shares-swapped",
        _step(lambda a, p: (p, a)),
        "alpha_bar and alpha_bar_prev are swapped: the step leads to more noise.",
        "The clean latent is found with the share of now and made noisy with the share of the next step.",
        STEP,
    ),
    Mistake(
        "step-noise-of-now",
        lambda latent, eps, a, p: p**0.5 * predict_x0(latent, eps, a) + (1 - a) ** 0.5 * eps,
        "The clean latent is scaled for the next step, but the noise goes back in the amount of this one.",
        "Both parts belong to the next step; else there is more noise than the next timestep tells the UNet.",
        STEP,
    ),
    Mistake(
        "step-clean-of-now",
        lambda latent, eps, a, p: a**0.5 * predict_x0(latent, eps, a) + (1 - p) ** 0.5 * eps,
        "The noise goes back in the amount of the next step, but the clean latent is scaled for this one.",
        "Both parts belong to the next step; else the picture stays fainter than it should.",
        STEP,
    ),
    Mistake(
        "step-without-roots",
        lambda latent, eps, a, p: p * predict_x0(latent, eps, a) + (1 - p) * eps,
        "alpha_bar_prev is used as it is where its root belongs.",
        "alpha_bar is a share of variance; what multiplies a signal is the root of its share.",
        STEP,
    ),
    Mistake(
        "step-clean-without-roots",
        lambda latent, eps, a, p: p**0.5 * (latent - (1 - a) * eps) / a + (1 - p) ** 0.5 * eps,
        "The clean latent is found with alpha_bar itself where its root belongs.",
        "alpha_bar is a share of variance; what multiplies a signal is the root of its share.",
        STEP,
    ),
)

GUIDANCE_MISTAKES = (
    Mistake(
        "guidance-swapped",
        lambda u, c, s: guided_eps(c, u, s),
        "With and without the prompt are swapped: the picture is led away from the prompt.",
        "Guidance starts from what the UNet says without the prompt and goes towards what it says with it.",
        GUIDANCE,
    ),
    Mistake(
        "guidance-difference-reversed",
        lambda u, c, s: u + s * (u - c),
        "The difference is taken the wrong way round: it leads away from the prompt.",
        "Guidance starts from what the UNet says without the prompt and goes towards what it says with it.",
        GUIDANCE,
    ),
    Mistake(
        "guidance-from-the-prompt",
        lambda u, c, s: c + s * (c - u),
        "The difference is added to what the UNet says with the prompt, so it counts once too often.",
        "A scale of 1 must give the prompt's own prediction; here it gives that of a scale of 2. (Papers that start "
        "from the prompt mean by w what is scale - 1 here.)",
        GUIDANCE,
    ),
    Mistake(
        "guidance-scale-less-one",
        lambda u, c, s: u + (s - 1) * (c - u),
        "One is taken off the scale: a scale of 1 gives the picture without a prompt.",
        "A scale of 1 must give the prompt's own prediction, a scale of 0 the one without a prompt.",
        GUIDANCE,
    ),
    Mistake(
        "guidance-difference-only",
        lambda u, c, s: s * (c - u),
        "Only the scaled difference came back, without the prediction that it is added to.",
        "The difference says which way the prompt pulls; most of the noise is in what both have in common.",
        GUIDANCE,
    ),
    Mistake(
        "guidance-none",
        lambda u, c, s: c + 0 * u,
        "The prediction with the prompt came back as it is; the scale has no effect.",
        "Without guidance the prompt is followed only loosely: that is a scale of 1.",
        GUIDANCE,
    ),
    Mistake(
        "guidance-scaled-prompt",
        lambda u, c, s: s * c + 0 * u,
        "The prediction with the prompt is multiplied by the scale; the one without is not used.",
        "eps must keep the size of noise; only the difference that the prompt makes may be stretched.",
        GUIDANCE,
    ),
    Mistake(
        "guidance-mixed",
        lambda u, c, s: u / s + (1 - 1 / s) * c,
        "The two predictions are averaged, which stays between them.",
        "Guidance goes past the prediction with the prompt: a scale above 1 exaggerates what the prompt changes.",
        GUIDANCE,
    ),
    Mistake(
        "guidance-sum",
        lambda u, c, s: u + s * c,
        "The scaled prediction with the prompt is added; it is the difference of the two that belongs there.",
        "What both predictions have in common would be counted more than once, and the noise would be too large.",
        GUIDANCE,
    ),
)

"""The mistakes of exercise 10's loop, each a loop that is wrong in one way."""

import numpy as np
from keras import ops

from autograder.questions.question import Mistake
from autograder.questions.sampling.mistakes import GUIDANCE, LOOP, STEP
from autograder.reference import ddim_step, guided_eps, predict_x0


def _loop(step=ddim_step, guide=guided_eps, time=lambda i, t: t, share=None, before=None, steps=lambda t: t):
    """An answer to `sample` of which one part is another.

    Args:
        step, guide: in place of `ddim_step` and `guided_eps`.
        time: of the step's number and timestep, gives what is embedded.
        share: of the schedule, the step's number and timestep, gives alpha_bar.
        before: of the schedule, the step's number and all timesteps, gives alpha_bar_prev.
        steps: which timesteps are used, of all.
    """
    share = share or (lambda bars, i, t: bars[t])
    before = before or _until_last(lambda bars, i, times: bars[times[i + 1]])

    def sample(unet, latent, context, unconditional, timesteps, alpha_bars, scale, embed):
        times, count = [int(t) for t in steps(timesteps)], latent.shape[0]
        for i, t in enumerate(times):
            embedding = embed(np.full(count, time(i, t)))
            with_prompt, without = (unet([latent, embedding, c]) for c in (context, unconditional))
            shares = float(share(alpha_bars, i, t)), float(before(alpha_bars, i, times))
            latent = step(latent, guide(without, with_prompt, scale), *shares)
        return latent

    return sample


def _until_last(before):
    """An alpha_bar_prev that is `before(schedule, number, timesteps)`, but after the last step 1, as it should be."""
    return lambda bars, i, times: before(bars, i, times) if i + 1 < len(times) else 1.0


def _latent_kept(unet, latent, context, unconditional, timesteps, alpha_bars, scale, embed):
    """Every step begins at the first noise again."""
    whole = _loop()
    return whole(unet, latent, context, unconditional, timesteps[-1:], alpha_bars, scale, embed)


def _timesteps_reversed(unet, latent, context, unconditional, timesteps, *rest):
    """Goes through the timesteps from the end, and reads the next one from the list as it was."""
    times = [int(t) for t in timesteps]
    whole = _loop(steps=lambda t: times[::-1], before=_until_last(lambda bars, i, _: bars[times[i + 1]]))
    return whole(unet, latent, context, unconditional, timesteps, *rest)


def _returned_inside(unet, latent, context, unconditional, timesteps, alpha_bars, *rest):
    """Only the first step, which leads to the second timestep."""
    second = int(timesteps[1])
    whole = _loop(steps=lambda t: t[:1], before=lambda bars, i, times: bars[second])
    return whole(unet, latent, context, unconditional, timesteps, alpha_bars, *rest)


def _one_half_of_the_noise(unet, latent, *rest):
    """The UNet is asked without a prompt about the noise that it all began with."""
    context, unconditional, timesteps, alpha_bars, scale, embed = rest
    start, times = latent, [*map(int, timesteps)]
    for i, t in enumerate(times):
        embedding = embed(np.full(latent.shape[0], t))
        eps = guided_eps(unet([start, embedding, unconditional]), unet([latent, embedding, context]), scale)
        before = float(alpha_bars[times[i + 1]]) if i + 1 < len(times) else 1.0
        latent = ddim_step(latent, eps, float(alpha_bars[t]), before)
    return latent


def _with_both_ends(before, **parts):
    """Loops with this alpha_bar_prev, by what they add to a mistake's id: at every step, and at all but the last."""
    return {"": _loop(before=before, **parts), "-but-the-last": _loop(before=_until_last(before), **parts)}


def _share_variants(id, answers, cause, why):
    """One mistake about the shares in several forms."""
    return (Mistake(f"{id}{form}", answer, cause, why, LOOP) for form, answer in answers.items())


LOOP_MISTAKES = (
    Mistake(
        "loop-without-guidance",
        _loop(guide=lambda u, c, s: c),
        "The scale has no effect: only the prediction with the prompt is used.",
        "Without guidance the prompt is followed only loosely.",
        GUIDANCE,
    ),
    Mistake(
        "loop-without-prompt",
        _loop(guide=lambda u, c, s: u),
        "Only the prediction without the prompt is used.",
        "What comes out is a picture of anything.",
        GUIDANCE,
    ),
    Mistake(
        "loop-prompts-swapped",
        _loop(guide=lambda u, c, s: guided_eps(c, u, s)),
        "context and unconditional are swapped on their way to the guidance.",
        "The picture is led away from the prompt. In a doubled batch, see which half comes first.",
        GUIDANCE,
    ),
    Mistake(
        "loop-backwards",
        _loop(steps=lambda t: list(t)[::-1]),
        "The timesteps are taken from clean to noisy.",
        "The noise has to be removed from the largest amount to the smallest; `timesteps` already come in that order.",
        LOOP,
    ),
    Mistake(
        "loop-backwards-half",
        _timesteps_reversed,
        "The timesteps are taken from clean to noisy, while the next one is looked up in the list as it was.",
        "The noise has to be removed from the largest amount to the smallest; `timesteps` already come in that order.",
        LOOP,
    ),
    Mistake(
        "loop-returns-early",
        _returned_inside,
        "The loop ends after its first step: does the `return` stand inside of it?",
        "There is one step for each timestep; the latent is returned after the last one.",
        LOOP,
    ),
    Mistake(
        "loop-embeds-the-counter",
        _loop(time=lambda i, t: i),
        "The number of the step is embedded, not its timestep.",
        "The UNet knows timesteps from 0 to 999; with 0, 1, 2, ... it believes that the picture is nearly clean.",
        LOOP,
    ),
    *_share_variants(
        "loop-share-of-the-counter",
        _with_both_ends(lambda bars, i, times: bars[i + 1], share=lambda bars, i, t: bars[i]),
        "The schedule is read at the number of the step, not at its timestep.",
        "`alpha_bars` has an entry for each of the 1,000 timesteps of training, of which sampling visits a few.",
    ),
    *_share_variants(
        "loop-share-of-now-at-the-counter",
        {"": _loop(share=lambda bars, i, t: bars[i])},
        "alpha_bar is read at the number of the step, not at its timestep.",
        "`alpha_bars` has an entry for each of the 1,000 timesteps of training, of which sampling visits a few.",
    ),
    *_share_variants(
        "loop-share-of-next-at-the-counter",
        _with_both_ends(lambda bars, i, times: bars[i + 1]),
        "alpha_bar_prev is read at the number of the next step, not at its timestep.",
        "`alpha_bars` has an entry for each of the 1,000 timesteps of training, of which sampling visits a few.",
    ),
    *_share_variants(
        "loop-previous-timestep",
        _with_both_ends(lambda bars, i, times: bars[times[i] - 1]),
        "alpha_bar_prev is read at t - 1, one timestep of training further, not at the next timestep of the loop.",
        "Each step would remove only the noise of a single timestep, and the picture would stay noisy.",
    ),
    *_share_variants(
        "loop-step-before",
        {
            **_with_both_ends(lambda bars, i, times: bars[times[i - 1]]),
            "-starting-at-1": _loop(before=lambda bars, i, times: bars[times[i - 1]] if i else 1.0),
        },
        "alpha_bar_prev is read at the timestep before this one in the list, the noisier one.",
        "It is the share that the step leads to: that of the next timestep in the list. (*prev* counts from the clean "
        "picture, as training does.)",
    ),
    Mistake(
        "loop-ends-at-zero",
        _loop(before=lambda bars, i, times: bars[times[i + 1]] if i + 1 < len(times) else bars[0]),
        "The last step leads to the share of timestep 0, which is not quite 1.",
        "After the last step no noise may be left: its alpha_bar_prev is 1.",
        LOOP,
    ),
    Mistake(
        "loop-ends-as-it-was",
        _loop(before=lambda bars, i, times: bars[times[min(i + 1, len(times) - 1)]]),
        "The last step leads nowhere: it uses its own share as the next one.",
        "After the last step no noise may be left: its alpha_bar_prev is 1.",
        LOOP,
    ),
    Mistake(
        "loop-stops-early",
        _loop(steps=lambda t: t[:-1], before=None),
        "The last timestep is left out.",
        "There is one step for each timestep; the last one goes from its timestep to the clean latent.",
        LOOP,
    ),
    Mistake(
        "loop-does-not-move",
        _latent_kept,
        "Every step begins at the first noise again: only the last one shows.",
        "The latent that a step gives is the one that the next step begins with.",
        LOOP,
    ),
    Mistake(
        "loop-old-noise-without-prompt",
        _one_half_of_the_noise,
        "Without the prompt the UNet is asked about the noise of the beginning, not about the present latent.",
        "Both predictions are about the same latent; their difference would else be no effect of the prompt.",
        LOOP,
    ),
    Mistake(
        "loop-clean-every-step",
        _loop(step=lambda latent, eps, a, p: predict_x0(latent, eps, a)),
        "Each step gives the clean latent, and the next one takes it for a noisy one.",
        "The predicted latent must be made noisy again, in the amount that the next timestep promises.",
        STEP,
    ),
    Mistake(
        "loop-gives-noise",
        lambda *a: _noise_of_the_last_step(*a),
        "What came back is the noise that the UNet saw last, not the latent.",
        "eps is taken off the latent; the picture is what is left.",
        LOOP,
    ),
)


def _noise_of_the_last_step(unet, latent, *rest):
    """Returns the last eps."""
    seen = []

    def keep(without, with_prompt, scale):
        seen.append(guided_eps(without, with_prompt, scale))
        return seen[-1]

    _loop(guide=keep)(unet, latent, *rest)
    return ops.convert_to_tensor(seen[-1])

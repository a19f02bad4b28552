"""Ways from noise to a clean latent in few steps: DDIM and a solver of second order, on Stable Diffusion's schedule.

    x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps

A sampler is a step like `ddim_step`, given to `sample`. DDIM's keeps nothing between two steps; DPM-Solver++ keeps what
it saw last, so each drawing needs a new one: `SAMPLERS` holds functions that make them.
"""

from collections.abc import Callable

import numpy as np

from autograder.reference.sampling import ddim_step, predict_x0

TRAINING_TIMESTEPS = 1000


def scaled_linear_alpha_bars(beta_start=0.00085, beta_end=0.012, timesteps=TRAINING_TIMESTEPS):
    """Stable Diffusion's schedule: the roots of beta in even steps; the share of signal, float64 `(timesteps,)`.

    Reference: Rombach et al. (2022), appendix E.1; diffusers, `scaled_linear`.
    """
    betas = np.linspace(beta_start**0.5, beta_end**0.5, timesteps) ** 2
    return np.cumprod(1 - betas)


def leading_timesteps(steps):
    """`steps` timesteps from noisy to clean, evenly spaced, the last one 1, as diffusers' DDIM takes them for SD2.

    Raises:
        ValueError: if there are none, or as many as there are timesteps: timestep 0 is left out.
    """
    if not 1 <= steps < TRAINING_TIMESTEPS:
        raise ValueError(f"`steps` must be 1 to {TRAINING_TIMESTEPS - 1}. Received: steps={steps}")
    return (np.arange(steps) * (TRAINING_TIMESTEPS // steps))[::-1] + 1


class DPMSolver2M:
    """One drawing's steps by DPM-Solver++(2M): DDIM, with the clean latent drawn on along its last two predictions.

        D_i = x0_i + (x0_i - x0_{i-1}) h_i / (2 h_{i-1})      h_i = lambda_{i+1} - lambda_i
        x_{i+1} = sqrt(alpha_bar_{i+1}) D_i + sqrt(1 - alpha_bar_{i+1}) (x_i - sqrt(alpha_bar_i) D_i) / sigma_i

    where lambda = log(sqrt(alpha_bar) / sigma) and sigma = sqrt(1 - alpha_bar). The first step has no prediction before
    it, and the last goes to lambda = infinity: both are DDIM's.

    Call arguments:
        latent, eps: tensors `(B, H, W, C)`, the latent and the noise in it.
        alpha_bar, alpha_bar_prev: the shares of signal now and after the step.

    Returns:
        Tensor `(B, H, W, C)`.

    Reference: Lu et al., "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models" (2022),
    algorithm 2; diffusers, `DPMSolverMultistepScheduler`.
    """

    def __init__(self):
        self.before = None  # the prediction of the step before, and its h

    def __call__(self, latent, eps, alpha_bar, alpha_bar_prev):
        drawn_on = x0 = predict_x0(latent, eps, alpha_bar)
        if alpha_bar_prev < 1:
            width = _lambda(alpha_bar_prev) - _lambda(alpha_bar)
            if self.before is not None:
                x0_before, width_before = self.before
                drawn_on = x0 + width / (2 * width_before) * (x0 - x0_before)
            self.before = x0, width
        noise = (latent - alpha_bar**0.5 * drawn_on) / (1 - alpha_bar) ** 0.5
        return alpha_bar_prev**0.5 * drawn_on + (1 - alpha_bar_prev) ** 0.5 * noise


def _lambda(alpha_bar):
    """Half the logarithm of signal's variance over noise's."""
    return 0.5 * float(np.log(alpha_bar) - np.log1p(-alpha_bar))


SAMPLERS: dict[str, Callable[[], Callable]] = {"ddim": lambda: ddim_step, "dpm": DPMSolver2M}


def eps_from_velocity(latent, v, alpha_bar):
    """The noise in `latent`, where a model predicts v = sqrt(alpha_bar) eps - sqrt(1 - alpha_bar) x_0.

    Reference: Salimans and Ho, "Progressive Distillation for Fast Sampling of Diffusion Models" (2022), appendix D.
    """
    return alpha_bar**0.5 * v + (1 - alpha_bar) ** 0.5 * latent


def start_from_picture(latent, noise, strength, timesteps, alpha_bars):
    """Where to begin in order to change a picture: its latent made noisy, and the timesteps that are left.

    Args:
        latent, noise: of one shape.
        strength: the share of the steps that is walked: 0 leaves the picture as it is, 1 leaves next to nothing of it.
        timesteps: all of them, from noisy to clean.
        alpha_bars: the share of signal at each timestep.

    Returns:
        `(latent, timesteps)`: the noisy latent and the last `int(strength · len(timesteps))` timesteps.

    Raises:
        ValueError: if `strength` is not within 0 and 1.

    Reference: Meng et al., "SDEdit: Guided Image Synthesis and Editing with Stochastic Differential Equations" (2022),
    section 3; diffusers, `StableDiffusionImg2ImgPipeline.get_timesteps`.
    """
    if not 0 <= strength <= 1:
        raise ValueError(f"`strength` must be within 0 and 1. Received: strength={strength}")
    left = timesteps[len(timesteps) - int(len(timesteps) * strength) :]
    if len(left) == 0:
        return latent, left
    share = float(alpha_bars[int(left[0])])
    return share**0.5 * latent + (1 - share) ** 0.5 * noise, left

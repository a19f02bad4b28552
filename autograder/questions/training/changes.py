"""The mistakes of exercise 11: the right answers with one thing changed each."""

import numpy as np

from autograder.questions.catalogue import change, on, reads, then, wired
from autograder.questions.catalogue.operations import (
    add,
    first,
    same,
    scaled,
    second,
    subtract,
    subtract_from,
)

ROOTS = ("root", "other_root")


def _shares() -> tuple:
    """What can go wrong with the shares, wherever two tensors are weighted with them."""
    few = (same, lambda a: a[:, None], lambda a: a[:, None, None], lambda a: a[None], lambda a: a[None, None, None, :])
    return (
        change("share-axes", *({"axes": axes} for axes in few)),
        change("share-of-the-first-picture", axes=lambda a: a[:1, None, None, None]),
        change("share-averaged", axes=np.mean),
        change("roots-missing", on(ROOTS, same)),
        change("root-of-signal-missing", root=same),
        change("root-of-noise-missing", other_root=same),
        change("squared-for-rooted", on(ROOTS, np.square)),
        change("rest-of-the-root", rest=reads("root"), other_root=same),
        change("rest-of-the-root-rooted", rest=reads("root")),
        change("share-as-a-factor", root=same, rest=lambda a: 1 - a**2),
    )


NOISE_CHANGES = (
    change("noise-shares-swapped", signal=reads("x0", "other_root"), grain=reads("noise", "root")),
    change("noise-subtracted", join=subtract),
    change("noise-missing", join=first),
    change("noise-alone", join=second),
    change("noise-unscaled", grain=first),
    change("noise-picture-unscaled", signal=first),
    change("noise-only-added", signal=first, grain=first),
    change("noise-one-share-for-both", grain=reads("noise", "root")),
    change("noise-averaged", join=then(scaled(0.5))),
    *_shares(),
)

VELOCITY_CHANGES = (
    change("velocity-is-x-t", grain=reads("noise", "other_root"), signal=reads("x0", "root"), join=add),
    change("velocity-shares-swapped", grain=reads("noise", "other_root"), signal=reads("x0", "root")),
    change("velocity-pair-swapped", grain=reads("x0", "root"), signal=reads("noise", "other_root")),
    change("velocity-added", join=add),
    change("velocity-turned-round", join=subtract_from),
    change("velocity-straight", grain=first, signal=first),
    change("velocity-is-noise", grain=first, join=first),
    change("velocity-without-picture", join=first),
    change("velocity-without-noise", join=lambda x, y: -y),
    change("velocity-one-share-for-both", signal=reads("x0", "root")),
    change("velocity-noise-unscaled", grain=first),
    change("velocity-picture-unscaled", signal=first),
    *_shares(),
)

EPS_CHANGES = (
    change("eps-is-x0", share_of_v=reads("v", "other_root"), share_of_x_t=reads("x_t", "root"), join=subtract_from),
    change("eps-shares-swapped", share_of_v=reads("v", "other_root"), share_of_x_t=reads("x_t", "root")),
    change("eps-subtracted", join=subtract),
    change("eps-turned-round", join=subtract_from),
    change("eps-without-x-t", join=first),
    change("eps-without-v", join=second),
    change("eps-is-v", share_of_v=first, join=first),
    change("eps-x-t-unscaled", share_of_x_t=first),
    change("eps-v-unscaled", share_of_v=first),
    change(
        "eps-sum-divided",
        share_of_v=first,
        join=wired(lambda v, x_t, root: (v + x_t) / root, "share_of_v", "share_of_x_t", "root"),
    ),
    change("eps-v-divided", share_of_v=lambda v, root: v / root),
    change("eps-one-share-for-both", share_of_x_t=reads("x_t", "root")),
    *_shares(),
)

BLIND_CHANGES = (
    change("blind-to-noise-only", join=first),
    change("blind-to-the-picture-only", join=second),
    change("blind-shares-swapped", picture_share=reads("alpha_bar"), noise_share=reads("rest")),
    change("blind-variance-of-one", picture=first),
    change("blind-variance-of-the-picture", picture=second, join=second),
    change("blind-difference", join=subtract),
    change("blind-variance-squared", spread=then(np.square)),
    change("blind-variance-rooted", spread=then(np.sqrt)),
    change(
        "blind-roots-for-shares",
        on(("noise_share", "picture_share"), then(np.sqrt)),
        on(("noise_share", "picture"), then(np.sqrt)),
    ),
    change("blind-rooted", end=then(np.sqrt)),
    change("blind-halved", end=then(scaled(0.5))),
    change("blind-nothing", end=then(lambda loss: 0 * loss)),
)

DROP_CHANGES = (
    change("drop-turned-round", choose=lambda d, unconditional, context: np.where(d, context, unconditional)),
    change("drop-nothing", choose=lambda d, unconditional, context: context),
    change("drop-everything", choose=lambda d, unconditional, context: unconditional),
    change("drop-to-zeros", {"empty": np.zeros_like}, {"empty": lambda _: np.float32(0)}),
    change("drop-added", choose=lambda d, unconditional, context: context + d * unconditional),
    change("drop-removed", choose=lambda d, unconditional, context: context[~d[:, 0, 0]]),
    change(
        "drop-reordered", choose=lambda d, unconditional, context: _in_two_heaps(d[:, 0, 0], unconditional, context)
    ),
    change("drop-axes", {"axes": same}, {"axes": lambda d: d[:, None]}),
)


def _in_two_heaps(dropped, unconditional, context):
    """The dropped pictures first, then the others: nothing is where it was."""
    return np.concatenate([unconditional[dropped], context[~dropped]])


def _summed_by_picture(squares):
    return squares.reshape(len(squares), -1).sum(axis=1).mean()


LOSS_CHANGES = (
    change("loss-of-eps-as-v", target=second),
    change("loss-of-x0-as-v", target=first),
    change("loss-of-x-t-as-v", target=wired(same, "noisy")),
    change("loss-target-turned-round", target=then(np.negative)),
    change("loss-target-added", target=lambda x0, noise, root, other: root * noise + other * x0),
    change("loss-target-shares-swapped", target=lambda x0, noise, root, other: other * noise - root * x0),
    change("loss-straight-target", target=lambda x0, noise, root, other: noise - x0),
    change("loss-of-clean-latents", answer=reads("predict", "x0", "embedding", "context")),
    change("loss-of-noise-alone", answer=reads("predict", "noise", "embedding", "context")),
    change("loss-noisy-shares-swapped", signal=reads("x0", "other_root"), grain=reads("noise", "root")),
    change("loss-noise-subtracted", noisy=subtract),
    change("loss-noise-unscaled", signal=first, grain=first),
    change("loss-weighted-to-eps", weight=lambda error, root, other: root * error),
    change("loss-weighted-to-x0", weight=lambda error, root, other: other * error),
    change("loss-absolute", square=np.abs),
    change("loss-not-squared", square=same),
    change("loss-rooted", end=np.sqrt),
    change("loss-halved", end=scaled(0.5)),
    change("loss-negative", end=np.negative),
    change("loss-summed", mean=np.sum),
    change("loss-summed-by-picture", mean=_summed_by_picture),
    change("loss-by-picture", mean=lambda squares: squares.mean(axis=(1, 2, 3))),
    change("loss-by-pixel", {"mean": same}, {"mean": lambda squares: squares.mean(axis=-1)}),
    change("loss-shares-embedded", embedding=wired(lambda embed, a: np.asarray(embed(a.ravel())), "embed", "axes")),
    change("loss-time-from-0-to-1", embedding=lambda embed, t: np.asarray(embed(t / np.float32(1000)))),
    change("loss-timestep-before", shares=lambda alpha_bars, t: alpha_bars[t - 1]),
    *_shares(),
)

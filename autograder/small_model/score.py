"""Scores the trained model on prompts kept from training, whole and with parts switched off:
`python -m autograder.small_model.score`.

The judge reads each picture and says what stands where. A picture is right if all of it is: every thing with its
colour and no other, how they stand to each other, sizes and ground where the prompt names them.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from autograder.small_model.batches import paint_scenes
from autograder.small_model.judging import mark, read_pictures
from autograder.small_model.language import draw_scenes
from autograder.small_model.model import FACTS, FOLDER, load_judge, sample_prompts, write_png
from autograder.small_model.shares import Share

BATCH = 64
SEED = 20261125
STEPS, SCALE = 12, 4.0  # as `draw` draws
ASPECTS = ("things", "relations", "sizes", "ground", "right")
ONE, TWO, THREE = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


@dataclass(frozen=True)
class PromptSet:
    """Prompts of one kind: which scenes (see `draw_scenes`), with how many things, and the share to be reached."""

    kind: str
    shares: tuple[float, float, float]
    target: float


SETS = {
    "one thing": PromptSet("held-out", ONE, 0.97),
    "two things with a relation": PromptSet("held-out", TWO, 0.90),
    "three things": PromptSet("held-out", THREE, 0.70),
    "unseen pairs of colour and thing": PromptSet("unseen pairs", (0.5, 0.5, 0.0), 0.85),
}
OTHER_STEPS = (25, 8, 4)  # to see on every set how many it takes
ABLATED = "two things with a relation"  # the set that all changes are scored on
CHANGES: dict[str, dict] = {  # what is told to `sample_prompts`
    "everything on": {},
    **{f"{steps} steps": {"steps": steps} for steps in OTHER_STEPS if steps < STEPS},
    "guidance 1": {"scale": 1.0},
    "without the middle": {"without": "middle"},
    "without the time": {"without": "time"},
    "without the text": {"without": "text"},
    "without the outer skips": {"without": "skips-0"},
    "without the skips of level 1": {"without": "skips-1"},
    "without the skips of level 2": {"without": "skips-2"},
    "without the inner skips": {"without": "skips-3"},
    "without self-attention": {"without": "self-attention"},
    "without cross-attention": {"without": "cross-attention"},
}


def scenes_of(prompt_set, count):
    """The first `count` scenes of a set."""
    return draw_scenes(np.random.default_rng([SEED, 2]), count, prompt_set.kind, prompt_set.shares)


def read_marks(judge, scenes, pictures):
    """What the judge makes of pictures of -1 to 1: for each aspect how many are right."""
    marks = [mark(scene, *seen) for scene, seen in zip(scenes, read_pictures(judge, pictures), strict=True)]
    return {aspect: sum(one[aspect] for one in marks) for aspect in ASPECTS}


def score(prompt_set, count, folder=FOLDER, **how):
    """Draws `count` prompts of a set, told `how`, and has them read: a `Share` by aspect."""
    scenes = scenes_of(prompt_set, count)
    how = {"steps": STEPS, "scale": SCALE} | how
    right = dict.fromkeys(ASPECTS, 0)
    for start in range(0, count, BATCH):
        some = scenes[start : start + BATCH]
        pictures = sample_prompts([str(scene) for scene in some], seed=start, folder=folder, **how)
        for aspect, number in read_marks(load_judge(folder), some, pictures.astype("float32") / 127.5 - 1).items():
            right[aspect] += number
    distinct = len({str(scene) for scene in scenes})
    return {aspect: Share(number, count, distinct) for aspect, number in right.items()}


def count_marks(count=64, steps=STEPS, scale=SCALE, without=(), folder=FOLDER):
    """Draws `count` prompts of two things that training never saw, each from a noise of its own, and has them read.

    Args:
        count: how many.
        steps, scale: of DDIM, and guidance.
        without: what is switched off in the UNet, see `switchboard`.
        folder: where the trained weights are.

    Returns:
        `Share` of pictures by aspect, see `ASPECTS`; "right" is all together.
    """
    return score(SETS[ABLATED], count, folder, steps=steps, scale=scale, without=without)


def score_judge(count=1024, folder=FOLDER):
    """How often the judge itself is right, on true pictures of scenes of all kinds: a `Share` by aspect."""
    rng = np.random.default_rng([SEED, 1])
    scenes = draw_scenes(rng, count, "all")
    right = dict.fromkeys(ASPECTS, 0)
    for start in range(0, count, BATCH):
        some = scenes[start : start + BATCH]
        for aspect, number in read_marks(load_judge(folder), some, paint_scenes(rng, some)[1]).items():
            right[aspect] += number
    return {aspect: Share(number, count, len({str(s) for s in scenes})) for aspect, number in right.items()}


def score_all(count, folder=FOLDER, progress=print, processes=1):
    """Everything: `sets`; `steps`, the sets in other numbers of steps; `changes` of the set `ABLATED`; `judge`. Each is
    a dict of counts by aspect. Several processes share the work, where asked to."""
    scores: dict[str, dict] = {"sets": {}, "steps": {str(steps): {} for steps in OTHER_STEPS}, "changes": {}}
    jobs: list[tuple] = [(scores["sets"], name, name, SETS[name], {}) for name in SETS]
    for steps in OTHER_STEPS:
        row = scores["steps"][str(steps)]
        jobs += [(row, name, f"{name} in {steps} steps", SETS[name], {"steps": steps}) for name in SETS]
    scored = {"everything on": scores["sets"]} | {f"{n} steps": row for n, row in scores["steps"].items()}
    jobs += [(scores["changes"], name, name, SETS[ABLATED], how) for name, how in CHANGES.items() if name not in scored]
    asked = [(prompt_set, count, folder, how) for *_, prompt_set, how in jobs]
    with contextlib.ExitStack() as stack:
        shares = stack.enter_context(_pool(processes)).imap(_score, asked) if processes > 1 else map(_score, asked)
        for (place, key, about, *_), share in zip(jobs, shares, strict=True):
            place[key] = _counts(share)
            progress(f"{about}: {share['right']}")
    changes = {name: scored[name][ABLATED] if name in scored else scores["changes"][name] for name in CHANGES}
    facts = {"judge": _counts(score_judge(folder=folder)), "scale": SCALE, "usual steps": STEPS, "seed": SEED}
    return scores | {"changes": changes} | facts


def _score(asked):
    prompt_set, count, folder, how = asked
    return score(prompt_set, count, folder, **how)


def _pool(processes):
    """Processes that share the processor's cores."""
    os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // processes))
    return multiprocessing.get_context("spawn").Pool(processes)


def _counts(shares):
    return {aspect: asdict(share) for aspect, share in shares.items()}


def shares_in(counts):
    """The `Share`s in a set of counts that was written down."""
    return {aspect: Share(**share) for aspect, share in counts.items()}


def sets_table(scores):
    """The sets as a Markdown table: how many prompts, how many are right, the target, and each aspect alone."""
    head = ["prompts", "pictures", "distinct prompts", "right (95 % interval)", "target", "met", *ASPECTS[:-1]]
    rows = []
    for name, counts in scores["sets"].items():
        shares, target = shares_in(counts), SETS[name].target
        right = shares["right"]
        met = "yes" if right.share >= target else "no"
        aspects = [f"{shares[a].share:.1%}" for a in ASPECTS[:-1]]
        rows.append([name, right.count, right.distinct, right, f"{target:.0%}", met, *aspects])
    judge = shares_in(scores["judge"])["right"]
    return f"{_table(head, rows)}\n\nThe judge reads {judge} of {judge.count} true pictures right."


def steps_table(scores):
    """The share of right pictures by number of steps, as a Markdown table."""
    every = scores["steps"] | {str(scores["usual steps"]): scores["sets"]}
    rows = {n: every[n] for n in sorted(every, key=int)}
    shares = {n: [shares_in(counts)["right"] for counts in row.values()] for n, row in rows.items()}
    return _table(["steps", *SETS], [[n, *(f"{share.share:.1%}" for share in row)] for n, row in shares.items()])


def changes_table(scores):
    """What each change costs on one set, as a Markdown table: right pictures, and whether that is clearly fewer than
    with everything on, the intervals apart."""
    whole = shares_in(scores["changes"]["everything on"])["right"]
    rows = []
    for name, counts in scores["changes"].items():
        right = shares_in(counts)["right"]
        clear = "yes" if right.bounds[1] < whole.bounds[0] else "no"
        rows.append([name, right, "" if name == "everything on" else clear])
    return _table([ABLATED, "right (95 % interval)", "clearly fewer"], rows)


def _table(head, rows):
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in [head, ["---"] * len(head), *rows])


def grid(name, side=8, gap=2, folder=FOLDER, **how):
    """The first samples of a set in a square.

    Returns:
        The prompts, row by row, and the picture, uint8 `(S, S, 3)`, with `gap` white pixels between the samples.
    """
    texts = [str(scene) for scene in scenes_of(SETS[name], side * side)]
    pictures = sample_prompts(texts, folder=folder, **({"steps": STEPS, "scale": SCALE} | how))
    padded = np.pad(pictures, ((0, 0), (0, gap), (0, gap), (0, 0)), constant_values=255)
    rows = padded.reshape(side, side, *padded.shape[1:]).transpose(0, 2, 1, 3, 4)
    return texts, rows.reshape(side * padded.shape[1], -1, 3)[:-gap, :-gap]


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m autograder.small_model.score", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the trained weights are")
    parser.add_argument("--count", type=int, default=256, help="prompts of each set")
    parser.add_argument("--processes", type=int, default=1, help="draw in so many at once")
    parser.add_argument("--grids", type=Path, help="write a PNG of 64 samples of each set here, and do nothing else")
    parser.add_argument("--write", action="store_true", help=f"store the scores in the folder's {FACTS}")
    options = parser.parse_args(arguments)
    if options.grids:
        options.grids.mkdir(parents=True, exist_ok=True)
        for name in SETS:
            texts, picture = grid(name, folder=options.folder)
            write_png(options.grids / f"{name.replace(' ', '-')}.png", picture, {"prompts": "; ".join(texts)})
        return 0
    scores = score_all(options.count, options.folder, processes=options.processes)
    if options.write:
        path = options.folder / FACTS
        path.write_text(json.dumps(json.loads(path.read_text()) | {"scores": scores}, indent=1) + "\n")
    print(sets_table(scores), steps_table(scores), changes_table(scores), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

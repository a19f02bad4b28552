"""Scores the trained model on prompts it has never seen: `python -m autograder.small_model.score`.

The judge reads each picture drawn and says what stands where. A picture is right if all of it is: every object's
colour, shape and place, nothing else there, and the background where the prompt names one.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from keras import ops

from autograder.small_model.model import FACTS, FOLDER, load_judge, sample_prompts, write_png
from autograder.small_model.practice.shape_pictures import lay_out, render
from autograder.small_model.practice.shapes import SHAPES, captions, draw_scenes
from autograder.small_model.shares import Share
from autograder.small_model.training import labels_of

BATCH = 64
SEED = 20261122
STEPS = 25  # of DDIM
FEWER_STEPS = (4, 6, 8, 12)  # to see how many it takes
# Name, scenes, share of two-object scenes, how many of 256, target share of right pictures.
SETS = (
    ("one object", "held-out", 0.0, 64, 0.98),
    ("two objects with relation", "held-out", 1.0, 128, 0.85),
    ("held-out pairs of colour and shape", "pairs", 0.5, 64, 0.75),
)


def read(pictures, folder=FOLDER):
    """What the judge reads in pictures of -1 to 1: int arrays `colour`, `shape` `(B, 5)` and `background` `(B,)`."""
    judge = load_judge(folder)
    parts = [judge.predict_on_batch(pictures[i : i + BATCH]) for i in range(0, len(pictures), BATCH)]
    return {name: np.concatenate([np.argmax(part[name], axis=-1) for part in parts]) for name in parts[0]}


def marks(scenes, seen):
    """Compares what was read with what was asked: boolean arrays `(B,)` by aspect, and `right` for all together."""
    truth = labels_of(scenes)
    there = truth["shape"] != len(SHAPES)  # the class after the shapes: nothing there
    result = {
        "colour": np.all((seen["colour"] == truth["colour"]) | ~there, axis=1),
        "shape": np.all((seen["shape"] == truth["shape"]) | ~there, axis=1),
        "position": np.all((seen["shape"] != len(SHAPES)) == there, axis=1),
        "background": (seen["background"] == truth["background"]) | ~scenes.said,
    }
    return result | {"right": np.all(list(result.values()), axis=0)}


def score_judge(count=1024, folder=FOLDER):
    """The judge's own accuracy on true pictures of scenes it was not trained on (other sizes and places)."""
    rng = np.random.default_rng([SEED, 1])
    scenes = draw_scenes(rng, count, "all")
    pictures = ops.convert_to_numpy(render(lay_out(rng, scenes)))
    return shares(marks(scenes, read(pictures, folder)))


def score_set(kind, two_objects, count, scale=4.0, folder=FOLDER, steps=STEPS):
    """Draws `count` prompts of one kind in `steps` steps and marks them: the share right, by aspect."""
    return shares(marks(*_drawn(kind, two_objects, count, folder, steps=steps, scale=scale)))


def count_marks(count=64, steps=12, scale=4.0, without=(), folder=FOLDER):
    """Draws `count` prompts of two objects that training never saw, each from a noise of its own, and marks them.

    Args:
        count: how many.
        steps, scale: of DDIM, and guidance.
        without: what is switched off in the UNet, see `switchboard`.
        folder: where the trained weights are.

    Returns:
        `Share` of pictures by aspect, as `marks` has them; "right" is all together.
    """
    seen = _drawn("held-out", 1.0, count, folder, steps=steps, scale=scale, without=without)
    return {aspect: Share(int(right.sum()), count) for aspect, right in marks(*seen).items()}


def _drawn(kind, two_objects, count, folder, **how):
    """Scenes of one kind, and what the judge reads in pictures of them."""
    scenes = draw_scenes(np.random.default_rng([SEED, 2]), count, kind, two_objects)
    texts = captions(scenes)
    starts = range(0, count, BATCH)
    pictures = [sample_prompts(texts[i : i + BATCH], i, folder=folder, **how) for i in starts]
    return scenes, read(np.concatenate(pictures).astype("float32") / 127.5 - 1, folder)


def grid(side=8, folder=FOLDER, gap=2):
    """Samples of held-out prompts in a square.

    Returns:
        The prompts, row by row, and the picture, uint8 `(S, S, 3)`, with `gap` white pixels between the samples.
    """
    rng, count = np.random.default_rng([SEED, 3]), side * side
    sets = [draw_scenes(rng, count, kind, two) for _, kind, two, _, _ in SETS]
    # In turn from each set: one object, two, two, and a pair of colour and shape that training never saw.
    texts = [captions(sets[(0, 1, 1, 2)[i % 4]].take([i]))[0] for i in range(count)]
    pictures = sample_prompts(texts, 0, folder=folder)
    padded = np.pad(pictures, ((0, 0), (0, gap), (0, gap), (0, 0)), constant_values=255)
    rows = padded.reshape(side, side, *padded.shape[1:]).transpose(0, 2, 1, 3, 4)
    return texts, rows.reshape(side * padded.shape[1], -1, 3)[:-gap, :-gap]


def shares(mark):
    return {name: round(float(np.mean(values)), 4) for name, values in mark.items()}


def table(scores):
    """The scores as a Markdown table, with the targets beside them."""
    lines = ["| prompts | number | right | target | met | colour | shape | position | background |"]
    lines.append("|---|---|---|---|---|---|---|---|---|")
    for name, _, _, count, target in SETS:
        s = scores["sets"][name]
        aspects = " | ".join(f"{s[a]:.1%}" for a in ("colour", "shape", "position", "background"))
        met = "yes" if s["right"] >= target else "no"
        lines.append(f"| {name} | {count} | {s['right']:.1%} | {target:.0%} | {met} | {aspects} |")
    return "\n".join([*lines, "", f"The judge reads {scores['judge']['right']:.1%} of true pictures right."])


def steps_table(scores):
    """The share of right pictures by number of steps, as a Markdown table."""
    names = [name for name, *_ in SETS]
    by_steps = scores["steps"] | {str(STEPS): {name: scores["sets"][name]["right"] for name in names}}
    rows = [[steps, *(f"{row[name]:.1%}" for name in names)] for steps, row in by_steps.items()]
    lines = [["steps", *names], ["---"] * (len(names) + 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m autograder.small_model.score", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the trained weights are")
    parser.add_argument("--scale", type=float, default=4.0, help="guidance")
    parser.add_argument("--grid", type=Path, help="write a PNG of 64 samples to this file, and do nothing else")
    parser.add_argument("--write", action="store_true", help="store the scores in weights.json")
    options = parser.parse_args(arguments)
    if options.grid:
        texts, picture = grid(folder=options.folder)
        write_png(options.grid, picture, {"prompts": "; ".join(texts)})
        return 0

    def score_sets(steps):
        return {name: score_set(k, two, n, options.scale, options.folder, steps) for name, k, two, n, _ in SETS}

    fewer = {str(n): {name: score["right"] for name, score in score_sets(n).items()} for n in FEWER_STEPS}
    about = {"scale": options.scale, "seed": SEED}
    scores = {"sets": score_sets(STEPS), "steps": fewer, "judge": score_judge(folder=options.folder)} | about
    if options.write:
        path = options.folder / FACTS
        path.write_text(json.dumps(json.loads(path.read_text()) | {"scores": scores}, indent=1) + "\n")
    print(table(scores), steps_table(scores), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

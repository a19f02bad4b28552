"""Scores of the model of scenes: shares with their intervals, the tables, and a run on weights that are not trained."""

import json

import keras
import numpy as np
import pytest

from autograder.small_model.checkpoints import named_weights, write_arrays
from autograder.small_model.judging import Seen
from autograder.small_model.networks import (
    AUTOENCODER,
    JUDGE,
    build_decoder,
    build_encoder,
    build_judge,
    build_text_encoder,
)
from autograder.small_model.painting import lay_out
from autograder.small_model.scene_model import SceneModel
from autograder.small_model.scenes import score_scenes
from autograder.small_model.score import SETS
from autograder.small_model.shares import Share
from autograder.small_model.train import build_unet
from autograder.small_model.training_run import FACTS, WEIGHTS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What training writes, with every weight moved away from its start."""
    folder, rng = tmp_path_factory.mktemp("scenes"), np.random.default_rng(0)
    keras.utils.set_random_seed(0)
    drawing = {"unet": build_unet(), "text_encoder": build_text_encoder()}
    drawing["text_encoder"].build((None, 22))
    coding, statistics = {"encoder": build_encoder(), "decoder": build_decoder()}, {"latent_mean": 0, "latent_std": 1}
    for file, parts in ((WEIGHTS, drawing), (AUTOENCODER, coding), (JUDGE, {"judge": build_judge()})):
        arrays = {name: np.full(4, value, "float16") for name, value in statistics.items() if file == WEIGHTS}
        for name, part in parts.items():
            for variable in part.weights:
                variable.assign(variable + 0.05 * rng.standard_normal(variable.shape))
            arrays |= named_weights(name, part)
        write_arrays(folder / file, arrays)
    (folder / FACTS).write_text('{"seed": 1}')
    return folder


@pytest.fixture(scope="module")
def model(folder):
    return SceneModel(folder)


def test_every_set_holds_what_it_says_and_at_least_200_prompts_are_asked_for():
    things = {"one thing": 1, "two things with a relation": 2, "three things": 3}
    for name, count in things.items():
        assert {len(scene.things) for scene in score_scenes.scenes_of(SETS[name], 50)} == {count}
    assert all(prompt_set.kind in ("held-out", "unseen pairs") for prompt_set in SETS.values())


def test_score_counts_right_pictures_and_distinct_prompts(monkeypatch):
    """A model that paints every second scene as asked for, and leaves the last thing out of the others."""
    rng, asked = np.random.default_rng(4), []

    class Painter:
        judge = None

        def sample_prompts(self, prompts, seed, steps, scale):
            assert (steps, scale) == (4, score_scenes.SCALE)
            asked.extend(prompts)
            return np.zeros((len(prompts), 128, 128, 3), "uint8")

    def read(_, pictures):
        scenes = score_scenes.scenes_of(SETS["one thing"], 40)
        return [_seen(rng, scene, i % 2 == 1) for i, scene in enumerate(scenes)][: len(pictures)]

    monkeypatch.setattr(score_scenes, "read_pictures", read)
    shares = score_scenes.score(Painter(), SETS["one thing"], 40, steps=4)
    assert shares["right"] == Share(20, 40, len(set(asked)))
    assert shares["things"].right == 20
    assert shares["ground"].right == 40
    assert len(set(asked)) < len(asked)


def _seen(rng, scene, all_of_it):
    layout = lay_out(rng, scene)
    pairs = list(zip(scene.things, layout.places, strict=True))
    seen = [Seen(thing.name, thing.colour, place.x, place.y, place.radius) for thing, place in pairs]
    return (seen if all_of_it else seen[:-1]), layout.ground


def test_tables_say_what_is_met_and_what_clearly_costs():
    def counts(right):
        return {aspect: {"right": right, "count": 256, "distinct": 250} for aspect in score_scenes.ASPECTS}

    scores = {"sets": {name: counts(256) for name in SETS}, "judge": counts(255)}
    scores["sets"]["three things"] = counts(100)
    scores["changes"] = {"everything on": counts(240), "4 steps": counts(236), "without the time": counts(20)}
    rows = {line.split("|")[1].strip(): line for line in score_scenes.sets_table(scores).splitlines() if "|" in line}
    assert rows["one thing"].split("|")[6].strip() == "yes"
    assert rows["three things"].split("|")[6].strip() == "no"
    lines = [line.split("|") for line in score_scenes.changes_table(scores).splitlines()]
    rows = {cells[1].strip(): cells[3].strip() for cells in lines}
    assert (rows["4 steps"], rows["without the time"], rows["everything on"]) == ("no", "yes", "")


def assert_same_picture(picture, other):
    """Up to rounding: another batch size adds in another order."""
    assert np.abs(picture.astype(int) - other).max() <= 1


def test_model_draws_the_same_picture_again_and_another_one_without_a_part(model):
    prompts = ["a red house by day", "a small blue boat below a yellow moon at night"]
    drawn = model.sample_prompts(prompts, seed=3, steps=2)
    assert drawn.shape == (2, 128, 128, 3)
    assert drawn.dtype == np.uint8
    assert_same_picture(model.sample_prompts(prompts[1:], seed=4, steps=2)[0], drawn[1])
    assert not np.array_equal(model.sample_prompts(prompts, seed=3, steps=2, without="skips"), drawn)
    with pytest.raises(ValueError, match="balloon"):
        model.sample_prompts(["a red circle"])


def test_command_scores_all_sets_and_changes_and_writes_them_down(folder, monkeypatch, capsys):
    monkeypatch.setattr(score_scenes, "SETS", {name: SETS[name] for name in ("one thing", score_scenes.ABLATED)})
    names = ("everything on", "without the text")
    monkeypatch.setattr(score_scenes, "CHANGES", {name: score_scenes.CHANGES[name] for name in names})
    monkeypatch.setattr(score_scenes, "STEPS", 2)
    monkeypatch.setattr(
        score_scenes, "score_judge", lambda judge: score_scenes.score(SceneModel(folder), SETS["one thing"], 2)
    )
    assert score_scenes.main(["--folder", str(folder), "--count", "2", "--write"]) == 0
    facts = json.loads((folder / FACTS).read_text())
    assert facts["seed"] == 1
    assert list(facts["scores"]["changes"]) == list(names)
    assert facts["scores"]["sets"]["one thing"]["right"]["count"] == 2
    printed = capsys.readouterr().out
    assert score_scenes.sets_table(facts["scores"]) in printed
    assert score_scenes.changes_table(facts["scores"]) in printed


def test_grid_shows_every_sample_at_its_place(model):
    texts, picture = score_scenes.grid(model, "one thing", side=2, gap=2, steps=2)
    assert picture.shape == (2 * 128 + 2, 2 * 128 + 2, 3)
    third = model.sample_prompts([texts[2]], seed=2, steps=2)[0]
    assert_same_picture(picture[130:, :128], third)
    assert (picture[128:130] == 255).all()

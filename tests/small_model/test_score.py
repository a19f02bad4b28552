"""Scores of the small model: shares with their intervals, the tables, and a run on weights that are not trained."""

import json
import shutil

import numpy as np
import pytest

from autograder.small_model import score
from autograder.small_model.judging import Seen
from autograder.small_model.model import FACTS, sample_prompts
from autograder.small_model.painting import lay_out
from autograder.small_model.score import ABLATED, SETS
from autograder.small_model.shares import Share


@pytest.fixture(scope="module")
def folder(random_folder, tmp_path_factory):
    """What training writes, with every weight moved away from its start."""
    folder = shutil.copytree(random_folder, tmp_path_factory.mktemp("scored"), dirs_exist_ok=True)
    (folder / FACTS).write_text('{"seed": 1}')
    return folder


def test_every_set_holds_what_it_says():
    things = {"one thing": 1, "two things with a relation": 2, "three things": 3}
    for name, count in things.items():
        assert {len(scene.things) for scene in score.scenes_of(SETS[name], 50)} == {count}
    assert all(prompt_set.kind in ("held-out", "unseen pairs") for prompt_set in SETS.values())


def test_score_counts_right_pictures_and_distinct_prompts(monkeypatch):
    """A model that paints every second scene as asked for, and leaves the last thing out of the others."""
    rng, asked = np.random.default_rng(4), []

    def paint(prompts, seed, folder, steps, scale):
        assert (folder, seed, steps, scale) == ("folder", 0, 4, score.SCALE)
        asked.extend(prompts)
        return np.zeros((len(prompts), 128, 128, 3), "uint8")

    def read(_, pictures):
        scenes = score.scenes_of(SETS["one thing"], 40)
        return [_seen(rng, scene, i % 2 == 1) for i, scene in enumerate(scenes)][: len(pictures)]

    monkeypatch.setattr(score, "sample_prompts", paint)
    monkeypatch.setattr(score, "load_judge", lambda folder: None)
    monkeypatch.setattr(score, "read_pictures", read)
    shares = score.score(SETS["one thing"], 40, "folder", steps=4)
    assert shares["right"] == Share(20, 40, len(set(asked)))
    assert shares["things"].right == 20
    assert shares["ground"].right == 40
    assert len(set(asked)) < len(asked)


def _seen(rng, scene, all_of_it):
    layout = lay_out(rng, scene)
    pairs = list(zip(scene.things, layout.places, strict=True))
    seen = [Seen(thing.name, thing.colour, place.x, place.y, place.radius) for thing, place in pairs]
    return (seen if all_of_it else seen[:-1]), layout.ground


def test_count_marks_asks_for_two_things_as_it_is_told(monkeypatch):
    asked = []
    monkeypatch.setattr(score, "score", lambda *arguments, **how: asked.append((arguments, how)))
    score.count_marks(5, steps=3, without="skips", folder="folder")
    assert asked == [((SETS[ABLATED], 5, "folder"), {"steps": 3, "scale": score.SCALE, "without": "skips"})]


def counts(right):
    return {aspect: {"right": right, "count": 256, "distinct": 250} for aspect in score.ASPECTS}


def test_tables_say_what_is_met_and_what_clearly_costs():
    scores = {"sets": {name: counts(256) for name in SETS}, "judge": counts(255)}
    scores["sets"]["three things"] = counts(100)
    scores["changes"] = {"everything on": counts(240), "4 steps": counts(236), "without the time": counts(20)}
    rows = {line.split("|")[1].strip(): line for line in score.sets_table(scores).splitlines() if "|" in line}
    assert rows["one thing"].split("|")[6].strip() == "yes"
    assert rows["three things"].split("|")[6].strip() == "no"
    lines = [line.split("|") for line in score.changes_table(scores).splitlines()]
    rows = {cells[1].strip(): cells[3].strip() for cells in lines}
    assert (rows["4 steps"], rows["without the time"], rows["everything on"]) == ("no", "yes", "")


def test_table_of_steps_has_a_row_for_each_number_and_a_column_for_each_set():
    scores = {"sets": {name: counts(256) for name in SETS}, "usual steps": 25}
    scores["steps"] = {"12": {name: counts(128) for name in SETS}}
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in score.steps_table(scores).splitlines()]
    assert rows[0] == ["steps", *SETS]
    assert rows[2:] == [["12", *["50.0%"] * len(SETS)], ["25", *["100.0%"] * len(SETS)]]


def assert_same_picture(picture, other):
    """Up to rounding: another batch size adds in another order."""
    assert np.abs(picture.astype(int) - other).max() <= 1


def test_model_draws_the_same_picture_again_and_another_one_without_a_part(folder):
    prompts = ["a red house by day", "a small blue boat below a yellow moon at night"]
    drawn = sample_prompts(prompts, seed=3, steps=2, folder=folder)
    assert drawn.shape == (2, 128, 128, 3)
    assert drawn.dtype == np.uint8
    assert_same_picture(sample_prompts(prompts[1:], seed=4, steps=2, folder=folder)[0], drawn[1])
    assert not np.array_equal(sample_prompts(prompts, seed=3, steps=2, without="skips", folder=folder), drawn)
    with pytest.raises(ValueError, match="balloon"):
        sample_prompts(["a red circle"], folder=folder)


@pytest.mark.filterwarnings("ignore:overflow")  # a judge that was never trained reads any radius
def test_command_scores_all_sets_and_changes_and_writes_them_down(folder, monkeypatch, capsys):
    monkeypatch.setattr(score, "SETS", {name: SETS[name] for name in ("one thing", ABLATED)})
    names = ("everything on", "1 steps", "without the text")
    changes = score.CHANGES | {"1 steps": {"steps": 1}}
    monkeypatch.setattr(score, "CHANGES", {name: changes[name] for name in names})
    monkeypatch.setattr(score, "OTHER_STEPS", (1,))
    monkeypatch.setattr(score, "STEPS", 2)
    judged = score.score
    monkeypatch.setattr(score, "score_judge", lambda folder: judged(SETS["one thing"], 2, folder))
    assert score.main(["--folder", str(folder), "--count", "2", "--write"]) == 0
    facts = json.loads((folder / FACTS).read_text())
    assert facts["seed"] == 1
    scores = facts["scores"]
    assert list(scores["changes"]) == list(names)
    assert scores["sets"]["one thing"]["right"]["count"] == 2
    assert list(scores["steps"]["1"]) == ["one thing", ABLATED]
    assert scores["changes"]["everything on"] == scores["sets"][ABLATED]
    assert scores["changes"]["1 steps"] == scores["steps"]["1"][ABLATED]
    printed = capsys.readouterr().out
    for table in (score.sets_table, score.steps_table, score.changes_table):
        assert table(scores) in printed


def test_processes_score_as_one_does(folder, monkeypatch):
    monkeypatch.setattr(score, "SETS", {ABLATED: SETS[ABLATED]})
    monkeypatch.setattr(score, "OTHER_STEPS", (1,))
    monkeypatch.setattr(score, "CHANGES", {"everything on": {}, "without the text": {"without": "text", "steps": 1}})
    monkeypatch.setattr(score, "score_judge", lambda folder: {})
    one, two = (score.score_all(2, folder, lambda line: None, processes) for processes in (1, 2))
    assert one == two
    assert two["sets"][ABLATED]["right"]["count"] == 2


def test_grid_shows_every_sample_at_its_place(folder):
    texts, picture = score.grid("one thing", side=2, gap=2, folder=folder, steps=2)
    assert picture.shape == (2 * 128 + 2, 2 * 128 + 2, 3)
    third = sample_prompts([texts[2]], seed=2, steps=2, folder=folder)[0]
    assert_same_picture(picture[130:, :128], third)
    assert (picture[128:130] == 255).all()


def test_command_writes_a_grid_of_every_set(folder, monkeypatch, tmp_path):
    from PIL import Image

    small = score.grid
    monkeypatch.setattr(score, "grid", lambda name, folder: small(name, side=1, folder=folder, steps=1))
    assert score.main(["--folder", str(folder), "--grids", str(tmp_path / "grids")]) == 0
    files = {path.stem: path for path in (tmp_path / "grids").glob("*.png")}
    assert set(files) == {name.replace(" ", "-") for name in SETS}
    with Image.open(files["one-thing"]) as picture:
        assert picture.text["prompts"] == str(score.scenes_of(SETS["one thing"], 1)[0])

"""What exercises and chapters draw is said in the small model's language, and each exercise draws its own scene."""

import ast
import re
from pathlib import Path

import pytest

from autograder.small_model.language import parse

ROOT = Path(__file__).resolve().parents[1]
EXERCISES = sorted((ROOT / "solutions").glob("*/*.py"))
CHAPTERS = sorted((ROOT / "book").glob("[0-9][0-9]-*.md"))
READS_PROMPTS = {
    *("draw", "make_drawing", "run_pipeline", "run_text_block", "attention_maps"),
    *("encode_prompt", "encode_prompts", "sample_latents", "sample_prompt", "sample_prompts"),
}
KEYWORDS = ("prompt", "prompts", "other_prompt", "negative_prompt")
CELL = re.compile(r"^```\{code-cell\} ipython3\n(?:---\n.*?\n---\n|(?::.*\n)+)?(.*?)^```$", re.MULTILINE | re.DOTALL)


def code_of(path):
    """The code of a source: an exercise's own, or a chapter's cells one after the other."""
    text = path.read_text(encoding="utf-8")
    return text if path.suffix == ".py" else "\n".join(CELL.findall(text))


def prompts_in(code):
    """The texts that code gives to what reads prompts, as they stand there or by a name that is given to them."""
    tree = ast.parse(code)
    named: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named.setdefault(node.targets[0].id, []).extend(_strings(node.value, {}))
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and _name(call.func) in READS_PROMPTS:
            for given in (*call.args, *(k.value for k in call.keywords if k.arg in KEYWORDS)):
                yield from _strings(given, named)


def _name(function):
    return getattr(function, "attr", getattr(function, "id", None))


def _strings(given, named):
    for node in ast.walk(given):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
            yield node.value
        elif isinstance(node, ast.Name):
            yield from named.get(node.id, ())


def prompts_in_prose(path):
    """The texts of calls of `draw` that the prose of a source shows."""
    prose = path.read_text(encoding="utf-8").replace("\n# ", " ").replace("\n", " ")
    return re.findall(r"`draw\(\"([^\"]+)\"", prose)


@pytest.mark.parametrize("path", EXERCISES + CHAPTERS, ids=lambda path: path.stem + path.suffix)
def test_prompts_are_of_the_models_language(path):
    for prompt in [*prompts_in(code_of(path)), *prompts_in_prose(path)]:
        assert parse(prompt).things, prompt  # `parse` raises, if it is not


def test_prompts_are_found_where_they_stand():
    """The test above can fail: it sees texts and names in calls, and leaves other texts alone."""
    code = 'prompt = "one"\ndraw(prompt, seed=1)\nshow("two")\nattention_maps("three", layers="four")'
    code += '\nrun_pipeline(mine, prompt="five", negative_prompt="", scale=2)\nmodel.encode_prompts(["six"] * 2)'
    assert sorted(prompts_in(code)) == ["five", "one", "six", "three"]
    with pytest.raises(ValueError, match="does not know"):
        parse("a red circle")


def test_each_exercise_draws_a_scene_of_its_own():
    drawn = {path.stem: set(prompts_in(code_of(path))) for path in EXERCISES}
    assert len([name for name, prompts in drawn.items() if prompts]) == 9  # all but 1, 2 and 11
    names = list(drawn)
    assert not any(drawn[a] & drawn[b] for i, a in enumerate(names) for b in names[i + 1 :])

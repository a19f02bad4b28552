"""Questions that ask back, and the page of one's own progress."""

import json

import pytest
from quiz import with_options

CHAPTER = "book/01-denoising.html"
SECOND = '[data-question="01-denoising/2"]'


def fold(page, number=2):
    opened = page.locator("details.question").nth(number - 1)
    opened.locator("summary").click()
    return opened


def test_answer_opens_when_something_is_chosen_and_stays(visit):
    opened = visit(CHAPTER)
    page = opened.page
    question = fold(page)
    answer = question.locator("> p").first
    assert answer.is_hidden()
    question.locator("[data-option]").nth(0).focus()
    page.keyboard.press("Enter")
    assert answer.is_visible()
    said = question.locator(".quiz-said").inner_text()
    assert said.startswith("Not quite")
    assert "With 0.1 it is there" in said
    page.reload()
    question = fold(page)
    assert question.locator("> p").first.is_visible()
    assert question.locator('[aria-pressed="true"]').inner_text().startswith("With 0.1 it hardly moves")
    question.locator(".quiz-again").click()
    assert question.locator("> p").first.is_hidden()
    question.locator("[data-option]").nth(1).click()
    assert question.locator(".quiz-said").inner_text() == "Right."
    skipped = fold(page, 1)
    skipped.locator(".quiz-skip").click()
    assert skipped.locator("> p").first.is_visible()
    page.goto(page.url.replace("01-denoising", "progress"))
    row = page.locator('[data-chapter="01-denoising"]')
    assert "1 of 4 answered, 1 right" in row.inner_text()
    page.locator(".progress-forget").click()
    assert "4 questions" in row.inner_text()
    assert opened.troubles == []


def test_answer_can_be_seen_to_happen(visit):
    page = visit(CHAPTER).page
    question = fold(page, 3)
    assert question.locator(".quiz-see").is_hidden()
    question.locator("[data-option]").first.click()
    question.locator(".quiz-see").click()
    assert page.is_checked("#live-guessed")
    assert page.input_value("#live-steps") == "1"
    assert page.locator("[data-live]").evaluate("e => e.getBoundingClientRect().top") < 300


def test_what_is_kept_may_be_anything(visit):
    opened = visit(CHAPTER)
    opened.page.evaluate("localStorage.setItem('answers', '{\"01-denoising/2\": 17, \"x\": []')")
    opened.page.reload()
    assert fold(opened.page).locator("[data-option]").first.is_enabled()
    assert opened.troubles == []


def test_every_question_shows_what_its_page_has(site, root):
    texts = json.loads((root / "book" / "quiz.en.json").read_text("utf-8"))
    written = {path.stem for path in (root / "book").glob("*.md")}
    for chapter, asked in ((name, asked) for name, asked in texts["chapters"].items() if name in written):
        html = (site / "book" / f"{chapter}.html").read_text("utf-8")
        for question in asked:
            assert 0 <= question["right"] < len(question["options"]) == len(set(question["options"]))
            see = question.get("see", {})
            assert not see or f'data-live="{see["live"]}"' in html, (chapter, question["question"])
            assert all(f'data-part="{part}"' in html for part in see.get("parts", [])), chapter
    assert len({question["right"] for asked in texts["chapters"].values() for question in asked}) > 2


def test_options_of_a_question_that_is_not_there_are_refused():
    texts = {"choose": "", "skip": "", "again": "", "right": "", "wrong": "", "see": ""}
    with pytest.raises(ValueError, match=r"Received: \[9\]"):
        with_options("<p></p>", "01-x", [{"question": 9, "options": ["a"], "right": 0}], texts)

"""What tokens stand for: the pieces of a prompt put together are its words."""

from autograder.reference import tokenize
from autograder.reference.tokenizer import END, LENGTH, START, pieces


def test_pieces_put_together_are_the_words():
    start, *inner, end = pieces(tokenize(["An untrained UNet, riding"])[0])
    assert (start, end) == ("<start>", "<end>")
    assert "".join(inner).replace("</w>", " ").split() == ["an", "untrained", "unet", ",", "riding"]
    assert len(inner) > 5  # rare words are several pieces


def test_pieces_end_where_the_prompt_does():
    line = tokenize(["a horse"])[0]
    assert len(line) == LENGTH
    assert pieces(line) == ["<start>", "a</w>", "horse</w>", "<end>"]
    assert pieces([START, END, 0, 0]) == ["<start>", "<end>"]

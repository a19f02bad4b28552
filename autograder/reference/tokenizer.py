"""CLIP's tokenizer: a prompt becomes the numbers of its words and parts of words.

The algorithm, byte pair encoding, is that of the library `tokenizers`; the vocabulary is CLIP's and comes with this
package (`clip_merges.txt.gz`), so that nothing is downloaded.
"""

import functools
import gzip
import html
from collections.abc import Sequence
from pathlib import Path

import numpy as np

START, END, PADDING = 49406, 49407, 0
LENGTH = 77
# Contractions, words, single digits, and runs of other signs: `simple_tokenizer.py` of CLIP
_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def tokenize(prompts: Sequence[str], length: int = LENGTH, padding: int = PADDING) -> np.ndarray:
    """The tokens of prompts, as OpenCLIP's text encoder was trained on them.

    A start token, the prompt in lower case, an end token, then `padding` until the line is full. A prompt that is too
    long is cut.

    Args:
        prompts: the texts.
        length: tokens of a line, T.
        padding: 0 in OpenCLIP, and so in Stable Diffusion 2. Version 1 fills up with end tokens, and KerasCV does so
            for both.

    Returns:
        Integers `(B, T)`, int32.

    Raises:
        ModuleNotFoundError: if the package `tokenizers` is not installed.

    Reference: Radford et al. (2021), section 2.4; open_clip, `tokenizer.py`, `SimpleTokenizer`.
    """
    lines = np.full((len(prompts), length), padding, "int32")
    for line, prompt in zip(lines, prompts, strict=True):
        words = _tokenizer().encode(html.unescape(html.unescape(prompt)).strip()).ids[: length - 2]
        line[: len(words) + 2] = [START, *words, END]
    return lines


def pieces(tokens: Sequence[int]) -> list[str]:
    """What the tokens of a prompt stand for, up to its end: parts of words, with `</w>` at the end of a word.

    Args:
        tokens: numbers of one line, as `tokenize` gives them. Behind the end there is only padding.
    """
    named, found = {START: "<start>", END: "<end>"}, []
    for token in map(int, tokens):
        found.append(named.get(token) or _tokenizer().id_to_token(token))
        if token == END:
            break
    return found


@functools.cache
def _tokenizer():
    try:
        from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Prompts for Stable Diffusion need the package `tokenizers`: pip install 'sd-unet-course[sd2]'",
            name="tokenizers",
        ) from error
    with gzip.open(Path(__file__).with_name("clip_merges.txt.gz"), "rt", encoding="utf-8") as file:
        merges = [(first, second) for first, second in map(str.split, file)]
    signs = _signs()
    vocabulary = [*signs, *(f"{sign}</w>" for sign in signs), *("".join(merge) for merge in merges)]
    tokenizer = Tokenizer(
        models.BPE({token: i for i, token in enumerate(vocabulary)}, merges, end_of_word_suffix="</w>")
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    words = pre_tokenizers.Split(Regex(_PATTERN), behavior="removed", invert=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, pre_tokenizers.ByteLevel(False, use_regex=False)])
    return tokenizer


def _signs() -> list[str]:
    """A printable sign for each of the 256 bytes: its own where there is one, else those from 256 on.

    Reference: CLIP, `simple_tokenizer.py`, `bytes_to_unicode`.
    """
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    rest = 256 - len(printable)
    return [chr(i) for i in (*printable, *range(256, 256 + rest))]

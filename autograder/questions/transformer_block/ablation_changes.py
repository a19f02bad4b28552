"""The mistakes of exercise 05's last question: what still depends on what, with steps of the block switched off."""

from autograder.questions.catalogue import Form, change, wired

SELF, CROSS, FORWARD = "self-attention", "cross-attention", "feed-forward"


def _sees(formula) -> Form:
    """Another rule for when tokens hear of each other."""
    return {"sees": formula}


def _of_word(formula) -> Form:
    """Another number of tokens that hear of a word, from what is off."""
    return {"of_word": wired(formula, "tokens", "off")}


ABLATION_CHANGES = (
    change("ablate-shortcut-forgotten", of_token=lambda tokens, sees: tokens if sees else 0),
    change("ablate-words-mix-tokens", _sees(lambda off: SELF not in off or CROSS not in off)),
    change("ablate-feed-forward-mixes-tokens", _sees(lambda off: SELF not in off or FORWARD not in off)),
    change("ablate-anything-mixes-tokens", _sees(lambda off: not {SELF, CROSS, FORWARD} <= set(off))),
    change("ablate-all-steps-needed", _sees(lambda off: not off)),
    change("ablate-tokens-always-mixed", _sees(lambda off: True)),
    change("ablate-tokens-never-mixed", _sees(lambda off: False)),
    change("ablate-word-for-one-token", of_word=lambda tokens, reads: 1 if reads else 0),
    change("ablate-word-spread-by-tokens", _of_word(lambda n, off: 0 if CROSS in off else 1 if SELF in off else n)),
    change("ablate-word-needs-self-attention", _of_word(lambda n, off: 0 if CROSS in off or SELF in off else n)),
    change("ablate-word-needs-feed-forward", _of_word(lambda n, off: 0 if CROSS in off or FORWARD in off else n)),
    change("ablate-word-needs-all-steps", _of_word(lambda n, off: 0 if off else n)),
    change("ablate-word-always-heard", reads=lambda off: True),
    change("ablate-word-left-for-one", of_word=lambda tokens, reads: tokens if reads else 1),
    change("ablate-attentions-swapped", sees=lambda off: CROSS not in off, reads=lambda off: SELF not in off),
    change("ablate-on-for-off", sees=lambda off: SELF in off, reads=lambda off: CROSS in off),
    change("ablate-changes-swapped", asked=lambda changed, token, word: word if changed == "token" else token),
    change("ablate-without-itself", end=lambda count: count - 1 if count > 1 else count),
)

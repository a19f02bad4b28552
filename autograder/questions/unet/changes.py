"""The mistakes of exercise 09: the exit and the whole UNet with one thing changed each."""

from autograder.questions.catalogue import Base, Change, Form, Inner, change, generated, reads, swapped, wired
from autograder.questions.catalogue.blocks import PaddedConv
from autograder.questions.catalogue.operations import Dense, Norm, Refused, add, average, first, same, silu
from autograder.questions.down_flow.base import DOWN
from autograder.questions.down_flow.changes import CHANGES as DOWN_CHANGES
from autograder.questions.flow_changes import HEADS, TOLD, WIDTHS
from autograder.questions.unet.base import EXIT, UNET, made_input
from autograder.questions.up_flow.base import MIDDLE, UP
from autograder.questions.up_flow.changes import MIDDLE_CHANGES, UP_CHANGES
from autograder.sitting.models import DICT_OF_INPUTS

EXIT_CHANGES = (
    change("swish-before-norm", swapped(EXIT, "norm", "swish")),
    change(
        "convolution-first",
        *(
            {"conv_early": PaddedConv(), "norm": norm, "conv": first}
            for norm in (Norm(), Norm(groups=1), Norm(groups=0))
        ),
        {"conv_early": PaddedConv(), "norm": Norm("features"), "conv": first},
    ),
    change("channels-kept", width=lambda blocks: blocks.channels[0]),
    change("latent-channels-typed-in", width=lambda blocks: 4),
    change("channels-of-a-picture", width=lambda blocks: 3),
    change(
        "input-added-early",
        {"swish": wired(lambda h, x: silu(h) + x, "norm", "x")},
        {"swish": lambda h: silu(h) + h},
    ),
    change("norm-and-swish-missing", norm=same, swish=same),
    *generated(
        EXIT,
        {"norm": ("norm",), "swish": ("swish",), "end": ("end",), "conv": ("conv",)},
        {
            "norm-default-epsilon": "epsilon-default",
            "swish-relu": "activation-relu",
            "swish-gelu": "activation-gelu",
            "end-tanh": "tanh-at-the-end",
            "end-swish": "swish-at-the-end",
            "conv-missing": "convolution-missing",
            "conv-1x1": "kernel-1x1",
            "conv-unpadded": "unpadded",
            "conv-not-of-blocks": "convolution-of-keras",
        },
    ),
)


def _flows(**forms: Form) -> Form:
    """Changes within several flows at once."""
    bases = {"down": DOWN, "middle": MIDDLE, "up": UP, "exit": EXIT}
    return {part: Inner(bases[part], form) for part, form in forms.items()}


def _everywhere(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Mistakes of a flow, made in all three of them: where one function makes all blocks of a kind."""
    return tuple(change(c.id, *(_flows(down=form, middle=form, up=form) for form in c.forms)) for c in changes)


def _within(part: str, base: Base, changes: tuple[Change, ...], *ids: str) -> tuple[Change, ...]:
    """Some of the mistakes of one flow, called `part-id`."""
    chosen = {c.id: c for c in changes if c.id in ids}
    return tuple(change(f"{part}-{i}", *({part: Inner(base, form)} for form in chosen[i].forms)) for i in ids)


def _told(part: str, *inputs: str) -> Form:
    """A flow is told the timestep embedding as it came in, not what the time MLP makes of it."""
    return {part: reads(*inputs, "timestep_embedding", "context", "blocks")}


def _as_dict(*inputs):
    raise Refused(DICT_OF_INPUTS.format(name="build_unet"))


_INPUTS = (
    change("inputs-as-a-dict", order=_as_dict),
    change("inputs-as-in-the-article", order=lambda latent, time, text: (text, time, latent)),
    change("inputs-time-last", order=lambda latent, time, text: (latent, text, time)),
    change(
        "inputs-in-another-order",
        {"order": lambda latent, time, text: (time, latent, text)},
        {"order": lambda latent, time, text: (time, text, latent)},
        {"order": lambda latent, time, text: (text, latent, time)},
    ),
    change("sides-swapped", sides=lambda height, width: (width // 8, height // 8)),
    change("latent-of-the-pictures-size", sides=lambda height, width: (height, width)),
    change("latent-of-another-size", *({"sides": lambda h, w, n=n: (h // n, w // n)} for n in (4, 2))),
    change(
        "latent-channels-typed-in",
        *({"latent_input": lambda sides, blocks, n=n: made_input(*sides, n)} for n in (4, 3)),
    ),
    change(
        "embedding-width",
        *({"embedding_input": lambda blocks, n=n: made_input(n)} for n in (320, 1280)),
        {"embedding_input": lambda blocks: made_input(4 * blocks.channels[0])},
    ),
    change("context-axes-swapped", context_input=lambda tokens, blocks: made_input(blocks.context_dim, tokens)),
    change(
        "context-typed-in",
        {"context_input": lambda tokens, blocks: made_input(77, blocks.context_dim)},
        {"context_input": lambda tokens, blocks: made_input(77, 1024)},
        {"context_input": lambda tokens, blocks: made_input(tokens, 1024)},
        {"context_input": lambda tokens, blocks: made_input(77, 768)},
    ),
)

_TIME = (
    change("time-mlp-missing", dense1=same, mlp_swish=same, dense2=same),
    change("time-mlp-one-dense", dense2=same),
    change("time-mlp-dense-only", mlp_swish=same, dense2=same),
    change("time-mlp-swish-last", mlp_late=silu),
    change("time-mlp-swish-first", mlp_early=silu, mlp_swish=same),
    change("time-mlp-swish-first-too", mlp_early=silu),
    change("time-mlp-swish-behind", mlp_swish=same, mlp_late=silu),
    change("time-mlp-three-dense", mlp_late=Dense("mlp_width")),
    change("time-mlp-narrow", mlp_width=lambda blocks: blocks.channels[0]),
    change("time-mlp-narrow-inside", dense1=Dense(lambda values: values["mlp_width"] // 4)),
    change("time-mlp-narrow-behind", dense2=Dense(lambda values: values["mlp_width"] // 4)),
    change("time-mlp-typed-in", mlp_width=lambda blocks: 1280),
    change(
        "embedding-raw-in-one-flow",
        {"down": reads("latent", "timestep_embedding", "context", "blocks")},
        _told("middle", "smallest"),
        _told("up", "middle", "kept"),
    ),
)

_WHOLE = (
    change("middle-missing", middle=first),
    change("up-missing", up=first),
    change("exit-missing", exit=first),
    change("exit-convolution-only", _flows(exit={"norm": same, "swish": same})),
    change("kept-maps-reversed", kept=lambda down: down[1][::-1]),
    change("latent-added", {"end": add}, {"end": average}),
    change("latent-minus-noise", end=lambda noise, latent: latent - noise),
    change(
        "attention-missing",
        _flows(
            down={"attends": lambda level, i: False}, middle={"attend": first}, up={"attends": lambda level, i: False}
        ),
    ),
)

_IN_ONE_FLOW = (
    *_within("down", DOWN, DOWN_CHANGES, "first-not-kept", "halved-not-kept", "kept-twice", "kept-before-attention"),
    *_within(
        "down", DOWN, DOWN_CHANGES, "smallest-attends", "attention-missing", "one-pair", "three-pairs", "block-reused"
    ),
    *_within("down", DOWN, DOWN_CHANGES, "halved-without-stride", "halved-once-more", "smallest-missing"),
    *_within("middle", MIDDLE, MIDDLE_CHANGES, "attention-missing", "second-resblock-missing", "block-reused"),
    *_within("up", UP, UP_CHANGES, "skips-of-a-level-in-order", "same-skip-three-times"),
    *_within("up", UP, UP_CHANGES, "joined-in-reverse", "joined-by-adding", "skips-ignored", "smallest-attends"),
    *_within("up", UP, UP_CHANGES, "attention-missing", "upsample-missing", "upsample-in-the-loop", "block-reused"),
    *_within("up", UP, UP_CHANGES, "two-a-level", "levels-from-the-first", "upsample-without-convolution"),
    *_within("exit", EXIT, EXIT_CHANGES, "epsilon-default", "norm-missing", "swish-missing", "activation-relu"),
    *_within("exit", EXIT, EXIT_CHANGES, "activation-gelu", "convolution-missing", "kernel-1x1", "unpadded"),
    *_within("exit", EXIT, EXIT_CHANGES, "channels-kept", "swish-before-norm", "norm-one-group"),
)

UNET_CHANGES = (
    *_INPUTS,
    *_TIME,
    *_WHOLE,
    *_everywhere((*HEADS, *WIDTHS, *TOLD)),
    *generated(
        UNET,
        {"time-swish": ("mlp_swish",), "first-dense": ("dense1",), "second-dense": ("dense2",)},
        {"time-swish-missing": "time-mlp-without-swish", "time-swish-relu": "time-mlp-relu"},
        ("second-dense-missing",),  # time-mlp-one-dense
    ),
    *_IN_ONE_FLOW,
)

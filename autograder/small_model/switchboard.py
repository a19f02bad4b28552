"""The switchboard: parts of a trained UNet switched off while it draws, to see what each of them is for.

Nothing is trained anew, so a picture shows what the network as it is loses, not what one without the part could learn.

Shapes: B batch, T words of a prompt, F features of a word.
"""

import re
from dataclasses import dataclass

from keras import ops

from autograder.small_model.block_unet import BlockUNet

LEVELS = 4  # of the UNet; 0 is the largest, as in the names of its layers
SWITCHES = {
    "time": "every ResBlock's time embedding is 0",
    "text": "the empty prompt stands in place of the prompt",
    "middle": "what the down flow ends with goes straight into the up flow",
    "skips": "the feature maps that the down flow keeps reach the up flow as zeros",
    "self-attention": "nothing is added by a pixel's attention to the other pixels",
    "cross-attention": "nothing is added by a pixel's attention to the words",
    "head": "what this head finds is left out, in all attention",
}
_WITH_LEVEL = ("skips", "self-attention", "cross-attention")  # off on all levels, or with `-0` to `-3` on one
_ATTENTION = {"self-attention": "attn1", "cross-attention": "attn2"}


def describe():
    """The switches and what each of them does, a line each."""
    names = {name: f"{name}, {name}-0 ... {name}-{LEVELS - 1}" if name in _WITH_LEVEL else name for name in SWITCHES}
    names["head"] = "head-0, head-1, ..."
    return "\n".join(f"{names[name]}: {what}" for name, what in SWITCHES.items())


@dataclass(frozen=True)
class Switches:
    """What is switched off.

    Args:
        off: pairs of a name of `SWITCHES` and a level, or the number of a head; None is all levels.
    """

    off: tuple[tuple[str, int | None], ...] = ()

    @classmethod
    def of(cls, without):
        """Reads `"skips"`, `"skips-0"`, `("time", "head-1")`, `()`.

        Raises:
            ValueError: for another name, listing those there are.
        """
        names = (without,) if isinstance(without, str) else tuple(without)
        return cls(tuple(_parse(name) for name in names))

    def __bool__(self):
        return bool(self.off)

    def __str__(self):
        return " and ".join(name if number is None else f"{name}-{number}" for name, number in self.off)

    def has(self, name, level=None):
        """Whether a part is off, on a level."""
        return (name, None) in self.off or (name, level) in self.off

    @property
    def heads(self):
        """Numbers of the heads that are off."""
        return [number for name, number in self.off if name == "head"]

    def context(self, context, nothing):
        """What the UNet is told: `context` `(B, T, F)`, or that of the empty prompt, `nothing`, if the text is off."""
        return nothing if self.has("text") else context


ALL_ON = Switches()


def _parse(name):
    found = re.fullmatch(r"([a-z-]+?)(?:-(\d+))?", name) if isinstance(name, str) else None
    part, number = found.groups() if found else ("", None)
    if part == "head":
        fits = number is not None
    else:
        fits = part in SWITCHES and (number is None or (part in _WITH_LEVEL and int(number) < LEVELS))
    if not fits:
        raise ValueError(f"`without` must name parts that can be switched off:\n{describe()}\nReceived: {name!r}")
    return part, None if number is None else int(number)


class SwitchedUNet(BlockUNet):
    """The trained UNet with parts switched off.

    Args:
        trained: the trained UNet, a `DiffusionModelV2`.
        switches: `Switches`; the text is not the UNet's to switch off, see `Switches.context`.

    Raises:
        ValueError: for a head that no attention of the UNet has.
    """

    def __init__(self, trained, switches):
        super().__init__(trained)
        self.switches = switches
        most = max(self.config.channels) // self.config.head_size
        if any(head >= most for head in switches.heads):
            raise ValueError(f"The UNet has heads 0 to {most - 1}. Received: without={str(switches)!r}")

    def time(self, embedding):
        t_emb = super().time(embedding)
        return ops.zeros_like(t_emb) if self.switches.has("time") else t_emb

    def flow(self, flow, own, inputs):
        if flow == "middle" and self.switches.has("middle"):
            return inputs[0]
        if flow == "up":
            x, outputs, *others = inputs
            kept = len(outputs) // LEVELS  # of each level, the largest first
            inputs = [x, [self._skip(y, i // kept) for i, y in enumerate(outputs)], *others]
        return super().flow(flow, own, inputs)

    def _skip(self, output, level):
        return ops.zeros_like(output) if self.switches.has("skips", level) else output

    def block(self, kind, arguments, keywords, turns, shapes):
        block = super().block(kind, arguments, keywords, turns, shapes)
        if kind == "SpatialTransformer":
            paths = [variable.path for variable in block.layer.variables]
            level = re.match(r"\D+(\d)_", block.name)  # the middle has none, and the size of the last
            number = int(level[1]) if level else LEVELS - 1
            block.weights = [self._weight(w, path, number) for w, path in zip(block.weights, paths, strict=True)]
        return block

    def _weight(self, weight, path, level):
        """A weight as it is, or with zeros where something is off: what an attention's `out_proj` gives is all that it
        adds, and each head has rows of its kernel."""
        if "/out_proj/" not in path:
            return weight
        if any(self.switches.has(part, level) and f"/{name}/" in path for part, name in _ATTENTION.items()):
            return ops.zeros_like(weight)
        if path.endswith("kernel"):
            rows = ops.arange(weight.shape[0]) // self.config.head_size
            for head in self.switches.heads:
                weight = ops.where((rows == head)[:, None], 0.0, weight)
        return weight


def switched_unet(trained, switches):
    """The trained UNet with `switches` off: a Keras model of the same inputs and output."""
    return SwitchedUNet(trained, switches).wire()

"""The sizes in which flows are asked for (exercises 07, 08 and 09)."""

from dataclasses import dataclass, field
from typing import Any

from autograder.questions.question import RandomInput

NARROW = {"channels": (64, 128, 192, 192), "head_size": 16, "latent_channels": 4, "context_dim": 32}
OTHER = {"channels": (96, 160, 224, 224), "head_size": 32, "latent_channels": 5, "context_dim": 40}
SD2 = {"channels": (320, 640, 1280, 1280), "head_size": 64, "latent_channels": 4, "context_dim": 1024}
WIDE = {"channels": (384, 704, 1152, 1152), "head_size": 32, "latent_channels": 5, "context_dim": 768}


@dataclass(frozen=True)
class Size:
    """Batch, sides of the latent (multiples of 8), tokens of the context, and the widths of the blocks."""

    batch: int
    height: int
    width: int
    tokens: int
    widths: dict[str, Any] = field(hash=False)


def told(size: Size) -> dict[str, RandomInput]:
    """What every flow is told: the time and the text. The time has a length that no feature map has as its width."""
    return {
        "t_emb": RandomInput((size.batch, 5 * size.widths["channels"][0])),
        "context": RandomInput((size.batch, size.tokens, size.widths["context_dim"])),
    }


FLOW_SIZES = {
    "tiny": (Size(3, 8, 16, 7, NARROW), Size(4, 16, 8, 6, OTHER)),
    "full": (Size(3, 8, 16, 77, SD2), Size(6, 16, 8, 50, WIDE)),
}

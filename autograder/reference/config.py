"""The numbers a UNet is made of: widths, heads, context, and the constants implementations disagree on."""

from dataclasses import dataclass, replace

DOWNSAMPLINGS = 3  # stride-2 convolutions on the way down, and as many `Upsample`s on the way up
LATENT_FACTOR = 8  # picture pixels per latent pixel: the autoencoder's
SIDE_STEP = LATENT_FACTOR * 2**DOWNSAMPLINGS  # picture sides are multiples of this: 64
GROUPS = 32  # GroupNorm groups: Keras' default, and the original's (ldm/modules/diffusionmodules/util.py)


@dataclass(frozen=True)
class UNetConfig:
    """Everything that tells one Stable Diffusion 2 style UNet from another.

    Args:
        channels: width of the four levels, from the largest picture to the smallest. Every width is a multiple of
            `GROUPS` and of `head_size`, and the last two are equal.
        head_size: features of one attention head; a level has `channels // head_size` heads.
        context_dim: features of one context token (1024: OpenCLIP's text encoder).
        latent_channels: channels of the latent picture that goes in and of the noise that comes out.
        norm_epsilon: epsilon of the GroupNorms in the ResBlocks and in the exit flow. 1e-5 everywhere we looked.
        transformer_norm_epsilon: epsilon of the GroupNorm that opens a SpatialTransformer: 1e-5 in KerasCV, 1e-6 in
            diffusers (`transformer_2d.py`) and in the original (`attention.py`, `Normalize`).
        layer_norm_epsilon: epsilon of the three LayerNorms of a transformer block: 1e-5, PyTorch's default.
        gelu_approximate: GEGLU's GELU in its tanh form (KerasCV) or exact (diffusers and the original).

    Raises:
        ValueError: if the numbers do not fit together.

    Reference: KerasCV 0.9.0, `models/stable_diffusion/diffusion_model.py`; diffusers, `unet_2d_condition.py`.
    """

    channels: tuple[int, int, int, int] = (320, 640, 1280, 1280)
    head_size: int = 64
    context_dim: int = 1024
    latent_channels: int = 4
    norm_epsilon: float = 1e-5
    transformer_norm_epsilon: float = 1e-5
    layer_norm_epsilon: float = 1e-5
    gelu_approximate: bool = True

    def __post_init__(self) -> None:
        if len(self.channels) != 4:
            raise ValueError(f"`channels` must hold four widths, one a level. Received: channels={self.channels}")
        for width in self.channels:
            if width <= 0 or width % GROUPS or width % self.head_size:
                raise ValueError(
                    f"Every width must be a positive multiple of {GROUPS} (GroupNorm's groups) and of "
                    f"head_size={self.head_size}. Received: channels={self.channels}"
                )
        if self.channels[2] != self.channels[3]:
            raise ValueError(f"The last two widths must be equal. Received: channels={self.channels}")

    @property
    def time_dim(self) -> int:
        """Features of the time embedding inside the model: four times the first width (1280 in SD2)."""
        return 4 * self.channels[0]

    def num_heads(self, level: int) -> int:
        """Attention heads at `level` (0 is the largest picture): 5, 10, 20, 20 in SD2."""
        return self.channels[level] // self.head_size

    def numerics(self, kind: str) -> dict[str, float | bool]:
        """What the config says of the numerics of a kind of block, as keywords of its class."""
        if kind == "ResBlock":
            return {"norm_epsilon": self.norm_epsilon}
        if kind == "SpatialTransformer":
            inner = {"layer_norm_epsilon": self.layer_norm_epsilon, "gelu_approximate": self.gelu_approximate}
            return {"norm_epsilon": self.transformer_norm_epsilon} | inner
        return {}

    def diffusers(self) -> "UNetConfig":
        """The same model with diffusers' numerics: epsilon 1e-6 in the transformer's GroupNorm, the exact GELU."""
        return replace(self, transformer_norm_epsilon=1e-6, gelu_approximate=False)


SD2 = UNetConfig()
# For tests and for grading. Never 32 channels: GroupNorm would cancel the time embedding (one channel a group).
TINY = UNetConfig(channels=(64, 128, 192, 192), head_size=16, context_dim=32)


def latent_sides(img_height: int, img_width: int, max_text_length: int) -> tuple[int, int]:
    """Height and width of the latent of a picture.

    Raises:
        ValueError: if a side is not a positive multiple of 64, or if no token is left for the text.
    """
    for side in (img_height, img_width):
        if side < SIDE_STEP or side % SIDE_STEP:
            raise ValueError(
                f"`img_height` and `img_width` must be positive multiples of {SIDE_STEP}, so that the latent can be "
                f"halved {DOWNSAMPLINGS} times. Received: img_height={img_height}, img_width={img_width}"
            )
    if max_text_length < 1:
        raise ValueError(f"`max_text_length` must be at least 1. Received: max_text_length={max_text_length}")
    return img_height // LATENT_FACTOR, img_width // LATENT_FACTOR

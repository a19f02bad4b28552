"""How much a submission may use. Part of the sitting, because some limits are kept from inside it."""

from dataclasses import dataclass

GRACE = 3.0  # seconds between asking a cell to stop and ending its process


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Args:
        cell_seconds: for one cell, wall time.
        notebook_seconds: for all cells together, wall time; each process also has this much CPU time.
        memory_mb: of all its processes together.
        processes: with their threads.
        disk_mb: of all files it writes; they lie in memory, and count there too.
        output_kb: of what one cell prints and shows; the rest is cut off.
        result_mb: of everything that it hands back.
    """

    cell_seconds: float = 60
    notebook_seconds: float = 300
    memory_mb: int = 3072
    processes: int = 128
    disk_mb: int = 64
    output_kb: int = 2048
    result_mb: int = 128

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ValueError(f"`{name}` must be greater than 0. Received: {value!r}")

    @property
    def words(self) -> int:
        """Bytes of what a whole notebook prints and shows, and of the frames around it."""
        return 8 * 1024 * self.output_kb + 2**20

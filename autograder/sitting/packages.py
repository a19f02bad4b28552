"""The packages that an exam has for answers to use: what people import in Colab, at whatever version it is there.

An instructor who adds one writes its line here and in requirements.txt; chapter pages and notebooks take the list from
here, and a test holds the two together.
"""

from importlib.util import find_spec

PACKAGES = ("keras", "numpy", "matplotlib", "einops", "pandas", "scipy", "tqdm", "PIL", "h5py", "safetensors")
ELSEWHERE = ("google.colab",)  # submodules of Colab's own, whose package may be there through another


def is_absent(module: str) -> bool:
    """Whether importing a module would find nothing; it is not imported for that.

    Args:
        module: its name with dots, as an import statement has it.
    """
    if any(f"{module}.".startswith(f"{name}.") for name in ELSEWHERE):
        return True
    try:
        return find_spec(module.partition(".")[0]) is None
    except (ImportError, ValueError):  # it is refused with a reason, or is there without a description
        return False


def package_of(module: str) -> str:
    """The package that a module belongs to, as people say its name."""
    return next((name for name in ELSEWHERE if f"{module}.".startswith(f"{name}.")), module.partition(".")[0])


def absent_text(module: str) -> str:
    """What importing or using an absent module says."""
    return f"{package_of(module)} is not there while a notebook is graded. There are: {', '.join(PACKAGES)}"

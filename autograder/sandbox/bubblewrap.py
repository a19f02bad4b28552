"""The outer sandbox: a bubblewrap around the worker and everything that submissions start."""

import os
import shutil
import sys
import sysconfig
from pathlib import Path

import autograder
from autograder.sandbox.inner import system_calls

PLACE = "/opt/course"  # where, inside, our package's learner's side lies
OWN = "/tmp"  # each submission has its own
COLAB = "/content"  # where notebooks lie in Colab: here another name of the submission's own home
ELSEWHERE = "/opt/elsewhere"  # where, inside, that which lies in /tmp outside is seen
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SETTINGS = (
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/alternatives",
    "/etc/fonts",
)
PACKAGE = Path(autograder.__file__).resolve().parent
SEEN = ("sitting", "sandbox/inner", "adapters")  # of our package, inside
START = "import sys; sys.path[:] = {paths!r}; from autograder.sandbox.inner.zygote import main; main({descriptor})"


def lay_out(place: Path) -> Path:
    """Copies what a submission may see of our package into `place`: `SEEN`, and what it takes to import that."""
    package = place / "autograder"
    for folder in SEEN:
        shutil.copytree(PACKAGE / folder, package / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__init__.py", "sandbox/__init__.py"):
        shutil.copy(PACKAGE / name, package / name)
    (place / "matplotlib").mkdir()
    for file in _font_lists():
        shutil.copy(file, place / "matplotlib")
    for path in [place, *place.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return place


def _font_lists() -> list[Path]:
    """Matplotlib's list of fonts, which takes a second or more to make again."""
    configured = os.environ.get("MPLCONFIGDIR") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "matplotlib")
    try:
        return list(Path(configured).expanduser().glob("fontlist-*.json"))
    except (OSError, RuntimeError):
        return []


def environment(place: str, backend: str, small: bool = False) -> dict[str, str]:
    """The variables of a worker: nothing of the grader's own. `small` says that its papers are."""
    return {
        # oneDNN makes machine code for each shape of a product first, which takes longer than a small product itself.
        **({"TF_ENABLE_ONEDNN_OPTS": "0"} if small else {}),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": OWN,
        "USER": "learner",
        "LOGNAME": "learner",
        "KERAS_BACKEND": backend,
        "KERAS_HOME": f"{place}/keras",
        "MPLCONFIGDIR": f"{place}/matplotlib",
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_NUM_INTRAOP_THREADS": "1",  # as many submissions run as there are cores
        "TF_NUM_INTEROP_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",  # the same run gives the same outputs
    }


def interpreter(package_place: str, descriptor: int, isolated: bool) -> list[str]:
    """The command of a worker: Python without site's start-up files, told where its modules are."""
    base = Path(sys.executable).resolve()
    start = START.format(paths=module_paths(package_place, isolated), descriptor=descriptor)
    return [str(_seen_at(base) if isolated else base), "-I", "-S", "-B", "-c", start]


def module_paths(package_place: str, isolated: bool) -> list[str]:
    """A worker's `sys.path`."""
    places = _module_places()
    return [package_place, *(str(_seen_at(Path(place))) if isolated else place for place in places)]


def _seen_at(path: Path) -> Path:
    """Where a worker in the sandbox sees a directory: where it is, unless it would lie under a `/tmp` of its own."""
    return Path(ELSEWHERE, *path.parts[1:]) if path.is_relative_to(OWN) else path


def _module_places() -> list[str]:
    """The standard library's places and those of installed packages, without directories of this very program."""
    library = {sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib")}
    kept = []
    for entry in sys.path:
        path = Path(entry) if entry else None
        if path is None or not path.is_absolute():
            continue
        if path.name in ("site-packages", "dist-packages") or any(str(path).startswith(place) for place in library):
            kept.append(str(path))
    zipped = [entry for entry in sys.path if entry.endswith(".zip")]
    return list(dict.fromkeys([*zipped, *kept]))


def readable_places() -> list[Path]:
    """The directories outside the system's that Python and its packages lie in."""
    wanted = [Path(sys.base_prefix).resolve(), Path(sys.base_prefix), Path(sys.executable).resolve().parent]
    wanted += [Path(place) for place in _module_places() if Path(place).is_dir()]
    places: list[Path] = []
    for path in sorted(set(wanted), key=lambda p: len(p.parts)):
        inside = any(path.is_relative_to(other) for other in [*places, Path("/usr")])
        if not inside and path != Path("/"):
            places.append(path)
    return places


def own_users() -> bool:
    """Whether each submission can have a user id of its own: only root, with all its rights, can give one."""
    return os.geteuid() == 0 and system_calls.may_mount()


def command(package: Path, descriptor: int, hidden: list[Path], backend: str, small: bool = False) -> list[str]:
    """The whole command of a worker in its sandbox.

    Args:
        package: the directory of `lay_out`.
        descriptor: the socket to the grader, open in the worker.
        hidden: directories that must not be seen even if they lie in one that is shown.
        backend: Keras' backend.
        small: whether its papers are of the small size.
    """
    line = ["bwrap", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    if not own_users():
        line += ["--unshare-user"]
    line += ["--die-with-parent", "--new-session", "--hostname", "exam", "--clearenv"]
    for name, value in environment(PLACE, backend, small).items():
        line += ["--setenv", name, value]
    for place in SYSTEM:
        if Path(place).is_symlink():
            line += ["--symlink", os.readlink(place), place]  # noqa: PTH115 - as it stands, relative or not
        elif Path(place).is_dir():
            line += ["--ro-bind", place, place]
    for setting in SETTINGS:
        line += ["--ro-bind-try", setting, setting]
    shown = readable_places()
    inside = [*map(_seen_at, shown), Path(PLACE)]
    for above in dict.fromkeys(above for path in inside for above in reversed(path.parents)):
        if above != Path("/") and not above.is_relative_to("/usr"):
            line += ["--perms", "0755", "--dir", str(above)]
    for path in shown:
        line += ["--ro-bind", str(path), str(_seen_at(path))]
    for path in map(_seen_at, _to_hide([PACKAGE, *hidden], [*shown, *map(Path, SYSTEM)])):
        line += ["--tmpfs", str(path), "--remount-ro", str(path)]
    if not any(path.is_relative_to(COLAB) for path in inside):
        line += ["--symlink", f"{OWN}/home", COLAB]
    line += ["--dev", "/dev", "--proc", "/proc", "--tmpfs", OWN, "--ro-bind", str(package), PLACE]
    # Nothing but /tmp stays writable, and every submission has another one: no place to leave a message at.
    line += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", OWN, "--"]
    return line + interpreter(PLACE, descriptor, isolated=True)


def _to_hide(hidden: list[Path], shown: list[Path]) -> list[Path]:
    """Which of `hidden` would be seen through one of `shown`; never one that holds a shown place itself."""
    found = []
    for path in dict.fromkeys(path.resolve() for path in hidden):
        through = any(path.is_relative_to(place) for place in shown)
        needed = any(place.is_relative_to(path) for place in shown)
        if through and path.is_dir() and not needed:
            found.append(path)
    return found

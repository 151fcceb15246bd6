"""Which variables the code reads: who, and of whole numbers the default and bounds."""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from infra.wiring import ROOT

NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\Z")
GROUP = "PARLEY_PROVIDER_"
"""One for each dialect, which the code puts together."""
CONTROL, WORKER, EDGE, LAPTOP = "control plane", "worker", "edge", "laptop"
AGENT = "example agent"
FOLDERS = (
    ("chalicelib/protocol/ice.py", (CONTROL, WORKER)),
    ("chalicelib/protocol/issuer.py", (CONTROL, WORKER)),
    ("chalicelib", (CONTROL,)),
    ("media-worker/src/mediaworker/edge", (EDGE,)),
    ("media-worker/src/mediaworker", (WORKER,)),
    ("infra/laptop/settings.py", (LAPTOP,)),
    ("infra/laptop/environment.py", (LAPTOP,)),
    ("examples/agent/__main__.py", (AGENT,)),
)
"""Where variables are read, and by whom; the first that fits."""
NOT_READ = frozenset(
    {
        "ACTION_COMPLETE",
        "ACTION_SYNTHESIS",
        "ALL_OLD",
        "APNS_VOIP",
        "AUTH_004",
        "AUTH_005",
        "CLIENT_ERROR",
        "COVERAGE_PROCESS_START",
        "DYLD_LIBRARY_PATH",
        "GCM_SANDBOX",
        "LD_LIBRARY_PATH",
        "METHOD_NOT_ALLOWED",
        "NOT_FOUND",
        "RATE_001",
        "RATE_LIMIT",
        "SYS_001",
        "UNSUPPORTED_MEDIA_TYPE",
        "VAL_001",
        "TCP_KEEPCNT",
        "TCP_KEEPIDLE",
        "TCP_KEEPINTVL",
        "TCP_NOTSENT_LOWAT",
        "TCP_USER_TIMEOUT",
        "MKL_NUM_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "ORT_DISABLE_TELEMETRY",
    }
)
"""Words of this look that are no variables, or are set and never read."""
LAPTOP_SETS = re.compile(r"(AWS|POWERTOOLS)_")
"""What the laptop stack gives its functions in the place of AWS."""


@dataclass(slots=True)
class Read:
    """A variable, as the code has it."""

    readers: set[str] = field(default_factory=set)
    default: int | None = None
    bounds: tuple[int, int] | None = None


def variables() -> dict[str, Read]:
    """By name, all that the product and the laptop stack read."""
    found: dict[str, Read] = {}
    for folder, _ in FOLDERS:
        for path in _modules(ROOT / folder):
            _read(path, found)
    return found


def _modules(place: Path) -> list[Path]:
    return sorted(place.rglob("*.py")) if place.is_dir() else [place]


def _readers(path: Path) -> tuple[str, ...]:
    place = path.relative_to(ROOT).as_posix()
    return next(who for start, who in FOLDERS if place.startswith(start))


def _read(path: Path, found: dict[str, Read]) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    readers = _readers(path)
    for name in _names(tree):
        if LAPTOP in readers and LAPTOP_SETS.match(name):
            continue
        found.setdefault(name, Read()).readers.update(readers)
    if path.name.endswith("settings.py"):
        for name, numbers in _numbers(tree, path):
            default, low, high = numbers
            found[name].default, found[name].bounds = default, (low, high)


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value == GROUP:
                yield f"{GROUP}<DIALECT>"
            elif NAME.match(node.value) and node.value not in NOT_READ:
                yield node.value


def _numbers(
    tree: ast.Module, path: Path
) -> Iterator[tuple[str, tuple[int, int, int]]]:
    """``f(variables, "NAME", default, low, high)``, whatever ``f`` is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and len(node.args) == 5:
            name = node.args[1]
            if isinstance(name, ast.Constant) and NAME.match(str(name.value)):
                values = _values(node.args[2:], path)
                if values is not None:
                    yield str(name.value), values


def _values(nodes: list[ast.expr], path: Path) -> tuple[int, int, int] | None:
    """None where one depends on what else is set."""
    module = importlib.import_module(_module_name(path))
    try:
        default, low, high = (
            eval(compile(ast.Expression(node), str(path), "eval"), vars(module))
            for node in nodes
        )
    except NameError:
        return None
    return default, low, high


def _module_name(path: Path) -> str:
    place = path.relative_to(ROOT).with_suffix("").as_posix()
    return place.removeprefix("media-worker/src/").replace("/", ".")

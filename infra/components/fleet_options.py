"""How large the fleet of workers is and what it is told, as the context asks for it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from infra.components.domain import InvalidDeployment
from infra.wiring import WORKER

WORKERS = "workers"
MOST_WORKERS = "most_workers"
ARCHITECTURE = "worker_architecture"
VARIABLES = "worker_variables"
SECRETS = "worker_secrets"
RECORDING_DAYS = "recording_days"
PREFIX_LIST = "cloudfront_prefix_list"
FLEET_KEYS = (
    WORKERS,
    MOST_WORKERS,
    ARCHITECTURE,
    VARIABLES,
    SECRETS,
    RECORDING_DAYS,
    PREFIX_LIST,
)
"""The context, each of them optional."""

ARM64, X86_64 = "arm64", "x86_64"
MOST_MOST = 1_000
LONGEST_DAYS = 3_650

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,127}")
_CONFIDENTIAL = re.compile(r"SECRET|PASSWORD|TOKEN|API_KEY|CREDENTIAL|ICE_SERVERS")
_PREFIX_LIST = re.compile(r"pl-[0-9a-f]{8,17}")


@dataclass(frozen=True, slots=True)
class FleetOptions:
    """What the media stack is told beside where it is."""

    workers: int = WORKER.least
    """How many run when nobody calls."""
    most_workers: int = 20
    architecture: str = ARM64
    """What the image is built for."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Of workers and edges, beside the wiring's and in place of them."""
    secrets: tuple[str, ...] = ()
    """More keys of the environment's secret that are variables of workers."""
    recording_days: int = 0
    """How long recordings are kept; 0: for ever."""
    cloudfront_prefix_list: str = ""
    """The region's list of CloudFront's addresses: who may knock at the balancer that
    has no certificate. Empty: whoever there is, and only CloudFront is let in."""

    @classmethod
    def parse(cls, context: Mapping[str, str]) -> Self:
        """Raises `InvalidDeployment`."""
        workers = _whole(context, WORKERS, WORKER.least, 1, MOST_MOST)
        return cls(
            workers,
            _whole(context, MOST_WORKERS, max(20, workers), workers, MOST_MOST),
            _architecture(context.get(ARCHITECTURE) or ARM64),
            _variables(context.get(VARIABLES) or "{}"),
            _secrets(context.get(SECRETS) or ""),
            _whole(context, RECORDING_DAYS, 0, 0, LONGEST_DAYS),
            _prefix_list(context.get(PREFIX_LIST) or ""),
        )


def _whole(
    context: Mapping[str, str], key: str, default: int, low: int, high: int
) -> int:
    text = context.get(key) or str(default)
    is_number = text.isascii() and text.isdigit() and len(text) < 6
    if not is_number or not low <= int(text) <= high:
        raise InvalidDeployment(f"{key} is from {low} to {high}, not {text!r}.")
    return int(text)


def _architecture(text: str) -> str:
    if text not in (ARM64, X86_64):
        raise InvalidDeployment(f"{ARCHITECTURE} is {ARM64} or {X86_64}: {text!r}.")
    return text


def _variables(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(
        isinstance(value, str) and _VARIABLE.fullmatch(name)
        for name, value in found.items()
    ):
        raise InvalidDeployment(
            f"{VARIABLES} is a JSON object of variables and their values, all strings."
        )
    for name in found:
        if _CONFIDENTIAL.search(name):
            raise InvalidDeployment(
                f"{VARIABLES} has {name}, which everybody could read there: put it "
                f"into the environment's secret and its name into {SECRETS}."
            )
    return found


def _secrets(text: str) -> tuple[str, ...]:
    names = tuple(filter(None, map(str.strip, text.split(","))))
    if not all(map(_VARIABLE.fullmatch, names)):
        raise InvalidDeployment(f"{SECRETS} is names of variables, by commas.")
    return tuple(name for name in names if name not in WORKER.secrets)


def _prefix_list(text: str) -> str:
    if text and not _PREFIX_LIST.fullmatch(text):
        raise InvalidDeployment(
            f"{PREFIX_LIST} is the id of a prefix list, like pl-3b927c52: {text!r}."
        )
    return text

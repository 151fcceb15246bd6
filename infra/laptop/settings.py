"""What the laptop stack itself takes from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from infra.laptop.environment import NO_STATE, STATE

MOST_SOCKET_SECONDS = 7_200
MOST_WORKERS = 16


class BadSetting(ValueError):
    """One sentence that says which variable is wrong, and why."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the stack listens, how much it tells, and where it keeps its items."""

    host: str
    http_port: int
    worker_port: int
    log_level: str
    state_folder: Path | None
    socket_seconds: int = MOST_SOCKET_SECONDS
    """How long a socket of the HTTP port lives: API Gateway's two hours, or less."""
    has_agent: bool = True
    """Whether the example agent takes calls of phones."""
    workers: int = 1
    """Media workers, beside each other."""

    @classmethod
    def parse(cls, environment: Mapping[str, str]) -> Self:
        level = environment.get("PARLEY_LOG_LEVEL", "INFO").upper()
        if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise BadSetting(
                f"PARLEY_LOG_LEVEL is DEBUG, INFO, WARNING or ERROR, not {level}."
            )
        settings = cls(
            host=environment["PARLEY_BIND"],
            http_port=_port(environment, "PARLEY_HTTP_PORT"),
            worker_port=_port(environment, "PARLEY_WORKER_PORT"),
            log_level=level,
            state_folder=_folder(environment[STATE]),
            socket_seconds=_whole(
                environment, "PARLEY_SOCKET_SECONDS", MOST_SOCKET_SECONDS
            ),
            has_agent=_has_agent(environment),
            workers=_whole(environment, "PARLEY_WORKERS", MOST_WORKERS, 1),
        )
        if settings.http_port == settings.worker_port:
            raise BadSetting("PARLEY_HTTP_PORT and PARLEY_WORKER_PORT are the same.")
        return settings

    @property
    def probe_host(self) -> str:
        """Where this machine reaches what is bound to ``host``."""
        return "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host


def _folder(text: str) -> Path | None:
    return None if text == NO_STATE else Path(text).expanduser()


def _has_agent(environment: Mapping[str, str]) -> bool:
    """Where there are no phones it has nothing to do."""
    word = environment.get("PARLEY_AGENT", "") or "on"
    if word not in ("on", "off"):
        raise BadSetting(f"PARLEY_AGENT is on or off, not {word!r}.")
    return word == "on" and environment.get("PARLEY_SIP_PORT", "") != "0"


def _whole(
    environment: Mapping[str, str], name: str, most: int, default: int | None = None
) -> int:
    """From 1; the ``most`` that it may be is the default too, if there is no other."""
    text = environment.get(name, "") or str(most if default is None else default)
    is_number = text.isascii() and text.isdigit() and len(text) < 6
    if not is_number or not 1 <= int(text) <= most:
        raise BadSetting(f"{name} is from 1 to {most}, not {text!r}.")
    return int(text)


def _port(environment: Mapping[str, str], name: str) -> int:
    text = environment[name]
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise BadSetting(f"{name} is a port from 1 to 65535, not {text!r}.")
    return int(text)

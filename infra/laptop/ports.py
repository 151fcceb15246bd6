"""Ports that must be free before the stack starts."""

import errno
import socket
from collections.abc import Collection


class PortUnavailable(Exception):
    """One sentence that says which port, and what to do."""


def check(host: str, port: int, variable: str) -> None:
    """Raises `PortUnavailable` when nobody could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = (
                "is in use"
                if error.errno == errno.EADDRINUSE
                else f"cannot be had ({error.strerror})"
            )
            raise PortUnavailable(
                f"Port {port} on {host} {reason}: "
                f"stop what listens there, or set {variable} to another port."
            ) from error


def free_after(
    host: str, port: int, count: int, taken: Collection[int] = ()
) -> tuple[int, ...]:
    """The next ports of TCP and UDP that nobody has, and that are not ``taken``.

    Raises `PortUnavailable` when there are not so many.
    """
    found: list[int] = []
    for candidate in range(port + 1, 65_536):
        if len(found) == count:
            break
        if candidate not in taken and _is_free(host, candidate):
            found.append(candidate)
    if len(found) < count:
        raise PortUnavailable(f"After {port} no {count} ports on {host} are free.")
    return tuple(found)


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(family, kind) as probe:
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True

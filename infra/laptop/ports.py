"""Ports that must be free before the stack starts."""

import errno
import socket


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

"""``python mediaworker/health.py [PATH]``: is the process in this container healthy?

A container runs it every few seconds beside the tick, so it gives way to that, and
imports no HTTP client, which would be most of its work. An edge is asked for
``/alive``: it is none the worse for workers that take no calls.
"""

import os
import socket
import sys

SECONDS = 4.0
REQUEST = "GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
PATH = "/health"
LONGEST_LINE = 256
PORT = "8080"
WILDCARDS = ("", "0.0.0.0", "::")


def main(path: str = PATH) -> int:
    """The exit status: 0 when it is."""
    host = os.environ.get("PARLEY_BIND", "")
    port = int(os.environ.get("PARLEY_WORKER_PORT") or PORT)
    address = ("127.0.0.1" if host in WILDCARDS else host, port)
    try:
        with socket.create_connection(address, SECONDS) as connection:
            connection.sendall(REQUEST.format(path).encode())
            line = connection.recv(LONGEST_LINE).partition(b"\r\n")[0]
    except OSError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{line.decode('latin-1')}\n")
    return 0 if line.split()[1:2] == [b"200"] else 1


if __name__ == "__main__":
    os.nice(10)
    sys.exit(main(*sys.argv[1:2]))

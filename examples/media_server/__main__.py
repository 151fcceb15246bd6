"""``python -m examples.media_server``: both kinds, until it is stopped."""

import argparse
import sys

from aiohttp import web

from examples.media_server.server import application

PORT = 9090


def main() -> None:
    """Serves on loopback, unless it is told otherwise."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.media_server", description="Serve a call's audio."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=PORT)
    given = parser.parse_args()
    web.run_app(
        application(print_line),
        host=given.host,
        port=given.port,
        print=None,
    )


def print_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

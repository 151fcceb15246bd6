"""The commands of users' devices: understood and the same again, or refused."""

from chalicelib.protocol.client_events import render
from chalicelib.protocol.client_fields import as_text
from chalicelib.protocol.clients import Refused, parse_command, render_command


def one_input(data: bytes) -> None:
    try:
        command = parse_command(data.decode(errors="replace"))
    except Refused as refusal:
        told = as_text(render(refusal.error))
        assert "\n" not in told
        assert len(told) < 1_000
        return
    assert parse_command(as_text(render_command(command))) == command

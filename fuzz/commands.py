"""The codec of commands: understood and the same again, or refused in one sentence."""

from chalicelib.protocol.session.codec import (
    MalformedCommand,
    as_text,
    parse_command,
    redacted,
    render_command,
)


def one_input(data: bytes) -> None:
    try:
        command = parse_command(data)
    except MalformedCommand as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 1_000
        return
    text = as_text(render_command(command))
    assert parse_command(text) == command
    as_text(redacted(command))

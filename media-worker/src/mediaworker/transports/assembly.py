"""Messages out of the frames of a WebSocket: RFC 6455 section 5.4, and our bounds."""

from dataclasses import dataclass, field
from enum import IntEnum

from chalicelib.protocol.session.codec import MAX_COMMAND_BYTES

PROTOCOL_ERROR = 1_002
TOO_BIG = 1_009


class Kind(IntEnum):
    """What a data frame says it carries, by its opcode."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2


class Violation(Exception):
    """The peer broke the rules: close with this code and sentence."""

    def __init__(self, code: int, sentence: str) -> None:
        self.code = code
        self.sentence = sentence
        super().__init__(sentence)


@dataclass(slots=True)
class Assembler:
    """Joins the fragments of texts; audio has no bounds, so its fragments pass."""

    _open: Kind | None = None
    """Of the message whose last fragment has not come."""
    _text: bytearray = field(default_factory=bytearray)

    def take(self, kind: Kind, payload: bytes, is_last: bool) -> tuple[Kind, bytes]:
        """A whole text, or audio; empty audio while a text is not whole.

        Raises `Violation`.
        """
        if (kind is Kind.CONTINUATION) is (self._open is None):
            raise Violation(PROTOCOL_ERROR, "fragments of messages must not be mixed")
        whole = kind if self._open is None else self._open
        self._open = None if is_last else whole
        if whole is Kind.BINARY:
            return whole, payload
        if len(self._text) + len(payload) > MAX_COMMAND_BYTES:
            raise Violation(TOO_BIG, f"a text has at most {MAX_COMMAND_BYTES} bytes")
        if is_last and not self._text:
            return whole, payload
        self._text += payload
        if not is_last:
            return Kind.BINARY, b""
        text = bytes(self._text)
        self._text.clear()
        return whole, text

"""Who sent what an edge passes on: a word in the Via of the edge's own.

An edge stands between strangers and the workers of its fleet (RFC 3261 16.11), so that
a worker sees the edge's address as the source of all. The edge says whose message it
is in the parameter ``origin`` of its Via, sealed by a secret that the two share, for
this Via and this Call-ID alone: nobody else can say it, from whatever address.
"""

import hmac
import re
from hashlib import blake2b, sha256
from typing import cast

from mediaworker.sip.fields import Via
from mediaworker.sip.messages import END
from mediaworker.sip.routing import Hop, Transport

PARAMETER = "origin"
MARK = b";origin="
MOST_LINE_BYTES = 1_024
"""Of a Via that an edge has made."""
SEAL_BYTES = 12

FIELD = b"Via: "
CALL_ID = re.compile(rb"\r\nCall-ID: ([^\r\n]*)\r\n")
PURPOSE = b"parley sip edge\0"


class Seal:
    """What the edges and the workers of a fleet have in common."""

    def __init__(self, secret: str) -> None:
        self._key = sha256(PURPOSE + secret.encode()).digest()

    def digest(self, *texts: str) -> str:
        """Hexadecimal, the same for the same texts, and not to be foreseen."""
        return self._digest(texts, 16)

    def via(self, via: Via, origin: Hop, call_id: str) -> Via:
        """With the origin of the message that it is put on."""
        place = "/".join(
            (origin.transport, origin.host, str(origin.port), origin.flow or "")
        )
        sealed = self._seal(place, via.branch or "", call_id)
        parameters = via.parameters.with_value(PARAMETER, f"{place}/{sealed}")
        return Via(via.transport, via.host, via.port, parameters)

    def origin_of(self, via: Via, call_id: str) -> Hop | None:
        """None where it tells of none, and where an edge has not said so.

        The flow is one of the edge that said it.
        """
        word = via.parameters.get(PARAMETER) or ""
        return self._read(word, via.branch or "", call_id)

    def sender_of(self, message: bytes) -> Hop | None:
        """As an edge tells in the first field of a message that it has sent, or that
        answers one; nothing else of the message is looked at. Without a flow: it is
        none of ours."""
        start = message.find(b"\r\n") + 2
        line = message[start : start + MOST_LINE_BYTES].partition(b"\r\n")[0]
        if not line.startswith(FIELD) or MARK not in line:
            return None
        parameters = _parameters(line.decode(errors="replace"))
        call_id = CALL_ID.search(message, start, message.find(END) + 2)
        origin = self._read(
            parameters.get(PARAMETER, ""),
            parameters.get("branch", ""),
            "" if call_id is None else call_id[1].decode(errors="replace").strip(" \t"),
        )
        return origin and Hop(origin.transport, origin.host, origin.port)

    def _read(self, word: str, branch: str, call_id: str) -> Hop | None:
        place, _, sealed = word.rpartition("/")
        if not hmac.compare_digest(
            sealed.encode(), self._seal(place, branch, call_id).encode()
        ):
            return None
        transport, host, port, flow = place.split("/")
        return Hop(cast(Transport, transport), host, int(port), flow or None)

    def _seal(self, *texts: str) -> str:
        return self._digest(texts, SEAL_BYTES)

    def _digest(self, texts: tuple[str, ...], size: int) -> str:
        kept = "\0".join(texts).encode(errors="replace")
        return blake2b(kept, key=self._key, digest_size=size).hexdigest()


def _parameters(line: str) -> dict[str, str]:
    pairs = (text.partition("=") for text in line.split(";")[1:])
    return {name: value for name, _, value in pairs}

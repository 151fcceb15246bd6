"""Where the runtime and what stands around it meet.

Refusal
├── IdInUse        the session's socket is alive                        409
├── NotYours       the id belongs to somebody else's session            403
├── NotBuilt       the worker has no leg for this type of call          501
├── Overloaded     the worker takes no more sessions now                503
└── Draining       the worker takes no more sessions at all             503
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chalicelib.protocol.claims import Principal
from chalicelib.protocol.lease import EndSession, SessionFact
from chalicelib.protocol.session.query import SessionQuery
from chalicelib.protocol.session.vocabulary import CallType
from mediaworker.speech.replies import Reply
from mediaworker.speech.requests import Request


class Refusal(Exception):
    """A session was not opened; the sentence is for the application."""

    status: int
    retry_after_seconds: int | None = None


class IdInUse(Refusal):
    status = 409


class NotYours(Refusal):
    status = 403


class NotBuilt(Refusal):
    status = 501


class Overloaded(Refusal):
    status = 503
    retry_after_seconds = 5


class Draining(Refusal):
    status = 503
    retry_after_seconds = 5


class Peer(Protocol):
    """The application's socket, as a session sees it. Nothing here waits."""

    def send_text(self, text: str) -> None:
        """An event. A reader who lets 1 MB wait is closed with 1013."""

    def send_audio(self, payload: bytes) -> bool:
        """A frame; False when it was dropped, for 200 ms are waiting."""

    def pause_reading(self) -> None:
        """Take nothing more from the socket until `resume_reading`."""

    def resume_reading(self) -> None: ...

    def close(self, code: int, reason: str) -> None:
        """After what was sent. Again, or later: nothing."""


class SessionHandle(Protocol):
    """A session, as its socket sees it. Nothing here waits, or raises."""

    @property
    def session_id(self) -> str: ...

    def receive_text(self, text: bytes) -> None:
        """A whole text message. Too many at once pause the peer's reading."""

    def receive_audio(self, payload: bytes) -> None:
        """Audio in the session's codec, of any length."""

    def lose(self, is_clean: bool) -> None:
        """The socket is gone: by a Close frame, or without one."""


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session in a list."""

    session_id: str
    tenant: str
    uid: str
    call_type: CallType
    created_at_ms: int
    caller: str | None = None
    callee: str | None = None


class Watcher(Protocol):
    """Who reads a session along, beside its application. Nothing here waits."""

    def tell_event(self, text: str) -> None:
        """As the application's socket is told it."""

    def tell_command(self, text: bytes) -> None:
        """As it came, before it is obeyed."""

    def end(self) -> None:
        """The session is over."""


class Sessions(Protocol):
    """All sessions of this worker, as its HTTP port sees them."""

    def open(
        self, principal: Principal, query: SessionQuery, call_type: CallType, peer: Peer
    ) -> SessionHandle:
        """Begin a session, or resume one whose socket was lost; raises `Refusal`."""

    def views(self) -> tuple[SessionView, ...]:
        """Those that live, the oldest first."""

    def end(self, order: EndSession) -> bool:
        """False when there is no such session."""

    def receive(self, session_id: str, command: bytes) -> bool:
        """A text message that came another way than over the session's socket.

        False when there is no such session; raises `Overloaded` when too many wait.
        """

    def watch(self, session_id: str, watcher: Watcher) -> Callable[[], None] | None:
        """Read along from now on; the result stops it. None: no such session.

        Raises `Overloaded` when too many do. A watcher that raises is dropped.
        """


class SpeechProcess(Protocol):
    """The other process. Nothing here waits."""

    def send(self, request: Request) -> bool:
        """False when it is not up, or cannot take more: then it is not sent."""

    def listen(self, hear: Callable[[Reply], None], died: Callable[[], None]) -> None:
        """Who hears replies, and of its death; it starts again by itself."""


class FactSink(Protocol):
    """Who tells the control plane."""

    def tell(self, fact: SessionFact) -> None:
        """Kept and sent again until it is taken. Nothing here waits."""

"""What is written of sessions beside their recordings: dumps and detail records.

All of it is handed to the recording process; where that is not up, it is lost.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from chalicelib.protocol.lease import Fact, SessionEnded
from chalicelib.protocol.session import records
from chalicelib.protocol.session.instants import render as instant
from chalicelib.protocol.session.options import CallOption
from chalicelib.protocol.session.vocabulary import HangupReason
from mediaworker.recording.messages import Detail, Dump, DumpEnd, Request
from mediaworker.runtime.legs import LegStatistics
from mediaworker.runtime.ports import SessionView, Watcher
from mediaworker.session.recording import home_of

COMMAND = "command"
EVENT = "event"
ANSWERED = 200
CANCELLED = 487
REASONS = frozenset(HangupReason)


class Desk(Protocol):
    """Who writes; nothing here waits."""

    def send(self, request: Request) -> bool:
        """False when it is lost."""


class Subject(Protocol):
    """A session that is over."""

    @property
    def option(self) -> CallOption | None: ...

    def statistics(self) -> LegStatistics | None:
        """Of its leg, if it had one."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is written at all."""

    has_dumps: bool = False
    has_details: bool = False


class Archive:
    """Of all sessions."""

    def __init__(self, desk: Desk, kept: Kept, epoch_ms: Callable[[], int]) -> None:
        self._desk = desk
        self._kept = kept
        self._epoch_ms = epoch_ms
        self._dumped: set[str] = set()

    def dump_of(self, view: SessionView) -> Watcher | None:
        """What reads the session along; None where nobody is to."""
        if not self._kept.has_dumps:
            return None
        self._dumped.add(view.session_id)
        return Dumper(self, view)

    def hear(self, subject: Subject, fact: Fact) -> None:
        """Of a session's end a detail record is made."""
        if not self._kept.has_details or not isinstance(fact, SessionEnded):
            return
        fields = detail(fact, subject.option, subject.statistics())
        if fact.session_id in self._dumped:
            fields["dumpEventFile"] = dump_path(fact.tenant, fact.session_id)
        day, hour = _day_and_hour(fact.started_at_ms)
        path = (*home_of(fact.tenant), day, f"{day}-{hour}_{fact.session_id}.json")
        self._desk.send(Detail(fact.session_id, "/".join(path), fields))

    def dump(self, view: SessionView, kind: str, content: str) -> None:
        """A line."""
        path = dump_path(view.tenant, view.session_id)
        self._desk.send(Dump(view.session_id, path, kind, self._epoch_ms(), content))

    def end(self, view: SessionView) -> None:
        """No more lines."""
        self._dumped.discard(view.session_id)
        self._desk.send(DumpEnd(view.session_id))


class Dumper:
    """A `Watcher` that has all written down."""

    def __init__(self, archive: Archive, view: SessionView) -> None:
        self._archive = archive
        self._view = view

    def tell_event(self, text: str) -> None:
        self._archive.dump(self._view, EVENT, text)

    def tell_command(self, text: bytes) -> None:
        self._archive.dump(self._view, COMMAND, text.decode(errors="replace"))

    def end(self) -> None:
        self._archive.end(self._view)


def dump_path(tenant: str, session_id: str) -> str:
    return "/".join((*home_of(tenant), f"{session_id}.events.jsonl"))


def detail(
    fact: SessionEnded, option: CallOption | None, statistics: LegStatistics | None
) -> dict[str, Any]:
    """A session's record, without what is secret; its recording is added later."""
    dialog = fact.dialog
    status = dialog.status_code if dialog is not None else None
    if status is None:
        status = CANCELLED if fact.answered_at_ms is None else ANSWERED
    return {
        "callType": fact.call_type.value,
        "option": None if option is None else records.redact(option),
        "callId": fact.session_id,
        "startTime": instant(fact.started_at_ms),
        "ringTime": _instant(fact.ringing_at_ms),
        "answerTime": _instant(fact.answered_at_ms),
        "endTime": instant(fact.ended_at_ms),
        "durationMs": fact.duration_ms,
        "caller": fact.caller,
        "callee": fact.callee,
        "statusCode": status,
        "hangupReason": _reason(fact.reason),
        "hangupMessages": [{"initiator": fact.initiator, "reason": fact.reason}],
        "recorder": [],
        "extras": {
            "tenant": fact.tenant,
            "uid": fact.uid,
            "workerId": fact.worker_id,
            "dialog": dialog and asdict(dialog),
            "counts": asdict(fact.counts),
            "framesConcealed": statistics and statistics.frames_concealed,
        },
        "dumpEventFile": None,
    }


def _reason(text: str) -> str | dict[str, str]:
    """Of the vocabulary, or in the application's own words."""
    return text if text in REASONS else {"other": text}


def _instant(at_ms: int | None) -> str | None:
    return None if at_ms is None else instant(at_ms)


def _day_and_hour(at_ms: int) -> tuple[str, str]:
    """``20261121`` and ``221739``, of UTC."""
    day, _, hour = instant(at_ms).partition("T")
    return day.replace("-", ""), hour[:8].replace(":", "")

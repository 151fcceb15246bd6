"""Dumps: a line of JSON for all that a session is told and tells."""

import json
import logging
import os
from collections.abc import Callable
from contextlib import suppress

from chalicelib.protocol.session.audio_events import AudioSent
from chalicelib.protocol.session.codec import (
    Malformed,
    as_text,
    parse_command,
    parse_event,
    redacted,
)
from mediaworker.recording.formats import write_all
from mediaworker.recording.messages import Dump
from mediaworker.recording.shelves import Draft, Shelf

logger = logging.getLogger(__name__)

COMMAND = "command"
MOST_BYTES = 16 << 20
"""Of a session's; what comes then is left out."""


class Dumps:
    """Of all sessions, each in a file that is opened by its first line."""

    def __init__(self, shelf: Shelf, keep: Callable[[Draft], None]) -> None:
        """``keep`` is told of each file when it is begun."""
        self._shelf = shelf
        self._keep = keep
        self._drafts: dict[str, Draft | None] = {}
        """None: it could not be opened, or nothing more goes into it."""

    def write(self, dump: Dump) -> None:
        line = line_of(dump)
        if line is None:
            return
        if dump.session_id not in self._drafts:
            self._drafts[dump.session_id] = self._opened(dump)
        draft = self._drafts[dump.session_id]
        if draft is None:
            return
        octets = line.encode(errors="replace")
        try:
            if draft.size + len(octets) > MOST_BYTES:
                raise OSError("the dump is full")
            write_all(draft.descriptor, octets)
            draft.grow(draft.size + len(octets))
        except OSError as error:
            _warn(dump.session_id, error)
            self._drafts[dump.session_id] = None
            _close(draft)

    def end(self, session_id: str) -> None:
        """Nothing more of that one."""
        draft = self._drafts.pop(session_id, None)
        if draft is not None:
            _close(draft)

    def end_all(self) -> None:
        for session_id in list(self._drafts):
            self.end(session_id)

    def _opened(self, dump: Dump) -> Draft | None:
        try:
            draft = self._shelf.append(dump.path)
        except OSError as error:
            _warn(dump.session_id, error)
            return None
        # It may go on where a session of the same id has ended.
        draft.grow(os.fstat(draft.descriptor).st_size)
        self._keep(draft)
        return draft


def line_of(dump: Dump) -> str | None:
    """Without secrets; None for raw audio, and for what cannot be understood, as
    nobody knows what is in it."""
    content = None
    with suppress(Malformed, ValueError):
        content = _content(dump)
    if content is None:
        return None
    entry = {"type": dump.kind, "timestamp": dump.at_ms, "content": content}
    return as_text(entry) + "\n"


def _content(dump: Dump) -> str | None:
    if dump.kind == COMMAND:
        return as_text(redacted(parse_command(dump.content)))
    event = parse_event(json.loads(dump.content))
    return None if isinstance(event, AudioSent) else as_text(redacted(event))


def _close(draft: Draft) -> None:
    with suppress(OSError):
        draft.seal(is_synced=False)
        draft.finish()


def _warn(session_id: str, error: OSError) -> None:
    extra = {"session_id": session_id, "why": error.strerror or str(error)}
    logger.warning("dump lost", extra=extra)

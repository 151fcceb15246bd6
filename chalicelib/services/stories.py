"""What one commit told of a call, for who hears that something was told.

The bus rings once a commit, for the last of its events; those before it stand in the
outbox, back to the last of the commit before.
"""

from typing import Protocol

from chalicelib.protocol.control import Doorbell
from chalicelib.services.ports import CallRepository, OutboxEvent

LOOK_BACK = 4
"""Events that are read at first; most commits tell less."""

Story = tuple[OutboxEvent, ...]
"""The events of one commit, in order; never empty."""


class Hearer(Protocol):
    """Wants to know what was told of calls."""

    def hear(self, story: Story) -> None:
        """The same story may come twice, late, and before an earlier one.

        What it raises has the story told again, to all hearers.
        """


def story_of(calls: CallRepository, doorbell: Doorbell) -> Story:
    """All that was told with the event of the doorbell, which is the last of it.

    Empty when the outbox does not have it any more. Raises `RepositoryError`.
    """
    if doorbell.seq < 1:
        return ()
    look_back = LOOK_BACK
    while True:
        first = max(1, doorbell.seq - look_back + 1)
        told = calls.outbox(doorbell.tenant, doorbell.call_id, first)
        events = [event for event in told if event.seq <= doorbell.seq]
        ends = [place for place, event in enumerate(events[:-1]) if event.is_last]
        if ends or first == 1:
            return tuple(events[ends[-1] + 1 if ends else 0 :])
        look_back *= 2

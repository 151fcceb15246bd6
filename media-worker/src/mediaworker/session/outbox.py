"""What a session tells and wants done, until it is drained; and its calendar."""

from chalicelib.protocol.lease import Counts
from chalicelib.protocol.session.events import Event, Failed
from mediaworker.session.effects import Effect
from mediaworker.session.identity import Identity
from mediaworker.session.refusals import Complaint, Refusal
from mediaworker.session.texts import prose


class Outbox:
    """Every part of a session tells through it, so that the order is one."""

    def __init__(self, identity: Identity, epoch_at_zero_ms: int) -> None:
        self.session_id = identity.session_id
        self.server_side_track = identity.server_side_track
        self.commands = 0
        """How many were received, obeyed or not."""
        self._epoch_at_zero_ms = epoch_at_zero_ms
        self._latest_ms = 0
        self._told = 0
        self._failed = 0
        self._events: list[Event] = []
        self._effects: list[Effect] = []
        self.has_news = False
        """Something was told or asked for since `take_effects`."""

    def at_ms(self, now: float) -> int:
        """Epoch milliseconds; they never go back."""
        at_ms = self._epoch_at_zero_ms + round(now * 1_000)
        self._latest_ms = max(self._latest_ms, at_ms)
        return self._latest_ms

    def tell(self, event: Event) -> None:
        self._told += 1
        self._events.append(event)
        self.has_news = True

    def ask(self, effect: Effect) -> None:
        self._effects.append(effect)
        self.has_news = True

    def fail(
        self,
        sender: str,
        sentence: str,
        code: int | None,
        now: float,
        track_id: str | None = None,
    ) -> None:
        """Tell an ``error``; of the session, unless a track is named."""
        self._failed += 1
        track_id = track_id or self.session_id
        error = Failed(track_id, self.at_ms(now), prose(sender), prose(sentence), code)
        self.tell(error)

    def refuse(self, refusal: Refusal, now: float) -> None:
        self.fail(refusal.sender, refusal.sentence, refusal.code, now)

    def complain(self, complaint: Complaint, now: float) -> None:
        self.fail(complaint.sender, complaint.sentence, complaint.code, now)

    def counts(self) -> Counts:
        return Counts(self.commands, self._told, self._failed)

    def take_events(self) -> list[Event]:
        """All since it was asked last, in order."""
        events, self._events = self._events, []
        return events

    def take_effects(self) -> list[Effect]:
        """All since it was asked last, in order."""
        effects, self._effects = self._effects, []
        self.has_news = False
        return effects

"""What is told of the server's side: the track of what an application plays."""

from chalicelib.protocol.session.events import (
    Interrupted,
    Metrics,
    TrackEnded,
    TrackStarted,
)
from mediaworker.session.outbox import Outbox
from mediaworker.session.playback import Passage, Playback
from mediaworker.session.texts import line
from mediaworker.speech.replies import Made


class Track:
    """Tells the application of one playback after the other."""

    def __init__(self, outbox: Outbox, ssrc: int, bytes_a_ms: int) -> None:
        self._outbox = outbox
        self._ssrc = ssrc
        self._bytes_a_ms = bytes_a_ms

    def tell_started(self, playback: Playback, now: float) -> None:
        """Its first frame goes out."""
        track, at_ms = self._outbox.server_side_track, self._outbox.at_ms(now)
        self._outbox.tell(TrackStarted(track, at_ms, playback.play_id))

    def tell_ended(self, playback: Playback, now: float) -> None:
        lasted = now - playback.started_at if playback.has_started else 0
        track, at_ms = self._outbox.server_side_track, self._outbox.at_ms(now)
        lasted_ms = max(0, round(lasted * 1_000))
        ended = TrackEnded(track, at_ms, lasted_ms, self._ssrc, playback.play_id)
        self._outbox.tell(ended)

    def tell_interrupted(self, playback: Playback, now: float) -> None:
        """Before the end of its texts."""
        a_ms, subtitle = self._bytes_a_ms, playback.subtitle
        self._outbox.tell(
            Interrupted(
                self._outbox.server_side_track,
                self._outbox.at_ms(now),
                playback.got_bytes // a_ms,
                playback.played_bytes // a_ms,
                playback.play_id,
                subtitle.text if subtitle else None,
                subtitle.position(a_ms) if subtitle else None,
            )
        )

    def tell_made(
        self, playback: Playback, passage: Passage, reply: Made, now: float
    ) -> None:
        """How long a text took to become speech."""
        data = {
            "playId": playback.play_id,
            "speaker": reply.speaker,
            "cmdSeq": passage.sequence,
            "length": passage.got_bytes,
            "cached": reply.is_cached,
            "ttfb": reply.first_chunk_ms,
            "duration": reply.total_ms,
        }
        known = {name: value for name, value in data.items() if value is not None}
        key = line(f"completed.tts.{reply.provider}")
        at_ms = self._outbox.at_ms(now)
        self._outbox.tell(Metrics(at_ms, key, max(0, reply.took_ms), known))

    def fail(self, playback: Playback, sentence: str, code: int, now: float) -> None:
        """A part of it is not heard, or not to its end."""
        sender = "tts" if playback.is_speech else "play"
        self._outbox.fail(sender, sentence, code, now, self._outbox.server_side_track)

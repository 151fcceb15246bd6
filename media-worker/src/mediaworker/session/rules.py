"""The limits and delays that a session keeps."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """Values that may be set for a whole worker; the defaults are what we ship."""

    invite_seconds: float = 60.0
    """How long a session may be there for nothing."""

    # Turns
    hysteresis: float = 0.15
    """A voice that was heard stays one down to the threshold less this."""
    quiet_padding_ms: int = 160
    """How long speech lasts before it is looked at, where no ``vad`` was asked for."""

    # Utterances
    endpoint_ms: int = 180
    """Silence that ends an utterance."""
    most_endpoint_ms: int = 10_000
    partial_ms: int = 500
    """Between two looks at what is being said."""
    pre_roll_ms: int = 300
    """Audio before the speech that is looked at too: soft consonants."""
    tail_ms: int = 60
    """Audio after it."""
    utterance_ms: int = 20_000
    """The longest utterance; what goes on longer is cut."""
    answer_seconds: float = 10.0
    """How long a text may take."""

    # Playback
    credit_ms: int = 1_000
    """Played audio is given back in such portions."""
    refill_ms: int = 100
    """Audio to be had before a playback that ran dry goes on."""
    starved_seconds: float = 10.0
    """How long a playback may wait for audio that was asked for."""
    idle_seconds: float = 10.0
    """How long an open stream may have nothing to say."""
    flush_seconds: float = 0.4
    """How long a stream's unfinished sentence may wait for its end."""
    flush_ended_seconds: float = 0.1
    """The same when it looks finished."""
    most_jobs: int = 4
    """Texts made into speech at once, whatever ``maxConcurrentTasks`` says."""
    most_passages: int = 256
    """Texts that wait in one playback."""
    most_given_bytes: int = 4_194_304
    """Audio of the application's own that waits in one playback."""

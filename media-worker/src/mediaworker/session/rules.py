"""The limits and delays that a session keeps."""

from dataclasses import dataclass

from chalicelib.protocol.session.vocabulary import Codec


@dataclass(frozen=True, slots=True)
class Rules:
    """Values that may be set for a whole worker; the defaults are what we ship."""

    invite_seconds: float = 60.0
    """How long a session may be there for nothing."""
    codecs: frozenset[Codec] = frozenset(Codec)
    """Of WebSocket calls, as far as what they need is installed."""

    # Turns
    hysteresis: float = 0.15
    """A voice that was heard stays one down to the threshold less this."""
    quiet_padding_ms: int = 160
    """How long speech lasts before it is looked at, where no ``vad`` was asked for."""

    # Ends of turns
    turn_threshold: float = 0.5
    """The probability from which on the caller has finished."""
    judged_after_ms: int = 200
    """Silence before that is judged."""
    judged_within_ms: int = 600
    """How long a judgement may take before silence alone decides."""
    turn_timeout_ms: int = 2_500
    """Silence that ends a turn that did not sound finished."""

    # Answering machines
    greeting_ms: int = 2_400
    """Nobody but a machine greets for so long."""
    greeting_pause_ms: int = 1_200
    """Silence after which who has greeted waits for an answer."""
    machine_ms: int = 30_000
    """How long after the answer a machine is looked for."""

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
    most_fade_ms: int = 5_000
    """How long what was interrupted may be heard, ever softer."""
    most_jobs: int = 4
    """Texts made into speech at once, whatever ``maxConcurrentTasks`` says."""
    most_passages: int = 256
    """Texts that wait in one playback."""
    most_given_bytes: int = 4_194_304
    """Audio of the application's own that waits in one playback."""

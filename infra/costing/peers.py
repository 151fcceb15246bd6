"""What others ask for the same minutes, by their public price lists.

Lists change, and so does what they contain: each number says where it was read, and on
which day. Where a vendor's own page could not be read, it says what was read instead.
Prices are those of the smallest paid plan, in US dollars, without volume discounts and
without what the plan itself costs in a month.
"""

from dataclasses import dataclass

READ_ON = "2026-11-21"
LIVEKIT = "LiveKit Cloud"
TWILIO = "Twilio"
CHIME = "Amazon Chime SDK"


@dataclass(frozen=True, slots=True)
class PeerPrice:
    """One number of a list."""

    vendor: str
    what: str
    usd: float
    unit: str
    page: str
    """The vendor's list."""
    read_as: str
    """What was read of it."""
    read_on: str = READ_ON


CITED = "as public projects cite the list, several alike; the page itself was not read"

LIVEKIT_CONNECTION = PeerPrice(
    LIVEKIT,
    "WebRTC participant, plan Ship",
    0.0005,
    "minute",
    "https://livekit.com/pricing",
    CITED,
)
LIVEKIT_AGENT = PeerPrice(
    LIVEKIT,
    "agent session, hosted there",
    0.01,
    "minute",
    "https://livekit.com/pricing",
    CITED,
)
LIVEKIT_SIP = PeerPrice(
    LIVEKIT,
    "SIP participant over a trunk of one's own, plan Ship",
    0.004,
    "minute",
    "https://livekit.com/pricing",
    CITED + "; some say 0.003, which is plan Scale's",
)
TWILIO_SIP = PeerPrice(
    TWILIO,
    "SIP interface, United States",
    0.004,
    "minute",
    "https://www.twilio.com/en-us/voice/pricing/us",
    CITED,
)
TWILIO_STREAM = PeerPrice(
    TWILIO,
    "Media Streams",
    0.0044,
    "minute",
    "https://www.twilio.com/en-us/voice/pricing/us",
    CITED,
)
TWILIO_RELAY = PeerPrice(
    TWILIO,
    "ConversationRelay",
    0.07,
    "minute",
    "https://www.twilio.com/en-us/voice/pricing/us",
    CITED,
)
TWILIO_CLIENT = PeerPrice(
    TWILIO,
    "Voice SDK, a browser or an app",
    0.004,
    "minute",
    "https://www.twilio.com/en-us/voice/pricing/us",
    CITED,
)
CHIME_ATTENDEE = PeerPrice(
    CHIME,
    "WebRTC media session, an attendee",
    0.0017,
    "minute",
    "https://aws.amazon.com/chime/chime-sdk/pricing/",
    "the list's worked examples, copied in a public repository, and many citations",
)
CHIME_INBOUND = PeerPrice(
    CHIME,
    "phone call to a number in the United States",
    0.002216,
    "minute",
    "https://aws.amazon.com/chime/chime-sdk/pricing/",
    "the list's worked examples, copied in a public repository",
)
PRICES = (
    LIVEKIT_CONNECTION,
    LIVEKIT_AGENT,
    LIVEKIT_SIP,
    TWILIO_SIP,
    TWILIO_STREAM,
    TWILIO_RELAY,
    TWILIO_CLIENT,
    CHIME_ATTENDEE,
    CHIME_INBOUND,
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A minute of one kind of call, as one vendor sells it."""

    kind: str
    """As `media.Kind.name` begins: ``phone``, ``phone agent``, ``browser``."""
    vendor: str
    parts: tuple[PeerPrice, ...]
    includes: str
    lacks: str

    @property
    def usd_a_minute(self) -> float:
        return sum(part.usd for part in self.parts)


OFFERS = (
    Offer(
        "phone",
        LIVEKIT,
        (LIVEKIT_SIP, LIVEKIT_CONNECTION),
        "the SIP leg, and your application as a participant",
        "the trunk's carriage; data above the plan's; recording; speech",
    ),
    Offer(
        "phone",
        TWILIO,
        (TWILIO_SIP, TWILIO_STREAM),
        "the SIP leg, and its audio over a WebSocket",
        "carriage to and from phone numbers; recording; speech",
    ),
    Offer(
        "phone",
        CHIME,
        (CHIME_INBOUND, CHIME_ATTENDEE, CHIME_ATTENDEE),
        "carriage from a US number, the caller and your application as attendees",
        "recording (media pipelines); speech (Transcribe, Polly); the number",
    ),
    Offer(
        "phone agent",
        LIVEKIT,
        (LIVEKIT_SIP, LIVEKIT_AGENT),
        "the SIP leg, and hosting of your agent",
        "the trunk's carriage; speech to text, text to speech and the model",
    ),
    Offer(
        "phone agent",
        TWILIO,
        (TWILIO_SIP, TWILIO_RELAY),
        "the SIP leg, speech to text and text to speech",
        "carriage to and from phone numbers; the model",
    ),
    Offer(
        "phone agent",
        CHIME,
        (CHIME_INBOUND, CHIME_ATTENDEE, CHIME_ATTENDEE),
        "carriage from a US number, the caller and your agent as attendees",
        "hosting of the agent; speech (Transcribe, Polly); the model",
    ),
    Offer(
        "browser",
        LIVEKIT,
        (LIVEKIT_CONNECTION, LIVEKIT_AGENT),
        "a browser, and a hosted agent that hears it",
        "data above the plan's; speech; the model",
    ),
    Offer(
        "browser",
        TWILIO,
        (TWILIO_CLIENT, TWILIO_STREAM),
        "a browser, and its audio over a WebSocket",
        "recording; speech",
    ),
    Offer(
        "browser",
        CHIME,
        (CHIME_ATTENDEE, CHIME_ATTENDEE),
        "a browser, and your application as an attendee",
        "recording (media pipelines); speech (Transcribe)",
    ),
)

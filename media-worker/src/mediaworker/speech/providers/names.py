"""What providers of speech are called; all that a session knows of them."""

EMBEDDED = "embedded"

SPEAKS = {
    "aliyun": "aliyun",
    "aws": "polly",
    "deepgram": "deepgram",
    "polly": "polly",
    "tencent": "tencent",
    "tencent_basic": "tencent_basic",
    "voiceapi": "voiceapi",
}
"""Names of providers that speak, and the adapter of each."""

HEARS = {
    "aliyun": "aliyun",
    "aws": "transcribe",
    "deepgram": "deepgram",
    "tencent": "tencent",
    "transcribe": "transcribe",
    "voiceapi": "voiceapi",
}

SPEAKING_ENGINES = frozenset({EMBEDDED, "pico", "flite", "espeak"})
HEARING_ENGINES = frozenset({EMBEDDED, "moonshine"})
"""Those that are part of the worker, of which a machine may lack some."""

WITHOUT_VOLUME = frozenset({"deepgram", "polly", "voiceapi"})
"""They know no volume: their speech is made louder or quieter here."""

CREDENTIALS = (
    *("TENCENT_APPID", "TENCENT_SECRET_ID", "TENCENT_SECRET_KEY"),
    *("DASHSCOPE_API_KEY", "DEEPGRAM_API_KEY"),
    *("VOICEAPI_ENDPOINT", "VOICEAPI_SPEAKER_ID"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CONTAINER_"),
)
"""How the variables begin that adapters are made with."""


def speaker_of(provider: str | None) -> str | None:
    """The adapter that speaks for it; None for the engines of the worker."""
    return SPEAKS.get((provider or EMBEDDED).lower())


def listener_of(provider: str | None) -> str | None:
    """The adapter that hears for it; None for the engines of the worker."""
    return HEARS.get((provider or EMBEDDED).lower())

"""What each variable of the environment means to an operator.

The names are the code's: `infra.reference.reading` finds them there, with who reads
them and, of whole numbers, their defaults and bounds. A test holds both lists together.
"""

from dataclasses import dataclass

from chalicelib.services.webhooks.visits import SCHEDULE_SECONDS


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable; in the environment, or a key of the one JSON secret in AWS."""

    name: str
    what: str
    default: str | None = None
    """None: as the code has it, of a whole number."""
    allowed: str | None = None
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Variables that belong together."""

    title: str
    variables: tuple[Variable, ...]


NONE = ""
BY_STACK = "by the stacks"
URL = "an http or https URL"

SECTIONS = (
    Section(
        "Who Parley is",
        (
            Variable(
                "PARLEY_ENV",
                "development lets URLs of users name the loopback, opens dialects if "
                "asked to, and makes defaults up; never outside a machine of one's own",
                "production",
                "production, development",
            ),
            Variable(
                "PARLEY_JWT_SECRET",
                "signs tokens (HS256), workers' requests and pseudonyms of the erased; "
                "the same everywhere",
                "by the stacks; on a laptop one a checkout",
                "32 bytes or more",
                True,
            ),
            Variable(
                "PARLEY_JWKS",
                "the keys of who else issues tokens (RS256)",
                NONE,
                "a JSON Web Key Set; not with `PARLEY_JWKS_URL`",
            ),
            Variable(
                "PARLEY_JWKS_URL",
                "where those keys are fetched, and fetched again",
                NONE,
                "an https URL",
            ),
            Variable(
                "PARLEY_JWT_ISSUER",
                "the `iss` of its tokens; needed beside keys outside development",
                NONE,
                "a text",
            ),
            Variable(
                "PARLEY_JWT_AUDIENCE",
                "their `aud`; needed beside keys outside development",
                NONE,
                "a text",
            ),
            Variable(
                "PARLEY_OPEN_DIALECTS",
                "dialects that need no token; development only",
                NONE,
                "by commas: tgortc, dtalk, openchat, activecall, v1",
            ),
            Variable(
                "PARLEY_RATE_LIMIT",
                "requests a minute of a user that change something; 0 is no limit",
            ),
            Variable(
                "PARLEY_RATE_LIMIT_SERVERS",
                "the same of a server or administrator",
            ),
        ),
    ),
    Section(
        "Calls",
        (
            Variable(
                "PARLEY_RING_SECONDS",
                "how long a call rings; at a worker, how long an application may take "
                "to take a phone's call (1 to 3600)",
                "30",
                "5 to 180",
            ),
            Variable("PARLEY_MAX_CALL_SECONDS", "after which a call has failed"),
            Variable(
                "PARLEY_MAX_PARTICIPANTS", "members of a call, whoever asks for more"
            ),
            Variable(
                "PARLEY_PROVIDER_<DIALECT>",
                "what carries the media of a dialect's calls: `_TGORTC`, `_DTALK`, "
                "`_OPENCHAT`, `_V1`",
                "livekit, trtc, p2p, p2p",
                "livekit, trtc, p2p, worker",
            ),
            Variable(
                "LIVEKIT_URL",
                "LiveKit's server, where rooms are controlled",
                "laptop: `ws://127.0.0.1:7880`",
                "a ws, wss, http or https URL",
            ),
            Variable(
                "LIVEKIT_CLIENT_URL",
                "where clients find LiveKit",
                "`LIVEKIT_URL`",
                "the same",
            ),
            Variable(
                "LIVEKIT_API_KEY",
                "LiveKit's key; without it `media` says that LiveKit is not set up",
                "laptop: devkey",
                "a text",
            ),
            Variable(
                "LIVEKIT_API_SECRET",
                "its secret: mints join tokens, checks LiveKit's webhooks",
                "laptop: a development secret",
                "32 bytes or more",
                True,
            ),
            Variable(
                "TRTC_SDK_APP_ID",
                "Tencent's application; without it `media` says that TRTC is not set "
                "up",
                "development: made up",
                "1 to 4294967295",
            ),
            Variable(
                "TRTC_SECRET_KEY",
                "its secret key",
                "development: made up",
                "32 bytes or more",
                True,
            ),
            Variable(
                "ICE_SERVERS",
                "STUN and TURN servers, as `/iceservers` answers them",
                "one STUN server",
                "a JSON list",
                True,
            ),
            Variable("STUN_URLS", "or STUN servers by commas", NONE, "`stun:` URLs"),
            Variable("TURN_URLS", "and TURN servers", NONE, "`turn:` URLs"),
            Variable(
                "TURN_SECRET",
                "mints TURN credentials of a day, as coturn's `use-auth-secret`",
                NONE,
                "a text",
                True,
            ),
        ),
    ),
    Section(
        "Webhooks and pushes",
        (
            Variable(
                "BUSINESS_WEBHOOK_ENDPOINTS",
                "endpoints of the default tenant: "
                '`[{"url", "secret", "timeout", "events"}]`',
                NONE,
                "a JSON list",
                True,
            ),
            Variable(
                "BUSINESS_WEBHOOK_URLS",
                "or URLs that share a secret",
                NONE,
                "by commas",
            ),
            Variable("BUSINESS_WEBHOOK_SECRET", "their secret", NONE, "a text", True),
            Variable(
                "BUSINESS_WEBHOOK_TIMEOUT",
                "seconds for an answer, where an endpoint says nothing of its own",
                "10",
                "1 to 30",
            ),
            Variable(
                "PARLEY_WEBHOOK_SCHEDULE",
                "seconds before each attempt at a webhook",
                ",".join(map(str, SCHEDULE_SECONDS)),
                "2 to 20 waits of at most a day, ten days together",
            ),
            Variable(
                "PARLEY_PUSH_SNS_APPS",
                "SNS platform applications: "
                '`{"<app>/<platform>[/sandbox]": ARN}`; in AWS `-c push_sns_apps=`',
                NONE,
                "a JSON object",
            ),
            Variable(
                "PARLEY_PUSH_WEBHOOK_URL",
                "where pushes go that SNS does not carry",
                NONE,
                URL,
            ),
            Variable(
                "PARLEY_PUSH_WEBHOOK_SECRET",
                "what signs them",
                NONE,
                "24 characters or more",
                True,
            ),
        ),
    ),
    Section(
        "What the stacks tell the functions",
        (
            Variable("PARLEY_TABLE", "the table's name", "calls", "a table"),
            Variable("PARLEY_BUS", "the event bus's name", "parley", "a bus"),
            Variable(
                "PARLEY_SECRET_ARN",
                "the JSON secret whose keys are variables; the environment's own count "
                "more",
                BY_STACK,
                "an ARN",
            ),
            Variable(
                "PARLEY_KMS_KEY_ARN",
                "seals endpoints' secrets; without it a key of `PARLEY_JWT_SECRET` "
                "does",
                BY_STACK,
                "an ARN",
            ),
            Variable(
                "PARLEY_REDELIVERY_MACHINE_ARN",
                "carries webhooks that were not taken",
                BY_STACK,
                "an ARN",
            ),
            Variable(
                "PARLEY_CONNECTIONS_URL",
                "where applications' sockets are posted to",
                BY_STACK,
                "a URL",
            ),
            Variable(
                "PARLEY_CLIENTS_URL",
                "where devices' sockets are posted to",
                BY_STACK,
                "a URL",
            ),
            Variable(
                "PARLEY_REACHES_WORKERS",
                "whether orders go straight to workers, beside their heartbeat",
                "laptop: true; else false",
                "true, false",
            ),
            Variable(
                "PARLEY_METRICS",
                "`emf` prints metrics for CloudWatch into the log",
                BY_STACK,
                "emf, or nothing",
            ),
        ),
    ),
    Section(
        "A media worker",
        (
            Variable(
                "PARLEY_BIND",
                "the address that ports are bound to",
                "127.0.0.1",
                "an address",
            ),
            Variable("PARLEY_WORKER_PORT", "HTTP, WebSockets, `/health`, `/metrics`"),
            Variable(
                "PARLEY_CONTROL_URL",
                "the control plane; without it a worker runs by itself",
                BY_STACK,
                URL,
            ),
            Variable(
                "PARLEY_WS_URL",
                "where applications are told to come, when something is before the "
                "workers",
                BY_STACK,
                "a ws or wss URL",
            ),
            Variable(
                "PARLEY_ADVERTISED_ADDRESS",
                "by which the control plane and other workers reach this one; `ecs`: "
                "the task's private address. Of an edge: what stands in Via",
                "the bound address; in AWS ecs",
                "host[:port], or ecs",
            ),
            Variable(
                "PARLEY_PUBLIC_ADDRESS",
                "the address of a 1:1 NAT before the worker; `stun`: ask one of the "
                "STUN servers",
                "none; in AWS stun",
                "an IP address, or stun",
            ),
            Variable(
                "PARLEY_WORKER_ID",
                "its name; ids of sessions begin with it",
                "drawn",
                "1 to 16 letters and digits",
            ),
            Variable(
                "PARLEY_TASK_ID",
                "what its container is called; in ECS it asks",
                "ECS's task ARN",
                "a text",
            ),
            Variable(
                "PARLEY_RELEASE",
                "what it was built from: workers of another release are retired",
                BY_STACK,
                "a text",
            ),
            Variable("PARLEY_CAPACITY", "sessions at the same time, at most"),
            Variable(
                "PARLEY_RESUME_SECONDS",
                "how long a session waits for a lost socket to come back",
            ),
            Variable(
                "PARLEY_MEDIA_TIMEOUT_SECONDS",
                "how long the far end of a leg may send nothing",
            ),
            Variable(
                "PARLEY_CONNECT_SECONDS", "how long a browser's ICE and DTLS may take"
            ),
            Variable(
                "PARLEY_SERVER_SIDE_TRACK",
                "the contract's name of the track that the server plays on",
                "serverSideTrack",
                "a name",
            ),
            Variable(
                "PARLEY_CORS_ORIGINS",
                "pages that may read what its port answers",
                "development: *; else none",
                "*, or origins by commas",
            ),
            Variable(
                "PARLEY_LOG_LEVEL",
                "JSON lines on stderr; of the laptop stack, its own log",
                "INFO",
                "DEBUG, INFO, WARNING, ERROR",
            ),
            Variable(
                "PARLEY_MODELS",
                "where the models of speech are",
                "`.parley/models`; in the image its own",
                "a folder",
            ),
            Variable(
                "PARLEY_MEDIA_CACHE",
                "spoken texts and fetched audio, kept",
                "`.parley/cache/tts`",
                "a folder",
            ),
            Variable("PARLEY_MEDIA_CACHE_MB", "how much of it", "256", "megabytes"),
        ),
    ),
    Section(
        "Recordings of a worker",
        (
            Variable(
                "PARLEY_RECORDINGS",
                "where recordings go",
                "`.parley/recordings`; in AWS a bucket",
                "a folder, or `s3://bucket/prefix`",
            ),
            Variable(
                "PARLEY_SPOOL",
                "where files are until they are in the bucket",
                "`.parley/spool`",
                "a folder",
            ),
            Variable(
                "PARLEY_CDR",
                "detail records of sessions, phone calls among them, a JSON file each",
                NONE,
                "a folder, or `s3://bucket/prefix`",
            ),
            Variable(
                "PARLEY_DUMPS",
                "whether sessions that ask for it leave a dump of their events",
                "development: on; else off",
                "on, off",
            ),
        ),
    ),
    Section(
        "Others' speech, where an option brings no credentials of its own",
        (
            Variable(
                "TENCENT_APPID", "Tencent Cloud's application", NONE, "digits", True
            ),
            Variable("TENCENT_SECRET_ID", "its account", NONE, "a text", True),
            Variable("TENCENT_SECRET_KEY", "what signs for it", NONE, "a text", True),
            Variable(
                "DASHSCOPE_API_KEY", "Aliyun's Model Studio", NONE, "a text", True
            ),
            Variable("DEEPGRAM_API_KEY", "Deepgram", NONE, "a text", True),
            Variable(
                "VOICEAPI_ENDPOINT",
                "a voiceapi server of one's own",
                NONE,
                "a ws, wss, http or https URL",
            ),
            Variable("VOICEAPI_SPEAKER_ID", "its voice", NONE, "a text"),
        ),
    ),
    Section(
        "Phones of a worker, and the SIP edge",
        (
            Variable(
                "PARLEY_SIP_PORT",
                "UDP and TCP; 0 is no phones. The laptop's takes another if it is "
                "taken",
                "development: 5060; else 0",
                "0 to 65535",
            ),
            Variable(
                "PARLEY_RTP_PORTS",
                "ports of phones' audio, two a call",
                "12000-42000",
                "a range from 1024 to 65535",
            ),
            Variable(
                "PARLEY_MEDIA_BIND",
                "the address that RTP is bound to",
                "`PARLEY_BIND`",
                "an address",
            ),
            Variable(
                "PARLEY_SIP_TENANT",
                "whose calls come in; its servers and administrators may take them",
                "default",
                "a tenant",
            ),
            Variable(
                "PARLEY_SIP_PEERS",
                "trunks: who may call at all outside development; at the edge, who is "
                "not slowed down",
                NONE,
                "addresses and networks by commas",
            ),
            Variable(
                "PARLEY_SIP_DESTINATIONS",
                "who may be called",
                "development: loopback; else nobody",
                "by commas: `host[:port]`, networks, `*.domain`, `*`",
            ),
            Variable(
                "PARLEY_SIP_RATE",
                "calls out a second of a tenant, at each worker",
                "1; development: 50",
                "1 to 10000",
            ),
            Variable("PARLEY_SIP_CONCURRENT", "calls out at the same time of a tenant"),
            Variable("PARLEY_SIP_DAILY", "calls out a day of a tenant"),
            Variable(
                "SIP_WEBHOOK_URL",
                "who is asked about a call that nobody waits for",
                NONE,
                "URLs by commas",
            ),
            Variable(
                "SIP_WEBHOOK_SECRET",
                "signs those posts; needed outside development",
                NONE,
                "a text",
                True,
            ),
            Variable("PARLEY_EDGE_PORT", "the edge's SIP, UDP and TCP"),
            Variable(
                "PARLEY_EDGE_DRAIN_SECONDS",
                "how long an edge that is stopped still passes on what has begun",
            ),
        ),
    ),
    Section(
        "The laptop stack",
        (
            Variable(
                "PARLEY_HTTP_PORT", "the HTTP port, console included", "8000", "a port"
            ),
            Variable(
                "PARLEY_WORKERS", "media workers, beside each other", "1", "1 to 16"
            ),
            Variable(
                "PARLEY_STATE",
                "where items are kept over restarts",
                "`.parley/state/<http port>`",
                "a folder, or none",
            ),
            Variable(
                "PARLEY_AGENT",
                "the example agent for `sip:agent@…`",
                "on",
                "on, off",
            ),
            Variable(
                "PARLEY_SOCKET_SECONDS",
                "how long a socket of the HTTP port lives: API Gateway's two hours",
                "7200",
                "1 to 7200",
            ),
            Variable(
                "PARLEY_TOKEN",
                "the example agent's token, given to it by the stack",
                NONE,
                "a token",
                True,
            ),
        ),
    ),
    Section(
        "What AWS gives, and is read as it comes",
        (
            Variable(
                "ECS_AGENT_URI",
                "where ECS is asked to spare the task while it has sessions",
                "by ECS",
                URL,
            ),
            Variable(
                "ECS_CONTAINER_METADATA_URI_V4",
                "where a worker learns its task and its address",
                "by ECS",
                URL,
            ),
            Variable(
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                "where the credentials of the task's role are",
                "by ECS",
                "a path",
            ),
            Variable(
                "AWS_ACCESS_KEY_ID", "or credentials by themselves", NONE, "a text"
            ),
            Variable("AWS_SECRET_ACCESS_KEY", "the same", NONE, "a text", True),
            Variable("AWS_SESSION_TOKEN", "the same", NONE, "a text", True),
            Variable("AWS_REGION", "where the bucket is", "us-east-1", "a region"),
            Variable("AWS_DEFAULT_REGION", "the same", NONE, "a region"),
            Variable("AWS_ENDPOINT_URL_S3", "another S3 than Amazon's", NONE, "a URL"),
            Variable("AWS_ENDPOINT_URL", "the same", NONE, "a URL"),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class ContextKey:
    """One ``-c name=value`` of a deployment."""

    name: str
    what: str
    default: str = ""


CONTEXT = (
    ContextKey("target", "`ministack` for the emulated cloud", "aws"),
    ContextKey("bundle", "a folder to deploy in place of the bundle built here"),
    ContextKey(
        "push_sns_apps", "as `PARLEY_PUSH_SNS_APPS`: lets functions push by SNS"
    ),
    ContextKey(
        "table_stream_arn",
        "the stream of a restored table, which everything is to use: see "
        "[operations](operations.md)",
    ),
    ContextKey(
        "domain",
        "a name of one's own, with all of the next three: `api.`, `console.` and so on "
        "stand before it",
    ),
    ContextKey("hosted_zone_id", "its zone in Route 53"),
    ContextKey("certificate_arn", "its certificate in the stacks' region"),
    ContextKey("edge_certificate_arn", "its certificate in us-east-1, for CloudFront"),
    ContextKey("price_class", "CloudFront's: 100, 200 or all", "100"),
    ContextKey("web_acl_arn", "of WAF, before the console"),
    ContextKey("workers", "media workers when nobody calls", "2"),
    ContextKey("most_workers", "media workers at most", "20"),
    ContextKey("worker_architecture", "arm64 or x86_64", "arm64"),
    ContextKey("worker_variables", "more variables of workers, a JSON object"),
    ContextKey("worker_secrets", "more keys of the secret that workers get, by commas"),
    ContextKey("recording_days", "days that recordings are kept; 0 is for ever", "0"),
    ContextKey(
        "cloudfront_prefix_list",
        "the region's list of CloudFront's addresses, the only ones that may knock at "
        "the balancer",
    ),
)

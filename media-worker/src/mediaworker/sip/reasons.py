"""Why a call is refused or ended, in SIP's words."""

from collections.abc import Mapping
from dataclasses import dataclass

from mediaworker.sip.grammar import TOKEN, Scanner, number, quote, read_list
from mediaworker.sip.parameters import read_parameters

PHRASES: Mapping[int, str] = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    199: "Early Dialog Terminated",
    200: "OK",
    202: "Accepted",
    204: "No Notification",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    305: "Use Proxy",
    380: "Alternative Service",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    412: "Conditional Request Failed",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    417: "Unknown Resource-Priority",
    420: "Bad Extension",
    421: "Extension Required",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    424: "Bad Location Information",
    425: "Bad Alert Message",
    428: "Use Identity Header",
    429: "Provide Referrer Identity",
    430: "Flow Failed",
    433: "Anonymity Disallowed",
    436: "Bad Identity Info",
    437: "Unsupported Credential",
    438: "Invalid Identity Header",
    439: "First Hop Lacks Outbound Support",
    440: "Max-Breadth Exceeded",
    469: "Bad Info Package",
    470: "Consent Needed",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    485: "Ambiguous",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    493: "Undecipherable",
    494: "Security Agreement Required",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    555: "Push Notification Service Not Supported",
    580: "Precondition Failure",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
    607: "Unwanted",
    608: "Rejected",
}
"""Every status that is registered, by RFC 3261 and those after it."""

HIGHEST_CAUSE = 999


def phrase_of(status: int) -> str:
    """The registered phrase, or that of the status's class."""
    return PHRASES.get(status) or PHRASES.get(status // 100 * 100, "")


@dataclass(frozen=True, slots=True)
class Reason:
    """One value of a Reason header (RFC 3326)."""

    protocol: str
    """SIP, or Q.850."""
    cause: int | None = None
    text: str | None = None

    def __str__(self) -> str:
        """What stands in a header, so long as no line break is in the text."""
        cause = "" if self.cause is None else f";cause={self.cause}"
        text = "" if self.text is None else f";text={quote(self.text)}"
        return f"{self.protocol}{cause}{text}"


def parse_reasons(value: str) -> tuple[Reason, ...]:
    """Raises `BadSyntax`."""
    return tuple(read_list(Scanner(value, "Reason"), _read))


def _read(scanner: Scanner) -> Reason:
    protocol = scanner.expect(TOKEN, "its protocol")
    parameters = read_parameters(scanner)
    cause = parameters.get("cause")
    code = None if cause is None else number(cause, "the cause", HIGHEST_CAUSE)
    return Reason(protocol, code, parameters.get("text"))

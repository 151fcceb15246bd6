"""Candidates, as SDP writes them and as aioice takes them."""

import ipaddress
from collections.abc import Iterable

from aioice import Candidate as IceCandidate

from mediaworker.rtp.sdp_attributes import Candidate, parse_candidate
from mediaworker.webrtc.stack import COMPONENT, host_candidate

MOST_BYTES = 512
LOCAL = ".local"
"""Names that browsers hide their addresses behind, resolved by mDNS (RFC 6762)."""
LOWER_PREFERENCE = 65_534


class BadCandidate(ValueError):
    """One sentence that says what is wrong, and quotes nothing."""


def parse(text: str) -> Candidate:
    """Raises `BadCandidate`."""
    candidate = parse_candidate(text) if len(text) <= MOST_BYTES else None
    if candidate is None:
        raise BadCandidate("the candidate is malformed")
    if not candidate.address.lower().endswith(LOCAL) and _ip(candidate) is None:
        raise BadCandidate("the candidate has neither an IP address nor a .local name")
    return candidate


def is_usable(candidate: Candidate, *, allows_ipv6: bool) -> bool:
    """Whether checks can be sent to it: a browser names others as well."""
    if candidate.component != COMPONENT or candidate.transport != "udp":
        return False
    if candidate.port == 0:
        return False
    ip = _ip(candidate)
    if ip is None:
        return True
    if ip.version == 6 and not allows_ipv6:
        return False
    return not (ip.is_multicast or ip.is_unspecified or ip.is_link_local)


def as_ice(candidate: Candidate) -> IceCandidate:
    return IceCandidate(
        foundation=candidate.foundation,
        component=candidate.component,
        transport=candidate.transport,
        priority=candidate.priority,
        host=candidate.address,
        port=candidate.port,
        type=candidate.type,
        related_address=candidate.related_address,
        related_port=candidate.related_port,
        tcptype=candidate.tcp_type,
    )


def as_sdp(candidate: IceCandidate) -> Candidate:
    return Candidate(
        foundation=candidate.foundation,
        component=candidate.component,
        transport=candidate.transport,
        priority=candidate.priority,
        address=candidate.host,
        port=candidate.port,
        type=candidate.type,
        related_address=candidate.related_address,
        related_port=candidate.related_port,
        tcp_type=candidate.tcptype,
    )


def with_public(
    gathered: Iterable[IceCandidate], address: str | None
) -> list[IceCandidate]:
    """Each of ours also by the address that a 1:1 NAT gives us, if there is one."""
    candidates = list(gathered)
    if address is None:
        return candidates
    is_ipv6 = ":" in address
    ports = [local.port for local in candidates if (":" in local.host) is is_ipv6]
    public = [host_candidate(address, port, LOWER_PREFERENCE) for port in ports]
    known = {(local.host, local.port) for local in candidates}
    return candidates + [new for new in public if (new.host, new.port) not in known]


def _ip(candidate: Candidate) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(candidate.address)
    except ValueError:
        return None

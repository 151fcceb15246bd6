"""Statuses, phrases and Reason headers (RFC 3261 21, RFC 3326)."""

import pytest

from chalicelib.protocol.session.vocabulary import HangupReason
from mediaworker.sip.grammar import BadSyntax
from mediaworker.sip.reasons import (
    PHRASES,
    Reason,
    hangup_reason,
    parse_reasons,
    phrase_of,
    status_of,
)


def test_names_every_reason_by_a_status_that_ends_a_call() -> None:
    for reason in HangupReason:
        assert 400 <= status_of(reason) <= 699
        assert status_of(reason) in PHRASES


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (486, HangupReason.REJECTED),
        (603, HangupReason.REJECTED),
        (408, HangupReason.NO_ANSWER),
        (480, HangupReason.NO_ANSWER),
        (487, HangupReason.CANCELED),
        (402, HangupReason.NO_BALANCE),
        (503, HangupReason.SERVER_UNAVAILABLE),
        (404, HangupReason.FAILED),
        (302, HangupReason.FAILED),
    ],
)
def test_reads_why_a_call_was_refused(status: int, reason: HangupReason) -> None:
    assert hangup_reason(status) is reason


def test_keeps_what_a_call_was_refused_for() -> None:
    kept = ("rejected", "noAnswer", "noBalance", "canceled", "serverUnavailable")
    for reason in map(HangupReason, kept):
        assert hangup_reason(status_of(reason)) is reason


def test_phrases_unknown_statuses_by_their_class() -> None:
    assert phrase_of(486) == "Busy Here"
    assert phrase_of(499) == "Bad Request"
    assert phrase_of(699) == "Busy Everywhere"
    assert phrase_of(799) == ""


def test_reads_and_renders_reasons() -> None:
    value = 'SIP;cause=200;text="Call completed elsewhere", Q.850 ;cause=16'
    reasons = parse_reasons(value)
    assert reasons == (
        Reason("SIP", 200, "Call completed elsewhere"),
        Reason("Q.850", 16),
    )
    rendered = ", ".join(map(str, reasons))
    assert rendered == 'SIP;cause=200;text="Call completed elsewhere", Q.850;cause=16'
    assert parse_reasons(rendered) == reasons
    quoted = Reason("SIP", text='so "he" said \\')
    assert parse_reasons(str(quoted)) == (quoted,)


@pytest.mark.parametrize(
    "value", ["", ";cause=1", "SIP;cause=x", "SIP;cause=99999", "SIP,"]
)
def test_refuses_what_is_no_reason(value: str) -> None:
    with pytest.raises(BadSyntax):
        parse_reasons(value)

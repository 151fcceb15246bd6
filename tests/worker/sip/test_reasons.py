"""Statuses, phrases and Reason headers (RFC 3261 21, RFC 3326)."""

import pytest

from mediaworker.sip.grammar import BadSyntax
from mediaworker.sip.reasons import (
    Reason,
    parse_reasons,
    phrase_of,
)


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

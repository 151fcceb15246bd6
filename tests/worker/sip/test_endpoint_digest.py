"""Challenges that requests of ours meet (RFC 3261 section 22)."""

import re

import pytest

from mediaworker.sip.digest import Credentials
from mediaworker.sip.endpoint import Counts
from mediaworker.sip.events import (
    Accepted,
    CallKey,
    Ended,
    ReinviteAnswered,
    Rejected,
)
from mediaworker.sip.messages import Request
from tests.worker.sip.harness import ANSWER, LONG, OTHER, Stage, staged

Field = tuple[str, str]
WHO = Credentials("alice", "secret")


def challenge(
    realm: str = "here", nonce: str = "n1", *, is_stale: bool = False
) -> tuple[str, str]:
    stale = ", stale=true" if is_stale else ""
    return (
        "WWW-Authenticate",
        f'Digest realm="{realm}", nonce="{nonce}", qop="auth"{stale}',
    )


def proxied(realm: str, nonce: str = "p1") -> tuple[str, str]:
    return ("Proxy-Authenticate", challenge(realm, nonce)[1])


def latest(stage: Stage, method: str) -> Request:
    return stage.raw.requests(method)[-1]


def ask(
    stage: Stage, method: str, *headers: tuple[str, str], status: int = 401
) -> None:
    stage.reply(latest(stage, method), status, headers=headers)


def parameter(request: Request, name: str) -> str | None:
    match = re.search(rf'{name}="?([^",]*)', request.headers.get("Authorization") or "")
    return None if match is None else match[1]


def up(stage: Stage) -> CallKey:
    """A call that was answered after a challenge."""
    call = stage.dial(credentials=WHO)
    ask(stage, "INVITE", challenge())
    stage.reply(latest(stage, "INVITE"), 200, sdp=ANSWER)
    return call


def test_make_a_challenged_invite_anew() -> None:
    """22.2, 8.1.3.5: another CSeq and branch, the same Call-ID, From and To."""
    stage = staged()
    call = up(stage)
    first, second = stage.raw.requests("INVITE")
    assert (first.cseq.number, second.cseq.number) == (1, 2)
    assert first.via.branch != second.via.branch
    assert (first.call_id, first.from_tag) == (second.call_id, second.from_tag)
    assert (second.to_tag, second.body) == (None, first.body)
    assert parameter(second, "username") == "alice"
    assert parameter(second, "uri") == str(second.uri)
    assert parameter(second, "nc") == "00000001"
    assert stage.bob.last(Accepted).call == call


def test_acknowledge_with_the_credentials_of_the_invite() -> None:
    """22.1: nobody challenges an ACK; 17.1.1.3: that of a refusal has none."""
    stage = staged()
    up(stage)
    refusal, success = stage.raw.requests("ACK")
    assert (refusal.cseq.number, success.cseq.number) == (1, 2)
    assert refusal.headers.get("Authorization") is None
    invite = latest(stage, "INVITE")
    assert success.headers.get("Authorization") == invite.headers.get("Authorization")


@pytest.mark.parametrize("method", ["INVITE", "INFO", "BYE"])
def test_answer_challenges_within_the_call(method: str) -> None:
    """The nonce that is known goes along; a stale one is renewed once."""
    stage = staged()
    call = up(stage)
    endpoint, now = stage.bob.endpoint, stage.world.now
    if method == "INVITE":
        endpoint.reinvite(call, OTHER, now)
    elif method == "INFO":
        endpoint.info(call, "text/plain", b"1", now)
    else:
        endpoint.bye(call, now)
    stage.world.run(0.1)
    first = latest(stage, method)
    assert (parameter(first, "nonce"), parameter(first, "nc")) == ("n1", "00000002")
    ask(stage, method, challenge(nonce="n2", is_stale=True))
    second = latest(stage, method)
    assert (parameter(second, "nonce"), parameter(second, "nc")) == ("n2", "00000001")
    assert second.cseq.number == first.cseq.number + 1
    assert second.via.branch != first.via.branch
    stage.reply(second, 200, sdp=ANSWER if method == "INVITE" else None)
    stage.bob.endpoint.hang_up(call, stage.world.now)
    stage.bob.drain(stage.world.now)
    assert len(stage.bob.ends(call)) == 1
    assert bool(stage.bob.told(ReinviteAnswered)) is (method == "INVITE")


def test_answer_a_stale_nonce_once_more_and_no_more() -> None:
    stage = staged()
    call = stage.dial(credentials=WHO)
    ask(stage, "INVITE", challenge(nonce="n1"))
    ask(stage, "INVITE", challenge(nonce="n2", is_stale=True))
    assert parameter(latest(stage, "INVITE"), "nonce") == "n2"
    ask(stage, "INVITE", challenge(nonce="n3", is_stale=True))
    assert len(stage.raw.requests("INVITE")) == 3
    assert stage.bob.ends(call) == [Rejected(call, 401, "Unauthorized")]


def test_give_up_when_the_credentials_are_wrong() -> None:
    """22.2: the same credentials are not tried again."""
    stage = staged()
    call = stage.dial(credentials=WHO)
    ask(stage, "INVITE", challenge(nonce="n1"))
    ask(stage, "INVITE", challenge(nonce="n1"))
    assert len(stage.raw.requests("INVITE")) == 2
    rejected = stage.bob.last(Rejected)
    assert rejected == Rejected(call, 401, "Unauthorized")
    stage.world.run(LONG)
    assert stage.bob.endpoint.counts == Counts(0, 0, 0)


def test_answer_a_proxy_and_a_callee_together() -> None:
    """22.3."""
    stage = staged()
    stage.dial(credentials=WHO)
    ask(stage, "INVITE", proxied("proxy"), status=407)
    ask(stage, "INVITE", challenge())
    last = latest(stage, "INVITE")
    assert parameter(last, "realm") == "here"
    proof = last.headers.get("Proxy-Authorization") or ""
    assert "nc=00000002" in proof


def test_answer_no_more_realms_than_a_few() -> None:
    stage = staged()
    stage.dial(credentials=WHO)
    for number in range(6):
        if not stage.bob.told(Rejected):
            ask(stage, "INVITE", proxied(f"proxy{number}"), status=407)
    assert len(stage.raw.requests("INVITE")) == 5
    assert stage.bob.last(Rejected).status == 407


@pytest.mark.parametrize(
    "credentials, header",
    [
        (None, challenge()),
        (WHO, ("WWW-Authenticate", 'Basic realm="here"')),
        (WHO, ("X-Nothing", "here")),
    ],
)
def test_reject_with_401_what_cannot_be_answered(
    credentials: Credentials | None, header: tuple[str, str]
) -> None:
    stage = staged()
    call = stage.dial(credentials=credentials)
    ask(stage, "INVITE", header)
    assert [event.status for event in stage.bob.told(Rejected)] == [401]
    assert len(stage.raw.requests("INVITE")) == 1
    assert stage.bob.ends(call)


def test_answer_no_challenge_once_it_is_cancelled() -> None:
    stage = staged()
    call = stage.dial(credentials=WHO)
    stage.bob.endpoint.cancel(call, stage.world.now)
    ask(stage, "INVITE", challenge())
    assert len(stage.raw.requests("INVITE")) == 1
    assert [event.status for event in stage.bob.told(Rejected)] == [487]
    assert not stage.raw.requests("CANCEL")


def test_cancel_the_request_that_was_made_anew() -> None:
    stage = staged()
    call = stage.dial(credentials=WHO)
    ask(stage, "INVITE", challenge())
    stage.reply(latest(stage, "INVITE"), 180)
    stage.bob.endpoint.cancel(call, stage.world.now)
    stage.world.run(0.1)
    cancel, invite = latest(stage, "CANCEL"), latest(stage, "INVITE")
    assert cancel.via.branch == invite.via.branch
    assert cancel.cseq.number == invite.cseq.number == 2
    assert cancel.headers.get("Authorization") is None


def test_end_the_call_though_its_bye_is_challenged_in_vain() -> None:
    stage = staged()
    call = stage.dial()
    stage.reply(latest(stage, "INVITE"), 200, sdp=ANSWER)
    stage.bob.endpoint.bye(call, stage.world.now)
    stage.bob.drain(stage.world.now)
    stage.world.run(0.1)
    ask(stage, "BYE", challenge())
    assert stage.bob.ends(call) == [Ended(call, is_by_remote=False)]
    stage.world.run(LONG)
    assert stage.bob.endpoint.counts == Counts(0, 0, 0)

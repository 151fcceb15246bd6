"""What holds of an edge whatever it is sent."""

import random
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.edge import SLACK_BYTES
from mediaworker.sip.messages import Request, parse
from mediaworker.sip.routing import Hop
from tests.worker.edge.stage import (
    CALLER,
    EDGE,
    Stage,
    answer_to,
    message,
    request_in,
    response_in,
    roster,
)

tokens = st.text("abcXYZ019.-", min_size=1, max_size=12)
methods = st.sampled_from(["INVITE", "CANCEL", "BYE", "REGISTER", "INFO", "FOO"])
places = st.sampled_from(
    ["192.0.2.1", "192.0.2.1:5062", "[2001:db8::1]:7", "a.example"]
)
sources = st.builds(
    Hop,
    st.just("UDP"),
    st.sampled_from(["192.0.2.1", "198.51.100.4", "2001:db8::9"]),
    st.integers(1, 65_535),
) | st.builds(
    Hop, st.just("TCP"), st.just("192.0.2.1"), st.integers(1, 65_535), st.just("8")
)
numbers = st.lists(st.integers(1, 6), min_size=1, max_size=6, unique=True)


@given(methods, tokens, tokens, places, st.booleans(), sources, numbers)
@settings(max_examples=150)
def test_bring_back_what_was_sent_as_it_was(
    method: str,
    call_id: str,
    branch: str,
    via: str,
    rport: bool,
    source: Hop,
    workers: list[int],
) -> None:
    stage = Stage(roster(*workers))
    data = message(
        method,
        call_id=call_id,
        branch=f"z9hG4bK{branch}",
        via=via,
        transport=source.transport,
        rport=rport,
    )
    sent = stage.one(data, source)
    before, passed = parse(data), request_in(sent)
    assert isinstance(before, Request)
    assert (passed.start_line, passed.body) == (before.start_line, before.body)
    assert passed.max_forwards == 69
    kept = ("From", "To", "Call-ID", "CSeq", "Contact")
    assert all(passed.headers.every(n) == before.headers.every(n) for n in kept)
    back = stage.one(answer_to(sent, 480), sent.hop)
    vias = response_in(back).vias
    assert vias == (before.via.seen_from(source.host, source.port),)
    assert (back.hop.transport, back.hop.host) == (source.transport, source.host)
    assert back.hop.flow == source.flow
    expected = source.port if rport or source.flow else before.via.port or 5060
    assert back.hop.port == expected


@given(tokens, tokens, numbers, st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_choose_and_name_the_same_at_every_edge(
    call_id: str, branch: str, workers: list[int], draws: random.Random
) -> None:
    shuffled = sorted(workers, key=lambda _: draws.random())
    data = message(call_id=call_id, branch=f"z9hG4bK{branch}")
    first = Stage(roster(*workers)).passed(data)
    moved = replace(CALLER, port=6061)
    second = Stage(roster(*shuffled)).passed(data, moved)
    assert first[0] == second[0]
    assert first[1].via.branch == second[1].via.branch


@given(
    st.lists(
        st.tuples(
            methods, st.integers(0, 3), st.integers(1, 3), st.booleans(), numbers
        ),
        max_size=12,
    ),
    st.lists(st.sampled_from([100, 180, 200, 486, 503]), max_size=12),
)
@settings(max_examples=150)
def test_send_nothing_but_to_workers_and_back_to_where_it_came_from(
    story: Sequence[tuple[str, int, int, bool, list[int]]], statuses: list[int]
) -> None:
    stage = Stage(roster(1, 2, 3))
    answers = iter(statuses)
    for method, call, number, has_tag, workers in story:
        stage.roster = roster(*workers)
        data = message(
            method,
            call_id=f"c{call}",
            branch=f"z9hG4bK{number}",
            number=number,
            to_tag="t" if has_tag else "",
        )
        came = [(data, CALLER)]
        while came:
            data, source = came.pop()
            found = stage.all(data, source)
            assert len(found) <= (2 if source.host.startswith("10.") else 1)
            for sent in found:
                assert len(sent.data) <= len(data) + SLACK_BYTES or len(found) == 2
                if sent.hop.host == CALLER.host:
                    assert sent.hop == CALLER
                    continue
                worker = stage.roster.by_place[(sent.hop.host, sent.hop.port)]
                assert worker.worker_id in stage.roster.workers
                status = next(answers, None)
                request = request_in(sent)
                if status is not None and request.method != "ACK":
                    wait = ("Retry-After", "10")
                    came.append((answer_to(sent, status, wait), sent.hop))


def test_have_no_way_to_write_to_others() -> None:
    stage = Stage(roster(1))
    for extra in (
        ["Route: <sip:198.51.100.1;lr>"],
        ["Route: <sip:10.0.0.9;lr>, <sip:198.51.100.1;lr>"],
        [f"Via: SIP/2.0/UDP 198.51.100.1;received={EDGE[0]};branch=z9hG4bKx"],
    ):
        for method in ("INVITE", "BYE", "MESSAGE"):
            for tag in ("", "x"):
                data = message(
                    method,
                    extra=extra,
                    to_tag=tag,
                    uri="sip:198.51.100.1;maddr=1.1.1.1",
                )
                assert stage.passed(data)[0] == "10.0.1.1"

"""The address of a socket says what its application wants."""

import pytest
from hypothesis import given

from chalicelib.protocol.session.query import (
    ANYBODY,
    BinaryForm,
    MalformedQuery,
    SessionQuery,
)
from chalicelib.protocol.session.vocabulary import CallType, Codec
from tests.protocol.session.strategies import patient, records_of


@patient
@given(
    query=records_of(SessionQuery).filter(
        lambda query: query.server_side_track and query.listen != ""
    )
)
def test_query_goes_both_ways(query: SessionQuery) -> None:
    assert SessionQuery.parse(query.render()) == query


@pytest.mark.covers(
    "query.id", "query.dump", "query.pingInterval", "query.serverSideTrack"
)
def test_absent_parameters_have_the_defaults_of_the_contract() -> None:
    query = SessionQuery.parse({"id": "", "token": "secret"})
    assert query == SessionQuery(None, True, 20, "serverSideTrack")
    assert query.binary is BinaryForm.FRAME


@pytest.mark.parametrize("name", ["pingInterval", "ping", "ping_interval"])
def test_ping_interval_is_read_in_every_spelling(name: str) -> None:
    assert SessionQuery.parse({name: "0"}).ping_seconds == 0


@pytest.mark.parametrize("name", ["dump", "dump_events"])
@pytest.mark.parametrize("word", ["false", "FALSE", "0"])
def test_dump_is_read_in_every_spelling(name: str, word: str) -> None:
    assert not SessionQuery.parse({name: word}).is_dumped


@pytest.mark.parametrize("name", ["serverSideTrack", "server_side_track"])
def test_track_is_chosen_by_who_connects(name: str) -> None:
    query = SessionQuery.parse({name: "bot"}, "server-side-track")
    assert query.server_side_track == "bot"
    assert SessionQuery.parse({}, "mine").server_side_track == "mine"


def test_every_name_of_the_server_side_track_is_understood() -> None:
    query = SessionQuery(server_side_track="bot")
    for name in ("bot", "serverSideTrack", "server-side-track"):
        assert query.is_server_side(name)
    assert not query.is_server_side("caller")


def test_words_are_read() -> None:
    query = SessionQuery.parse({"codec": "PCM", "binary": "json", "type": "sip"})
    assert (query.codec, query.type) == (Codec.PCM, CallType.SIP)
    assert query.binary is BinaryForm.JSON


@pytest.mark.parametrize("user", ["bob", ANYBODY])
def test_user_to_listen_for_is_read(user: str) -> None:
    assert SessionQuery.parse({"listen": user}).listen == user
    assert SessionQuery.parse({"listen": ""}).listen is None


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("dump", "maybe", "dump must be true or false"),
        ("ping", "soon", "pingInterval must be a whole number from 0 to 3600"),
        ("ping", "-1", "pingInterval must be a whole number from 0 to 3600"),
        ("ping", "9" * 5000, "pingInterval must be a whole number from 0 to 3600"),
        ("ping", "٣", "pingInterval must be a whole number from 0 to 3600"),
        ("codec", "mp3", "codec must be one of pcmu, pcma, g722, pcm, opus"),
        ("binary", "hex", "binary must be one of frame, json"),
        ("type", "fax", "type must be one of webrtc, websocket, sip"),
        (
            "serverSideTrack",
            "a\nb",
            "serverSideTrack must be one line without control characters",
        ),
        (
            "listen",
            "a\nb",
            "listen must be one line without control characters",
        ),
        (
            "id",
            "../etc",
            "id must be 1 to 256 letters, digits and . _ @ : + ~ = -",
        ),
    ],
)
def test_refuse_a_parameter_that_means_nothing(
    name: str, value: str, sentence: str
) -> None:
    with pytest.raises(MalformedQuery) as caught:
        SessionQuery.parse({name: value})
    assert str(caught.value) == sentence

"""What is recorded of a call, from when on, and under which name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.session.kinds import Unfit
from chalicelib.protocol.session.options import RecorderOption
from chalicelib.protocol.session.vocabulary import CallType, Codec
from mediaworker.session.effects import Record
from mediaworker.session.identity import Identity
from mediaworker.session.legs import Answered, CallCame, MediaAgreed
from mediaworker.session.recording import path_of
from mediaworker.session.refusals import Refusal
from tests.worker.session.stage import EPOCH_MS, SESSION_ID, Stage

CAME = CallCame("sip:alice@example.com", "sip:bob@example.com", "v=0\r\n", {})


def named(
    file: str, tenant: str = "default", session_id: str = "s1", form: str | None = None
) -> str:
    identity = Identity(session_id, tenant, "u", CallType.SIP, "w1", 1, 2, "server")
    return path_of(RecorderOption(file, format=form), identity)


@pytest.mark.covers("RecorderOption.recorderFile")
@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("", "s1.wav"),
        ("a", "a.wav"),
        ("a.wav", "a.wav"),
        ("A.WAV", "A.WAV"),
        ("/path/to/recording.wav", "path/to/recording.wav"),
        ("calls/{id}.opus", "calls/s1.opus"),
        ("calls/", "calls/s1.wav"),
        ("a.mp3", "a.mp3.wav"),
        ("./a//b.ogg", "a/b.ogg"),
        (".wav", ".wav"),
    ],
)
def test_name_is_made_a_path_below_the_folder(file: str, path: str) -> None:
    assert named(file) == path
    assert named(file, "acme") == f"tenants/acme/{path}"


@pytest.mark.parametrize(
    ("form", "path"),
    [("g722", "a.wav"), ("PCMU", "a.wav"), ("opus", "a.opus"), ("ogg", "a.ogg")],
)
def test_format_says_what_a_name_without_suffix_is(form: str, path: str) -> None:
    assert named("a", form=form) == path
    assert named("a.wav", form=form) == "a.wav"


@pytest.mark.parametrize(
    "file",
    ["../a.wav", "a/../../b", "a/..", "tenants/acme/a.wav", "/" * 9 + "..", "x" * 241]
    + ["a/" * 17],
)
def test_name_that_leads_elsewhere_is_refused(file: str) -> None:
    with pytest.raises(Refusal):
        named(file)


def test_tenants_of_strange_names_stay_in_their_own_folders() -> None:
    assert named("a", "..") == "tenants/%2E%2E/a.wav"
    assert named("a", "a/b") == "tenants/a%2Fb/a.wav"


@given(st.text(max_size=60), st.sampled_from(["default", "acme", "../x"]))
def test_no_name_leads_out_of_its_tenants_folder(file: str, tenant: str) -> None:
    try:
        parts = named(file, tenant).split("/")
    except (Refusal, Unfit):
        return
    assert not {"", ".", ".."} & set(parts)
    assert (parts[0] == "tenants") is (tenant != "default")
    assert parts[-1].lower().endswith((".wav", ".ogg", ".opus"))


@pytest.mark.covers("CallOption.recorder", "RecorderOption.samplerate")
def test_call_is_recorded_from_its_invite_on() -> None:
    recorder = {"recorderFile": "a.wav", "samplerate": 8000, "ptime": 100}
    stage = Stage().invite(recorder=recorder)
    (record,) = stage.wanted(Record)
    assert (record.path, record.rate, record.flush_ms) == (
        "tenants/acme/a.wav",
        8_000,
        100,
    )
    assert record.identity.session_id == SESSION_ID
    assert record.started_at_ms == EPOCH_MS + 100_000
    assert stage.told() == ["trackStart (call)", "answer"]


@pytest.mark.covers("RecorderOption.ptime")
def test_flushes_are_neither_rare_nor_many() -> None:
    for ptime, flush_ms in ((0, 20), (3_600_000, 5_000)):
        stage = Stage().invite(recorder={"recorderFile": "", "ptime": ptime})
        assert stage.wanted(Record)[0].flush_ms == flush_ms


def test_unknown_format_is_told_and_recorded_all_the_same() -> None:
    stage = Stage().invite(recorder={"recorderFile": "a", "format": "mp3"})
    assert stage.told() == ["trackStart (call)", "answer", "error recorder 400"]
    assert stage.wanted(Record)[0].path.endswith("a.wav")


def test_name_that_leads_out_is_an_error_and_the_call_goes_on() -> None:
    stage = Stage().invite(recorder={"recorderFile": "../a.wav"})
    assert stage.told() == ["trackStart (call)", "answer", "error recorder 400"]
    assert stage.wanted(Record) == [] and stage.session.is_connected


@pytest.mark.covers("ringing.recorder")
def test_recorder_of_the_ringing_stays_when_the_call_is_accepted() -> None:
    stage = Stage(CallType.SIP).tell(CAME)
    stage.send("ringing", recorder={"recorderFile": "ringing.wav"})
    assert len(stage.wanted(Record)) == 1
    stage.send("ringing", recorder={"recorderFile": "again.wav"})
    stage.send("accept", option={"recorder": {"recorderFile": "accepted.wav"}})
    stage.tell(MediaAgreed(Codec.PCMU, True), Answered("v=0\r\n"))
    (record,) = stage.wanted(Record)
    assert record.path == "tenants/acme/ringing.wav"


def test_accept_records_where_the_ringing_could_not() -> None:
    stage = Stage(CallType.SIP).tell(CAME)
    stage.send("ringing", recorder={"recorderFile": "../a.wav"})
    stage.send("accept", option={"recorder": {"recorderFile": "b.wav"}})
    assert stage.wanted(Record)[0].path == "tenants/acme/b.wav"


def test_failure_is_told_and_the_call_goes_on() -> None:
    stage = Stage().invite(recorder={"recorderFile": "a.wav"})
    stage.told()
    stage.session.recorder_failed("the disk is full", 500, stage.now)
    assert stage.settle().told() == ["error recorder 500"]
    assert stage.session.is_connected


def test_failure_before_the_answer_is_told_after_it() -> None:
    stage = Stage(CallType.SIP).tell(CAME)
    stage.send("accept", option={"recorder": {"recorderFile": "a.wav"}})
    stage.told()
    stage.session.recorder_failed("the disk is full", 500, stage.now)
    assert stage.settle().told() == []
    stage.tell(MediaAgreed(Codec.PCMU, True), Answered("v=0\r\n"))
    assert stage.told() == ["answer", "error recorder 500"]


def test_failure_after_the_end_is_nothing() -> None:
    stage = Stage().invite(recorder={"recorderFile": "a.wav"}).send("hangup")
    stage.told()
    stage.session.recorder_failed("the disk is full", 500, stage.now)
    assert stage.settle().told() == []
    assert stage.session.option is not None

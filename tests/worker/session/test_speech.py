"""Texts that are said: queued, played, interrupted, paused, ended."""

import base64

import numpy as np
import pytest

from chalicelib.protocol.session.events import (
    Failed,
    HungUp,
    Interrupted,
    Metrics,
    Silence,
    TrackEnded,
    TrackStarted,
)
from mediaworker.session.effects import CreditJob, DropJob, SayText
from mediaworker.session.rules import Rules
from tests.worker.session.stage import EPOCH_MS, SSRC, TRACK, Stage


def speaking(rules: Rules | None = None, codec: str = "") -> Stage:
    """A call whose application may speak."""
    stage = Stage(rules=rules, codec=codec).invite(tts={}, vad={})
    stage.told()
    return stage


def pcm(ms: int, rate: int = 16_000, level: int = 1_000) -> str:
    """A tone, as an application sends audio of its own."""
    at = np.arange(rate * ms // 1_000)
    tone = (level * np.sin(2 * np.pi * 440 * at / rate)).astype("<i2")
    return base64.b64encode(tone.tobytes()).decode()


def texts(stage: Stage) -> list[str]:
    return [effect.text for effect in stage.wanted(SayText)]


@pytest.mark.covers(
    "tts.command",
    "tts.text",
    "event.trackStart.event",
    "event.trackStart.trackId",
    "event.trackStart.timestamp",
    "event.trackStart.playId",
    "event.trackEnd.event",
    "event.trackEnd.trackId",
    "event.trackEnd.timestamp",
    "event.trackEnd.duration",
    "event.trackEnd.ssrc",
    "event.trackEnd.playId",
)
def test_text_is_made_and_played() -> None:
    stage = speaking().say("Hello 👋 there", playId="a")
    assert texts(stage) == ["Hello  there"]
    assert stage.session.is_playing
    assert stage.frame() is None
    stage.supply(1, 50).make(1)
    assert stage.told() == []
    assert stage.play_out(60) == 3
    assert stage.told() == ["trackStart a"]
    assert stage.frame() is None
    assert stage.told() == ["trackEnd a"]
    ended = stage.last(TrackEnded)
    assert (ended.track_id, ended.ssrc, ended.duration) == (TRACK, SSRC, 60)
    assert not stage.session.is_playing


def test_last_frame_is_filled_with_silence() -> None:
    stage = speaking().say("Hello").supply(1, 30).make(1)
    assert stage.frame() == b"\x01\x00" * 160
    assert stage.frame() == b"\x01\x00" * 80 + bytes(160)
    assert stage.frame() is None


@pytest.mark.covers(
    "event.metrics.event",
    "event.metrics.timestamp",
    "event.metrics.key",
    "event.metrics.duration",
    "event.metrics.data",
)
def test_made_text_is_measured() -> None:
    stage = speaking().say("Hello", playId="a").supply(1, 40)
    stage.make(1, 40, speaker="slt", is_cached=True)
    metric = stage.last(Metrics)
    assert (metric.key, metric.duration) == ("completed.tts.embedded", 34)
    assert metric.data == {
        "speaker": "slt",
        "playId": "a",
        "cmdSeq": 0,
        "length": 640,
        "cached": True,
        "ttfb": 12,
        "duration": 40,
    }
    stage.send("interrupt").say("x").make(2)
    assert set(stage.last(Metrics).data) == {
        "cmdSeq",
        "length",
        "cached",
        "ttfb",
        "duration",
    }


@pytest.mark.covers("tts.playId", "note playId")
@pytest.mark.parametrize("play_id", ["a", None])
def test_texts_of_one_play_id_follow_each_other_in_one_track(
    play_id: str | None,
) -> None:
    stage = speaking()
    for text in ("One.", "Two.", "Three."):
        stage.say(text, playId=play_id)
    assert texts(stage) == ["One."]
    stage.supply(1, 40).make(1)
    assert texts(stage) == ["One.", "Two."]
    stage.supply(2, 40).make(2).supply(3, 40).make(3)
    assert stage.play_out(200) == 6
    shown = f" {play_id}" if play_id else ""
    assert stage.told() == [f"trackStart{shown}", f"trackEnd{shown}"]


def test_passages_lead_into_each_other_without_a_gap() -> None:
    stage = speaking().say("One").say("Two")
    stage.supply(1, 30, 1).make(1).supply(2, 30, 2).make(2)
    played = b"".join(stage.frame() or b"" for _ in range(4))
    assert played == b"\x01\x00" * 240 + b"\x02\x00" * 240


def test_passage_that_is_late_is_not_waited_for_in_the_middle_of_a_frame() -> None:
    stage = speaking().say("One").say("Two").supply(1, 30).make(1)
    assert stage.play_out(60) == 2
    stage.supply(2, 200).make(2)
    assert stage.play_out(300) == 10


@pytest.mark.covers("SynthesisOption.maxConcurrentTasks")
@pytest.mark.parametrize(("asked", "running"), [(1, 1), (2, 2), (64, 4)])
def test_texts_are_made_side_by_side_as_far_as_allowed(
    asked: int, running: int
) -> None:
    stage = Stage().invite(tts={"maxConcurrentTasks": asked})
    for number in range(6):
        stage.say(f"Text {number}")
    assert len(texts(stage)) == running
    stage.make(1)
    assert len(texts(stage)) == running + 1


def test_parallel_texts_are_played_in_order() -> None:
    stage = Stage().invite(tts={"maxConcurrentTasks": 2}).say("One").say("Two")
    stage.supply(2, 20, 2).make(2)
    assert stage.frame() is None
    stage.supply(1, 20, 1).make(1)
    assert stage.frame() == b"\x01\x00" * 160
    assert stage.frame() == b"\x02\x00" * 160


def test_another_play_id_takes_the_place_of_what_plays() -> None:
    stage = speaking().say("Hello my friend", playId="a").supply(1, 900)
    stage.play_out(400)
    stage.say("No", playId="b")
    assert stage.told() == ["trackStart a", "interruption a", "trackEnd a"]
    assert stage.wanted(DropJob) == [DropJob(1)]
    stage.supply(1, 100).make(1)
    assert stage.frame() is None
    stage.supply(2, 40).make(2).play_out(60)
    assert stage.told() == ["trackStart b", "trackEnd b"]


def test_text_without_play_id_takes_the_place_of_one_with() -> None:
    stage = speaking().say("x", playId="a").say("y")
    assert stage.told() == ["interruption a", "trackEnd a"]


@pytest.mark.covers(
    "interrupt.command",
    "event.interruption.event",
    "event.interruption.trackId",
    "event.interruption.timestamp",
    "event.interruption.playId",
    "event.interruption.subtitle",
    "event.interruption.position",
    "event.interruption.totalDuration",
    "event.interruption.current",
)
def test_interruption_tells_how_far_it_came() -> None:
    stage = speaking().say("one two three four", playId="a").supply(1, 1_000).make(1)
    stage.play_out(500)
    stage.send("interrupt")
    assert stage.frame() is None
    assert stage.told() == ["trackStart a", "interruption a", "trackEnd a"]
    told = stage.last(Interrupted)
    assert (told.subtitle, told.position) == ("one two three four", 2)
    assert (told.current, told.total_duration) == (500, 1_000)


def test_interruption_estimates_where_nobody_knows_the_length() -> None:
    stage = speaking().say("one two three four").supply(1, 600)
    stage.play_out(540)
    stage.send("interrupt")
    assert stage.last(Interrupted).position == 2
    assert stage.last(Interrupted).play_id is None


def test_interruption_counts_all_texts_of_the_playback() -> None:
    stage = speaking().say("One", playId="a").say("Two", playId="a")
    stage.supply(1, 100).make(1).supply(2, 100)
    stage.play_out(160)
    stage.send("interrupt")
    told = stage.last(Interrupted)
    assert (told.subtitle, told.current, told.total_duration) == ("Two", 160, 200)


def test_interruption_before_the_first_frame_is_told_too() -> None:
    stage = speaking().say("Hello", playId="a").send("interrupt")
    assert stage.told() == ["interruption a", "trackEnd a"]
    assert stage.last(TrackEnded).duration == 0


def test_interruption_of_a_stream_without_text_has_no_subtitle() -> None:
    stage = speaking().say("", playId="a", streaming=True).send("interrupt")
    assert stage.told() == ["interruption a", "trackEnd a"]
    assert stage.last(Interrupted).subtitle is None


def test_interrupt_of_nothing_is_nothing() -> None:
    assert speaking().send("interrupt").send("interrupt", graceful=True).told() == []


@pytest.mark.covers("interrupt.graceful")
def test_graceful_interrupt_lets_the_text_come_to_its_end() -> None:
    stage = speaking()
    for text in ("One", "Two", "Three"):
        stage.say(text, playId="a", autoHangup=True)
    stage.supply(1, 100).make(1).supply(2, 100)
    stage.play_out(40)
    stage.send("interrupt", graceful=True)
    assert stage.told() == ["trackStart a", "interruption a"]
    assert stage.wanted(DropJob) == [DropJob(2)]
    assert stage.send("interrupt", graceful=True).play_out(200) == 3
    assert stage.told() == ["trackEnd a"]
    assert stage.session.is_connected


@pytest.mark.parametrize("play_id", ["a", "b"])
def test_text_after_a_graceful_interrupt_is_another_track(play_id: str) -> None:
    stage = speaking().say("One", playId="a").supply(1, 100).make(1)
    stage.play_out(40)
    stage.send("interrupt", graceful=True).say("Two", playId=play_id)
    assert stage.told() == ["trackStart a", "interruption a", "trackEnd a"]


def test_graceful_interrupt_may_be_followed_by_one_that_is_not() -> None:
    stage = speaking().say("One", playId="a").supply(1, 100).make(1)
    stage.play_out(40)
    stage.send("interrupt", graceful=True).send("interrupt")
    assert stage.told() == ["trackStart a", "interruption a", "trackEnd a"]


def test_graceful_interrupt_stops_at_once_what_nobody_has_heard() -> None:
    stage = speaking().say("One", playId="a").supply(1, 100)
    stage.send("interrupt", graceful=True)
    assert stage.told() == ["interruption a", "trackEnd a"]


def test_graceful_interrupt_stops_at_once_what_is_paused() -> None:
    stage = speaking().say("One", playId="a").supply(1, 100)
    stage.play_out(40)
    stage.send("pause").send("interrupt", graceful=True)
    assert stage.told()[-1] == "trackEnd a"


def test_graceful_interrupt_stops_a_stream_at_once() -> None:
    stage = speaking().say("One. Two. ", playId="a", streaming=True).supply(1, 100)
    stage.play_out(40)
    stage.send("interrupt", graceful=True)
    assert stage.told() == ["trackStart a", "interruption a", "trackEnd a"]


def test_pause_holds_what_is_played() -> None:
    stage = speaking().say("One", playId="a").supply(1, 100).make(1)
    assert stage.play_out(40) == 2
    stage.send("pause").send("pause")
    assert stage.play_out(100) == 0
    assert stage.session.is_playing
    stage.send("resume").send("resume")
    assert stage.play_out(100) == 3
    assert stage.told() == ["trackStart a", "trackEnd a"]


def test_pause_before_the_first_frame_holds_it() -> None:
    stage = speaking().say("One").supply(1, 100).make(1).send("pause")
    assert stage.play_out(100) == 0
    assert stage.send("resume").play_out(100) == 5


@pytest.mark.parametrize("name", ["pause", "resume"])
def test_pause_and_resume_of_nothing_are_refused(name: str) -> None:
    assert speaking().send(name).told() == ["error command 404"]


def test_failed_text_is_told_and_the_next_is_said() -> None:
    stage = speaking().say("One", playId="a").say("Two", playId="a").break_(1)
    assert stage.told() == ["error tts 500"]
    assert stage.last(Failed).track_id == TRACK
    stage.supply(2, 40).make(2)
    assert stage.play_out(100) == 2
    assert stage.told() == ["trackStart a", "trackEnd a"]


def test_failed_text_is_heard_as_far_as_it_came() -> None:
    stage = speaking().say("One").supply(1, 40).break_(1)
    assert stage.play_out(100) == 2


def test_failed_text_ends_its_track() -> None:
    stage = speaking().say("One", playId="a").break_(1)
    stage.play_out(20)
    assert stage.told() == ["error tts 500", "trackEnd a"]


def test_lost_speech_process_fails_what_runs() -> None:
    stage = Stage().invite(tts={"maxConcurrentTasks": 2})
    stage.say("One", playId="a").say("Two", playId="a").say("Three", playId="a")
    stage.told()
    stage.session.speech_lost(stage.now)
    assert stage.settle().told().count("error tts 503") == 2
    assert texts(stage) == ["One", "Two", "Three"]
    stage.supply(3, 40).make(3).play_out(60)
    assert stage.told() == ["trackStart a", "trackEnd a"]


def test_late_answers_of_jobs_are_ignored() -> None:
    stage = speaking().say("One").send("interrupt")
    stage.told()
    stage.supply(1, 100).make(1).break_(1).make(9).supply(9, 20)
    assert stage.told(with_metrics=True) == []
    assert not stage.session.is_playing


def test_text_with_nothing_to_say_ends_at_once() -> None:
    stage = speaking().say("👍", playId="a", autoHangup=True)
    assert stage.frame() is None
    assert stage.told() == ["trackEnd a", "trackEnd (call)", "hangup"]


def test_audio_that_stops_coming_is_an_underrun_and_the_track_lives() -> None:
    stage = speaking().say("One", playId="a").supply(1, 40)
    assert stage.play_out(100) == 2
    assert stage.session.underruns == 3
    stage.supply(1, 80)
    assert stage.frame() is None
    stage.supply(1, 20)
    assert stage.play_out(100) == 5
    stage.supply(1, 20).make(1)
    assert stage.play_out(40) == 1
    assert stage.told() == ["trackStart a", "trackEnd a"]


def test_audio_that_never_comes_is_an_error() -> None:
    stage = speaking().say("One", playId="a").say("Two", playId="a")
    assert stage.frame() is None
    assert stage.wait(10).told() == ["error tts 504"]
    assert stage.wanted(DropJob) == [DropJob(1)]
    assert texts(stage) == ["One", "Two"]
    stage.supply(1, 40).supply(2, 40).make(2)
    assert stage.play_out(100) == 2


def test_paused_playback_does_not_starve() -> None:
    stage = speaking().say("One")
    assert stage.frame() is None
    assert stage.send("pause").wait(60).told() == []
    stage.send("resume").supply(1, 40).make(1)
    assert stage.play_out(60) == 2


def test_played_audio_is_given_back() -> None:
    stage = speaking().say("One").supply(1, 5_000)
    stage.play_out(2_500)
    assert stage.wanted(CreditJob) == [CreditJob(1, 1_000), CreditJob(1, 1_000)]
    stage.make(1).play_out(2_500)
    assert len(stage.wanted(CreditJob)) == 2


def test_wideband_call_has_frames_of_its_own_rate() -> None:
    stage = speaking(codec="pcm").say("One").supply(1, 40).make(1)
    frame = stage.frame()
    assert frame is not None and len(frame) == 640


@pytest.mark.covers(
    "SynthesisOption.provider",
    "SynthesisOption.speaker",
    "SynthesisOption.volume",
    "SynthesisOption.speed",
    "SynthesisOption.samplerate",
    "SynthesisOption.appId",
    "SynthesisOption.secretId",
    "SynthesisOption.secretKey",
    "SynthesisOption.codec",
    "SynthesisOption.subtitle",
    "SynthesisOption.endpoint",
    "SynthesisOption.extra",
    "SynthesisOption.maxConcurrentTasks",
)
@pytest.mark.parametrize(
    ("name", "value", "attribute"),
    [
        ("provider", "embedded", "provider"),
        ("speaker", "slt", "speaker"),
        ("volume", 7, "volume"),
        ("speed", 1.5, "speed"),
        ("samplerate", 8_000, "samplerate"),
        ("appId", "1", "app_id"),
        ("secretId", "2", "secret_id"),
        ("secretKey", "3", "secret_key"),
        ("codec", "pcm", "codec"),
        ("subtitle", True, "subtitle"),
        ("endpoint", "https://tts.example/", "endpoint"),
        ("extra", {"a": "b"}, "extra"),
        ("emotion", "neutral", "emotion"),
        ("maxConcurrentTasks", 3, "max_concurrent_tasks"),
    ],
)
@pytest.mark.parametrize("is_commands", [False, True])
def test_option_reaches_the_voice(
    name: str, value: object, attribute: str, is_commands: bool
) -> None:
    elsewhere = {"provider": "deepgram"} if name == "endpoint" else {}
    option = {name: value, **elsewhere}
    stage = Stage().invite(tts={} if is_commands else option)
    stage.say("Hello", **({"option": option} if is_commands else {}))
    (asked,) = stage.wanted(SayText)
    assert getattr(asked.option, attribute) == value


def test_text_may_have_a_name_in_the_cache() -> None:
    stage = speaking().say("Hello", cacheKey="greeting").say("there")
    stage.make(1)
    assert [job.cache_key for job in stage.wanted(SayText)] == ["greeting", None]


def test_commands_option_may_allow_more_at_once() -> None:
    stage = speaking()
    for number in range(3):
        stage.say(f"Text {number}", option={"maxConcurrentTasks": 2})
    assert len(texts(stage)) == 2


def test_replacement_is_told_in_order() -> None:
    stage = speaking().say("One", playId="a").supply(1, 100).make(1)
    stage.play_out(40)
    stage.say("Two", playId="b").supply(2, 40).make(2).play_out(60)
    assert stage.told() == [
        "trackStart a",
        "interruption a",
        "trackEnd a",
        "trackStart b",
        "trackEnd b",
    ]
    times = [event.timestamp for event in stage.all(TrackEnded)]
    assert times == sorted(times)


# Streams


@pytest.mark.covers("tts.streaming", "tts.endOfStream", "note TTS streams")
def test_stream_is_said_sentence_by_sentence() -> None:
    stage = speaking()
    for fragment in ("Hel", "lo there.", " How", " are you? I", " am fine"):
        stage.say(fragment, playId="a", streaming=True)
    assert texts(stage) == ["Hello there."]
    stage.supply(1, 20).make(1)
    assert texts(stage) == ["Hello there.", "How are you?"]
    stage.make(2).say("", playId="a", streaming=True, endOfStream=True)
    assert texts(stage)[2:] == ["I am fine"]
    stage.supply(3, 20).make(3)
    assert stage.play_out(80) == 2
    assert stage.told() == ["trackStart a", "trackEnd a"]


def test_open_stream_lives_while_it_has_nothing_to_say() -> None:
    stage = speaking().say("One. ", playId="a", streaming=True).supply(1, 40).make(1)
    assert stage.play_out(200) == 2
    assert stage.session.is_playing
    stage.say("Two.", playId="a", streaming=True, endOfStream=True)
    stage.supply(2, 40).make(2)
    assert stage.play_out(200) == 2
    assert stage.told() == ["trackStart a", "trackEnd a"]


def test_stream_that_is_never_ended_is_ended() -> None:
    stage = speaking().say("One. ", playId="a", streaming=True).supply(1, 40).make(1)
    stage.play_out(200)
    stage.told()
    assert stage.wait(10).told() == ["error tts 408"]
    stage.frame()
    assert stage.told() == ["trackEnd a"]


def test_paused_stream_does_not_idle() -> None:
    stage = speaking().say("", playId="a", streaming=True)
    stage.frame()
    assert stage.send("pause").wait(60).told() == []


def test_unfinished_sentence_is_said_after_a_while() -> None:
    stage = speaking().say("Hello there", streaming=True)
    assert texts(stage) == []
    assert texts(stage.wait(0.4)) == ["Hello there"]


def test_sentence_that_looks_finished_is_said_sooner() -> None:
    stage = speaking().say("Hello there.", streaming=True)
    assert texts(stage) == []
    assert texts(stage.wait(0.1)) == ["Hello there."]


def test_unfinished_sentence_waits_while_others_are_heard() -> None:
    stage = speaking().say("One. And", streaming=True).supply(1, 1_000).make(1)
    assert texts(stage.wait(5)) == ["One."]
    stage.play_out(1_020)
    assert texts(stage.wait(1)) == ["One.", "And"]


def test_fragment_after_the_end_of_its_stream_is_refused() -> None:
    stage = speaking().say("One.", playId="a", streaming=True, endOfStream=True)
    stage.told()
    stage.say("Two.", playId="a", streaming=True)
    assert stage.told() == ["error command 409"]
    assert texts(stage) == ["One."]


def test_whole_text_ends_a_stream_or_follows_it() -> None:
    stage = speaking().say("And", playId="a", streaming=True).say("whole", playId="a")
    assert texts(stage.make(1)) == ["And", "whole"]
    stage.say("", playId="a", endOfStream=True).make(2).play_out(20)
    assert stage.told()[-1] == "trackEnd a"


def test_stream_may_change_its_voice() -> None:
    stage = speaking().say("One", streaming=True, speaker="a")
    stage.say("Two.", streaming=True, speaker="b", endOfStream=True).make(1)
    assert [(job.text, job.option.speaker) for job in stage.wanted(SayText)] == [
        ("One", "a"),
        ("Two.", "b"),
    ]


def test_mere_end_of_an_interrupted_stream_is_nothing() -> None:
    stage = speaking().say("One. ", playId="a", streaming=True).send("interrupt")
    stage.told()
    stage.say("", playId="a", streaming=True, endOfStream=True)
    assert not stage.session.is_playing
    stage.say("Two", playId="b")
    stage.say("", playId="a", streaming=True, endOfStream=True)
    assert stage.told() == []
    assert texts(stage)[-1] == "Two"


def test_stream_that_is_heard_does_not_idle() -> None:
    stage = speaking().say("One long sentence", streaming=True)
    stage.frame()
    stage.wait(0.4).supply(1, 15_000).make(1).play_out(1_000)
    assert stage.wait(12).told() == ["trackStart"]


def test_mere_end_of_what_has_ended_is_nothing_unless_it_hangs_up() -> None:
    stage = speaking().say("Bye", playId="a").supply(1, 40).make(1)
    stage.play_out(60)
    stage.told()
    stage.say("", playId="a", endOfStream=True)
    assert not stage.session.is_playing
    stage.say("", playId="a", endOfStream=True, autoHangup=True).frame()
    assert stage.told() == ["trackEnd a", "trackEnd (call)", "hangup"]


def test_mere_end_of_what_was_stopped_hangs_up_nothing() -> None:
    stage = speaking().say("Bye", playId="a", streaming=True).send("interrupt")
    stage.say("", playId="a", streaming=True, endOfStream=True, autoHangup=True)
    assert not stage.session.is_playing
    for number in range(40):
        stage.say("x", playId=str(number))
    stage.send("interrupt").say("", playId="a", endOfStream=True)
    assert stage.session.is_playing


def test_stream_without_any_text_ends() -> None:
    stage = speaking().say("", playId="a", streaming=True, endOfStream=True)
    assert stage.frame() is None
    assert stage.told() == ["trackEnd a"]


def test_end_of_stream_may_come_with_a_whole_text() -> None:
    stage = speaking().say("One", playId="a", endOfStream=True).supply(1, 40).make(1)
    assert stage.say("Two", playId="a").supply(2, 40).make(2).play_out(200) == 4
    assert stage.told() == ["trackStart a", "trackEnd a"]


# Audio of the application's own


@pytest.mark.covers("tts.base64")
def test_given_audio_is_brought_to_the_calls_rate() -> None:
    stage = Stage().invite()
    stage.say(pcm(1_000), base64=True, playId="a")
    frames = [stage.frame() for _ in range(52)]
    played = b"".join(frame for frame in frames if frame is not None)
    assert len(played) == 2 * 8_000
    samples = np.frombuffer(played, "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.argmax(spectrum) == 440
    assert stage.told()[2:] == ["trackStart a", "trackEnd a"]


def test_given_audio_at_the_calls_rate_is_played_as_it_is() -> None:
    stage = Stage(codec="pcm").invite()
    audio = pcm(100)
    stage.say(audio, base64=True)
    played = b"".join(stage.frame() or b"" for _ in range(5))
    assert played == base64.b64decode(audio)


@pytest.mark.covers("SynthesisOption.samplerate")
def test_given_audio_may_name_its_rate_and_have_a_header() -> None:
    stage = Stage().invite()
    wav = b"RIFF" + bytes(40) + base64.b64decode(pcm(60, 8_000)) + b"x"
    text = base64.b64encode(wav).decode()
    stage.say(text, base64=True, option={"samplerate": 8_000})
    played = b"".join(stage.frame() or b"" for _ in range(4))
    assert played == base64.b64decode(pcm(60, 8_000))


def test_given_audio_follows_a_stream_without_a_gap() -> None:
    stage = Stage(codec="pcm").invite()
    audio = base64.b64decode(pcm(100))
    for piece in (audio[:700], audio[700:1_700], audio[1_700:]):
        text = base64.b64encode(piece).decode()
        stage.say(text, base64=True, playId="a", streaming=True)
    assert b"".join(stage.frame() or b"" for _ in range(5)) == audio


def test_given_audio_counts_in_an_interruption() -> None:
    stage = Stage().invite().say(pcm(1_000), base64=True, playId="a")
    stage.play_out(400)
    stage.send("interrupt")
    told = stage.last(Interrupted)
    assert told.subtitle == ""
    assert (told.total_duration, told.current) == (1_000, 400)


def test_too_much_given_audio_is_refused() -> None:
    stage = Stage(rules=Rules(most_given_bytes=8_000)).invite()
    stage.told()
    assert stage.say(pcm(200), base64=True).told() == []
    assert stage.say(pcm(200), base64=True).told() == ["error tts 429"]
    assert stage.play_out(400) == 10


def test_too_many_texts_are_refused() -> None:
    stage = speaking(Rules(most_passages=2)).say("One").say("Two").say("Three")
    assert stage.told() == ["error tts 429"]
    stage.make(1).make(2)
    assert texts(stage) == ["One", "Two"]


# After the end


@pytest.mark.covers("tts.autoHangup", "note autoHangup")
def test_auto_hangup_ends_the_call_after_that_very_track() -> None:
    stage = speaking().say("Bye", playId="a", autoHangup=True).supply(1, 40).make(1)
    stage.play_out(60)
    assert stage.told() == [
        "trackStart a",
        "trackEnd a",
        "trackEnd (call)",
        "hangup",
    ]
    hangup = stage.last(HungUp)
    assert (hangup.reason, hangup.initiator) == ("autohangup", "system")


def test_auto_hangup_stays_for_texts_of_the_same_play_id() -> None:
    stage = speaking().say("Bye", playId="a", autoHangup=True).say("!a", playId="a")
    stage.supply(1, 40).make(1).supply(2, 40).make(2).play_out(100)
    assert stage.session.is_over


@pytest.mark.parametrize("replaced_by", ["interrupt", "tts", "play"])
def test_auto_hangup_is_forgotten_with_its_track(replaced_by: str) -> None:
    stage = speaking().say("Bye", playId="a", autoHangup=True).supply(1, 40).make(1)
    if replaced_by == "interrupt":
        stage.send("interrupt")
    elif replaced_by == "tts":
        stage.say("Wait", playId="b").supply(2, 40).make(2)
    else:
        stage.send("play", url="http://a/b.wav").supply(2, 40).make(2)
    stage.play_out(200)
    assert stage.session.is_connected


@pytest.mark.covers("tts.waitInputTimeout", "event.silence.duration")
@pytest.mark.parametrize(("timeout", "seconds"), [(3, 3.0), (1_500, 1.5)])
def test_nobody_answering_is_told_as_silence(timeout: int, seconds: float) -> None:
    stage = speaking().say("Well?", waitInputTimeout=timeout).supply(1, 40).make(1)
    stage.play_out(60)
    stage.told()
    ended_at_ms = stage.last(TrackEnded).timestamp
    assert stage.wait(seconds - 0.1).told() == []
    assert stage.wait(0.1).told() == ["silence"]
    silence = stage.last(Silence)
    assert silence.track_id == TRACK
    assert silence.start_time == ended_at_ms
    assert silence.duration == seconds * 1_000
    assert stage.wait(60).told() == []


def asking() -> Stage:
    """A call in which an answer is waited for."""
    stage = Stage().invite(tts={}, vad={}, asr={})
    stage.say("Well?", waitInputTimeout=3).supply(1, 40).make(1).play_out(60)
    assert stage.session.timer() is not None
    return stage


def test_answer_by_voice_ends_the_wait() -> None:
    assert asking().hear(256).session.timer() is None


@pytest.mark.parametrize("is_final", [False, True])
def test_answer_in_words_ends_the_wait(is_final: bool) -> None:
    stage = asking()
    stage.hear(640).hush(320)
    stage.send("interrupt").say("And?", waitInputTimeout=3).supply(2, 40).make(2)
    stage.play_out(60)
    assert stage.session.timer() is not None
    stage.answer("yes", is_final=is_final)
    stage.told()
    assert "silence" not in stage.wait(5).told()


def test_answer_by_key_ends_the_wait() -> None:
    stage = asking()
    stage.session.press("1", stage.now)
    assert stage.session.timer() is None


def test_next_playback_ends_the_wait() -> None:
    stage = asking().say("Hello?")
    assert stage.session.timer() is None
    stage.supply(2, 40).make(2).play_out(60)
    assert stage.session.timer() is None


def test_no_wait_while_the_caller_speaks() -> None:
    stage = Stage().invite(tts={}, vad={}).say("Well?", waitInputTimeout=3)
    stage.supply(1, 40).make(1).hear(320).play_out(60)
    assert stage.session.timer() is None


def test_no_wait_after_an_interruption() -> None:
    stage = speaking().say("Well?", waitInputTimeout=3).supply(1, 40)
    stage.play_out(40)
    assert stage.send("interrupt").session.timer() is None


def test_zero_is_no_wait() -> None:
    stage = speaking().say("Well?", waitInputTimeout=0).supply(1, 40).make(1)
    stage.play_out(60)
    assert stage.session.timer() is None


def test_track_starts_when_its_first_frame_goes_out() -> None:
    stage = speaking().say("One", playId="a").supply(1, 40)
    stage.now = 105.0
    stage.frame()
    assert stage.last(TrackStarted).timestamp == EPOCH_MS + 105_000

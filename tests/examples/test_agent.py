"""What the example agent decides, and the recorded person that it talks with."""

import array
import asyncio
import wave
from pathlib import Path

import pytest

from examples.agent.__main__ import LINES, _Fields, tell
from examples.agent.agent import (
    ACCEPT,
    GOODBYE,
    GREETING,
    INVITE,
    RINGING,
    Agent,
    Command,
    repeat,
)
from examples.agent.person import (
    BREATH_FRAMES,
    FRAME_BYTES,
    PATIENCE_FRAMES,
    PAUSE_FRAMES,
    RATE,
    SHORTEST_FRAMES,
    SILENCE,
    Recording,
    frames_of,
    utterances,
)
from examples.agent.tape import Tape

LOUD = array.array("h", [9_000, -9_000] * (FRAME_BYTES // 4)).tobytes()
SPOKEN = [LOUD] * SHORTEST_FRAMES
PAUSE = [SILENCE] * PAUSE_FRAMES


def wav(
    path: Path, frames: list[bytes], *, rate: int = RATE, channels: int = 1
) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(frames))
    return path


def said(commands: list[Command]) -> list[tuple[str, str]]:
    return [(c["playId"], c["text"]) for c in commands if c["command"] == "tts"]


def started(play_id: str) -> dict[str, str]:
    return {"event": "trackStart", "playId": play_id}


def ended(play_id: str) -> dict[str, str]:
    return {"event": "trackEnd", "playId": play_id}


def final(text: str) -> dict[str, str]:
    return {"event": "asrFinal", "text": text}


SPEAKING = {"event": "speaking"}


def test_greet_when_the_call_is_answered() -> None:
    (greeting,) = Agent().hear({"event": "answer"})
    assert said([greeting]) == [("greeting", GREETING)]
    assert not greeting["autoHangup"]


def test_take_a_call_that_comes_with_the_option_of_its_own() -> None:
    assert Agent().hear({"event": "incoming"}) == [RINGING, ACCEPT]
    assert {"codec": "pcm", **ACCEPT["option"]} == INVITE["option"]


def test_tell_the_keys_that_are_pressed() -> None:
    agent = Agent(turns=0)
    pressed = [agent.hear({"event": "dtmf", "digit": key}) for key in "5#"]
    assert [said(commands) for commands in pressed] == [
        [("key-1", "You pressed 5.")],
        [("key-2", "You pressed hash.")],
    ]
    agent.hear(final("that is all"))
    assert agent.hear({"event": "dtmf", "digit": "5"}) == []


def test_answer_what_was_heard_and_keep_both_in_the_history() -> None:
    agent = Agent(think=str.upper)
    user, bot, speech = agent.hear(final("good day"))
    assert (user["speaker"], user["text"]) == ("user", "good day")
    assert (bot["speaker"], bot["text"]) == ("bot", "GOOD DAY")
    assert said([speech]) == [("answer-1", "GOOD DAY")]
    assert said(agent.hear(final("again"))) == [("answer-2", "AGAIN")]


def test_interrupt_itself_only_while_it_is_heard() -> None:
    agent = Agent()
    assert agent.hear(SPEAKING) == []
    agent.hear(started("greeting"))
    assert agent.hear(SPEAKING) == [{"command": "interrupt"}]
    agent.hear(ended("greeting"))
    assert agent.hear(SPEAKING) == []
    assert agent.interruptions == 1


def test_keep_what_plays_when_the_one_before_it_ends_late() -> None:
    agent = Agent()
    agent.hear(started("answer-2"))
    agent.hear(ended("answer-1"))
    assert agent.hear(SPEAKING) == [{"command": "interrupt"}]


def test_know_the_caller_s_track_from_its_own() -> None:
    agent = Agent()
    agent.hear({"event": "trackStart", "trackId": "s1"})
    assert agent.hear(SPEAKING) == []
    assert agent.hear({"event": "an event of tomorrow"}) == []


def test_say_goodbye_after_its_turns_and_hear_nothing_more() -> None:
    agent = Agent(turns=1)
    agent.hear(final("one"))
    (goodbye,) = agent.hear(final("two"))
    assert said([goodbye]) == [("goodbye", GOODBYE)]
    assert goodbye["autoHangup"]
    agent.hear(started("goodbye"))
    assert agent.hear(SPEAKING) == []
    assert agent.hear(final("three")) == []


def test_repeat_what_was_said() -> None:
    assert repeat("one two") == "I heard 2 words. You said: one two"


def test_read_a_recording_in_frames(tmp_path: Path) -> None:
    assert frames_of(wav(tmp_path / "a.wav", [LOUD, SILENCE, b"\1\0"])) == [
        LOUD,
        SILENCE,
    ]


def test_take_a_recording_down_to_its_own_rate(tmp_path: Path) -> None:
    loud = array.array("h", [900, 0, 300] * (FRAME_BYTES // 2)).tobytes()
    path = wav(tmp_path / "a.wav", [loud], rate=3 * RATE)
    assert frames_of(path) == [array.array("h", [400] * (FRAME_BYTES // 2)).tobytes()]


@pytest.mark.parametrize(
    ("rate", "channels", "complaint"),
    [(22_050, 1, "of 16000 Hz"), (RATE, 2, "of one channel")],
)
def test_refuse_a_recording_of_another_form(
    tmp_path: Path, rate: int, channels: int, complaint: str
) -> None:
    path = wav(tmp_path / "a.wav", [LOUD], rate=rate, channels=channels)
    with pytest.raises(ValueError, match=complaint):
        frames_of(path)


def test_part_a_recording_at_its_pauses() -> None:
    parts = utterances([*SPOKEN, *PAUSE, *SPOKEN, *PAUSE, *PAUSE])
    assert parts == [[SILENCE] * 5 + SPOKEN + PAUSE] * 2


def test_let_what_is_too_short_join_the_next() -> None:
    (whole,) = utterances([LOUD, *PAUSE, *SPOKEN])
    assert whole == [*[SILENCE] * 5, LOUD, *PAUSE, *SPOKEN]


@pytest.fixture
def person(tmp_path: Path) -> Recording:
    return Recording(wav(tmp_path / "a.wav", [*SPOKEN, *PAUSE, *SPOKEN]))


def listen(person: Recording, frames: int) -> list[bytes]:
    return [person.next_frame() for _ in range(frames)]


def test_speak_a_breath_after_the_agent(person: Recording) -> None:
    assert set(listen(person, 100)) == {SILENCE}
    person.notice(started("greeting"))
    assert set(listen(person, PATIENCE_FRAMES + 10)) == {SILENCE}
    person.notice(ended("greeting"))
    assert set(listen(person, BREATH_FRAMES + 5)) == {SILENCE}
    assert listen(person, SHORTEST_FRAMES) == SPOKEN
    assert set(listen(person, 100)) == {SILENCE}
    assert person.said == 1


def test_cut_in_on_every_other_answer(person: Recording) -> None:
    for play_id in ("greeting", "answer-1"):
        person.notice(started(play_id))
    assert set(listen(person, PATIENCE_FRAMES + 5)) == {SILENCE}
    assert listen(person, 1) == [LOUD]
    person.notice(ended("answer-1"))
    assert person.said == 1


def test_say_nothing_when_all_was_said(person: Recording) -> None:
    for turn in range(3):
        person.notice(started(f"answer-{turn}"))
        person.notice(ended(f"answer-{turn}"))
        listen(person, 200)
    assert person.said == 2
    assert set(listen(person, 100)) == {SILENCE}


def test_say_a_frame_at_a_time(person: Recording) -> None:
    async def first() -> bytes:
        person.hear(LOUD)
        async for frame in person.frames():
            return frame
        raise AssertionError("it never ends")

    assert asyncio.run(first()) == SILENCE


def test_tape_both_sides_at_the_time_they_were_heard(tmp_path: Path) -> None:
    tape = Tape()
    tape.person(LOUD)
    tape.person(SILENCE)
    tape.agent(LOUD)
    assert tape.agent_audio == 2 * SILENCE + LOUD
    tape.save(tmp_path / "both.wav")
    with wave.open(str(tmp_path / "both.wav")) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, RATE)
        both = array.array("h", file.readframes(file.getnframes()))
    left, right = both[0::2].tobytes(), both[1::2].tobytes()
    assert left == LOUD + 2 * SILENCE
    assert right == 2 * SILENCE + LOUD


def test_tell_the_talk_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    tell(final("good day"))
    tell({"event": "interruption", "current": 40})
    tell({"event": "ping"})
    assert capsys.readouterr().out == (
        "person: good day\n    (the agent is interrupted at 40 ms: -)\n"
    )
    assert all(line.format_map(_Fields()) for line in LINES.values())

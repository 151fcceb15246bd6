"""Whatever is asked of a session, in whatever order and at whatever time."""

from collections import Counter
from dataclasses import replace
from typing import Any, get_args

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from chalicelib.protocol.session.codec import (
    MalformedCommand,
    as_text,
    parse_event,
    render_event,
)
from chalicelib.protocol.session.commands import (
    Accept,
    AddIceCandidate,
    Bridge,
    Command,
    Custom,
    Hangup,
    History,
    Interrupt,
    Invite,
    Mute,
    Pause,
    Play,
    Reject,
    Resume,
    Ring,
    SendDigits,
    Tts,
    Unbridge,
    Unmute,
)
from chalicelib.protocol.session.events import (
    Answered,
    AsrFinal,
    Event,
    Failed,
    HungUp,
    Incoming,
    Interrupted,
    TrackEnded,
    TrackStarted,
)
from chalicelib.protocol.session.options import CallOption
from chalicelib.protocol.session.speech import (
    EouOption,
    SynthesisOption,
    TranscriptionOption,
    VadOption,
)
from chalicelib.protocol.session.vocabulary import CallType, Codec
from mediaworker.session import legs
from mediaworker.session.effects import (
    AskText,
    Close,
    Connect,
    CreditJob,
    DropJob,
    Effect,
    FetchFile,
    Report,
    SayText,
)
from mediaworker.session.legs import DropLeg, LegEvent
from mediaworker.speech.replies import Beep, Broken, Judged, Made, Misheard, Text
from tests.protocol.session.strategies import UNICODE, records_of
from tests.worker.session.stage import SESSION_ID, TRACK, WINDOW_MS, Stage

jobs = st.integers(0, 6)
play_ids = st.sampled_from([None, "a", "b"])
words = st.sampled_from(["", "Hello. ", "One two. Three", "👍", "x" * 300])

options = st.builds(
    CallOption,
    codec=st.sampled_from([None, Codec.PCMU, Codec.PCM]),
    offer=st.sampled_from([None, "offer", "offer", "offer"]),
    callee=st.sampled_from([None, "bob", "bob", "bob"]),
    vad=st.none()
    | st.builds(
        VadOption,
        speech_padding=st.sampled_from([0, 100, 250]),
        silence_padding=st.sampled_from([0, 100]),
        silence_timeout=st.sampled_from([None, 0, 1, 500]),
        max_buffer_duration_secs=st.sampled_from([0, 1, 50]),
    ),
    asr=st.none() | st.builds(TranscriptionOption, start_when_answer=st.booleans()),
    tts=st.none() | st.just(SynthesisOption(max_concurrent_tasks=2)),
    inactivity_timeout=st.sampled_from([None, None, 0, 30]),
    eou=st.none() | st.builds(EouOption, timeout=st.sampled_from([None, 0, 1, 900])),
    extra=st.sampled_from([None, {"answerMachineDetection": True}]),
)
said = st.builds(
    Tts,
    text=words,
    play_id=play_ids,
    auto_hangup=st.sampled_from([False] * 9 + [True]),
    streaming=st.booleans(),
    end_of_stream=st.booleans(),
    wait_input_timeout=st.sampled_from([None, 0, 0.001, 2]),
) | st.just(Tts("AAAA" * 600, base64=True, play_id="a"))
played = st.builds(Play, url=st.just("http://a/b"), play_id=play_ids)
ordinary = st.one_of(
    said,
    said,
    said,
    played,
    st.builds(
        Interrupt,
        graceful=st.booleans(),
        fade_out_ms=st.none() | st.integers(0, 200),
    ),
    st.just(Pause()),
    st.just(Resume()),
    st.builds(Mute, track_id=st.sampled_from([None, TRACK, SESSION_ID, "x"])),
    st.builds(Unmute, track_id=st.sampled_from([None, TRACK, SESSION_ID, "x"])),
    st.just(History("a", "b")),
    st.just(Custom(1)),
    st.builds(Invite, option=options),
)
of_legs = st.one_of(
    st.builds(Accept, option=options),
    st.builds(
        Ring, early_media=st.booleans(), ringtone=st.none() | st.just("http://t")
    ),
    st.builds(AddIceCandidate, candidate=st.text(UNICODE, max_size=4)),
    st.just(SendDigits("12#d")),
    st.builds(Bridge, target_session_id=st.sampled_from(["s2", SESSION_ID])),
    st.builds(Unbridge, target_session_id=st.sampled_from(["s2", SESSION_ID])),
)
"""More of them, where something else than the socket carries the audio."""
headers = st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2)
happenings: st.SearchStrategy[LegEvent] = st.one_of(
    st.builds(legs.CallCame, st.text(), st.text(), st.text(), headers),
    st.builds(legs.Rang, st.booleans()),
    st.builds(legs.MediaAgreed, st.sampled_from(Codec), st.booleans()),
    st.builds(legs.MediaAgreed, st.sampled_from(Codec), st.booleans()),
    st.builds(legs.Answered, st.text()),
    st.builds(legs.Answered, st.text()),
    st.just(legs.MediaArrived()),
    st.builds(legs.CandidateGathered, st.text(), st.text(), st.integers(0, 9)),
    st.builds(legs.KeyPressed, st.sampled_from(["1", "a", "x", "", "12"])),
    st.builds(legs.HoldChanged, st.booleans()),
    st.builds(legs.LegTrouble, st.text(), st.integers(100, 699)),
)
endings: st.SearchStrategy[LegEvent] = st.one_of(
    st.builds(legs.Declined, st.integers(300, 699), st.text()),
    st.builds(legs.LegEnded, st.text(), st.text(), headers),
    st.builds(legs.LegLost, st.text()),
)


class SessionMachine(RuleBasedStateMachine):
    """One session under everything; time runs, stands still and goes back."""

    call_type = CallType.WEBSOCKET
    listen = ""
    comes = False
    """The call does, instead of being asked for."""

    @initialize(option=options, progress=st.sampled_from([0, 1, 2, 3, 4, 4, 4]))
    def open(self, option: CallOption, progress: int) -> None:
        self.stage = Stage(self.call_type, ping="20", listen=self.listen)
        self.checked = 0
        self.steps = 0
        asked = replace(option, offer="offer", callee="bob")
        beginning: list[Command | LegEvent] = [
            Ring(ringtone="http://t") if self.comes else Mute(),
            Accept(option) if self.comes else Invite(asked),
            legs.MediaAgreed(Codec.PCMA, has_keys=True),
            legs.Answered("v=0"),
        ]
        if self.comes:
            self.stage.tell(legs.CallCame("a", "b", ""))
        for step in beginning[:progress]:
            if isinstance(step, LegEvent):
                self.stage.tell(step)
            else:
                self.stage.receive(step)

    @rule(command=ordinary)
    def ask(self, command: Command) -> None:
        errors = len(self.stage.all(Failed))
        was_live = self.stage.session.is_connected
        self.stage.receive(command)
        is_simple = self.call_type is CallType.WEBSOCKET
        if is_simple and not was_live and not isinstance(command, Invite):
            is_over = self.stage.session.is_over
            assert len(self.stage.all(Failed)) == errors + (not is_over)

    @rule(seconds=st.sampled_from([-1.0, 0.0, 0.001, 0.02, 0.5, 0.5, 11.0, 61.0]))
    def pass_time(self, seconds: float) -> None:
        self.stage.now = max(0.0, self.stage.now + seconds)
        session, now = self.stage.session, self.stage.now
        for _ in range(20):
            at = session.timer()
            if at is None or at > now:
                break
            session.handle_timer(now)
        at = session.timer()
        assert at is None or at > now
        self.stage.settle()

    @rule(
        windows=st.integers(1, 25),
        probability=st.sampled_from([0.0, 0.4, 0.5, 1.0]),
        step_ms=st.sampled_from([0, 10, WINDOW_MS, 1_000]),
    )
    def hear(self, windows: int, probability: float, step_ms: int) -> None:
        for _ in range(windows):
            self.stage.heard_ms += step_ms
            self.stage.now += step_ms / 1_000
            self.stage.session.hear(probability, self.stage.heard_ms, self.stage.now)
        self.stage.settle()

    @rule(frames=st.integers(1, 30))
    def play(self, frames: int) -> None:
        for _ in range(frames):
            frame = self.stage.frame()
            if frame is not None:
                assert len(frame) == self.stage.session.rate // 25
                assert self.stage.wanted(Connect)

    @rule(job=jobs, ms=st.sampled_from([0, 7, 20, 200, 3_000]))
    def supply(self, job: int, ms: int) -> None:
        self.stage.supply(job, ms)

    @rule(job=jobs)
    def make(self, job: int) -> None:
        self.stage.make(job)

    @rule(job=jobs)
    def break_(self, job: int) -> None:
        self.stage.break_(job)

    @rule(
        utterance=st.integers(0, 5),
        text=st.sampled_from(["", "hi", "there"]),
        is_final=st.booleans(),
    )
    def answer(self, utterance: int, text: str, is_final: bool) -> None:
        self.stage.answer(text, utterance, is_final=is_final)

    @rule(number=st.integers(0, 3), probability=st.none() | st.floats(0, 1))
    def judge(self, number: int, probability: float | None) -> None:
        judged = Judged(1, number, probability, 40)
        self.stage.session.speech_told(judged, self.stage.now)
        self.stage.settle()

    @rule(from_ms=st.integers(0, 9_000))
    def beep(self, from_ms: int) -> None:
        self.stage.session.speech_told(Beep(1, from_ms, from_ms + 180), self.stage.now)
        self.stage.settle()

    @rule(utterance=st.integers(0, 5))
    def mishear(self, utterance: int) -> None:
        self.stage.mishear(utterance)

    @rule()
    def lose_speech(self) -> None:
        self.stage.session.speech_lost(self.stage.now)
        self.stage.settle()

    @rule(digit=st.sampled_from(["1", "#", "x", ""]))
    def press(self, digit: str) -> None:
        self.stage.session.press(digit, self.stage.now)
        self.stage.settle()

    @rule(command=of_legs)
    def ask_of_its_leg(self, command: Command) -> None:
        is_fatal = isinstance(command, Accept) and not self.comes
        if not is_fatal or self.steps > 25:
            self.stage.receive(command)

    @precondition(lambda self: self.call_type is not CallType.WEBSOCKET)
    @rule(event=happenings)
    def hear_of_its_leg(self, event: LegEvent) -> None:
        self.stage.tell(event)

    @precondition(lambda self: self.steps > 25)
    @rule(event=endings)
    def hear_of_its_leg_s_end(self, event: LegEvent) -> None:
        self.stage.tell(event)

    @rule(other=st.sampled_from(["s2", "s3"]), is_joined=st.booleans())
    def bridge(self, other: str, is_joined: bool) -> None:
        session = self.stage.session
        tell = session.joined if is_joined else session.parted
        tell(other, self.stage.now)
        self.stage.settle()

    @precondition(lambda self: self.steps > 25)
    @rule(
        command=st.sampled_from(
            [
                Hangup(),
                Hangup("x", "caller", {"X-A": "1"}),
                Reject("no"),
                Accept(CallOption()),
            ]
        )
    )
    def hang_up(self, command: Command) -> None:
        self.stage.receive(command)

    @precondition(lambda self: self.steps > 25)
    @rule()
    def end(self) -> None:
        self.stage.session.end("failed", "system", self.stage.now, "gone", 500)
        self.stage.settle()

    @invariant()
    def tells_nothing_wrong(self) -> None:
        if not hasattr(self, "stage"):
            return
        self.steps += 1
        for event in self.stage.events[self.checked :]:
            assert parse_event(render_event(event)) == event
        self.checked = len(self.stage.events)
        check(self.stage)

    def teardown(self) -> None:
        if hasattr(self, "stage"):
            stage = self.stage
            stage.session.end("x", "y", stage.now)
            check(stage.settle())
            assert stage.session.is_over
            assert [type(event) for event in stage.events].count(HungUp) == 1


def check(stage: Stage) -> None:
    """The promises that every story keeps."""
    check_end(stage)
    check_calls_track(stage.events)
    check_beginning(stage.events)
    check_leg(stage)
    check_playbacks(stage.events)
    check_effects(stage.effects, is_over=stage.session.is_over)
    indexes = [final.index for final in stage.all(AsrFinal)]
    assert indexes == list(range(1, len(indexes) + 1))
    stamps = [getattr(event, "timestamp", 0) for event in stage.events]
    assert stamps == sorted(stamps)


def check_end(stage: Stage) -> None:
    hangups = [n for n, event in enumerate(stage.events) if isinstance(event, HungUp)]
    if stage.session.is_over:
        assert hangups == [len(stage.events) - 1]
        assert isinstance(stage.effects[-1], Close)
        assert stage.session.timer() is None
        assert not stage.session.is_playing
    else:
        assert hangups == []
        assert stage.wanted(Close) == []


def check_calls_track(events: list[Event]) -> None:
    names = [
        type(event).event
        for event in events
        if isinstance(event, TrackStarted | TrackEnded | HungUp)
        and event.track_id == SESSION_ID
    ]
    story = ["trackStart", "trackEnd", "hangup"]
    assert names in (story[:0], story[:1], story, ["hangup"])


def check_beginning(events: list[Event]) -> None:
    """A call comes once, before all else of it; its track starts before its answer."""
    kinds = [type(event) for event in events]
    assert kinds.count(Answered) <= 1 and kinds.count(Incoming) <= 1
    if Answered in kinds:
        assert TrackStarted in kinds[: kinds.index(Answered)]
    if Incoming in kinds and TrackStarted in kinds:
        assert kinds.index(Incoming) < kinds.index(TrackStarted)


def check_leg(stage: Stage) -> None:
    """It is asked for one call at most, and dropped once, last of all."""
    asked = stage.leg_was_asked()
    beginnings = (legs.AnswerOffer, legs.PlaceCall, legs.TakeCall, legs.DeclineCall)
    assert sum(isinstance(effect, beginnings) for effect in asked) <= 1
    drops = [effect for effect in asked if isinstance(effect, DropLeg)]
    has_leg = stage.call_type is not CallType.WEBSOCKET
    if not has_leg:
        assert asked == []
    elif stage.session.is_over:
        assert len(drops) == 1 and stage.effects[-2] is drops[0]
    else:
        assert drops == []


def check_playbacks(events: list[Event]) -> None:
    """A track starts at most once, and ends once; another starts only then."""
    open_id: Any = TRACK
    is_open = False
    for event in events:
        if getattr(event, "track_id", None) != TRACK:
            if isinstance(event, TrackEnded):
                assert not is_open
        elif isinstance(event, TrackStarted):
            assert not is_open
            is_open, open_id = True, event.play_id
        elif isinstance(event, Interrupted) and is_open:
            assert event.play_id == open_id
            assert event.current <= event.total_duration
        elif isinstance(event, TrackEnded):
            assert not is_open or event.play_id == open_id
            is_open = False


def check_effects(effects: list[Effect], *, is_over: bool) -> None:
    counts = Counter(type(effect) for effect in effects)
    assert counts[Connect] <= 1
    assert counts[Report] <= 2
    begun = [e.job for e in effects if isinstance(e, SayText | FetchFile)]
    assert begun == list(range(1, len(begun) + 1))
    dropped = [effect.job for effect in effects if isinstance(effect, DropJob)]
    assert len(set(dropped)) == len(dropped)
    assert set(dropped) <= set(begun)
    for place, effect in enumerate(effects):
        if isinstance(effect, CreditJob):
            assert DropJob(effect.job) not in effects[:place]
        if isinstance(effect, AskText):
            assert 0 <= effect.from_ms <= effect.to_ms
    if is_over:
        assert counts[Close] == 1


class WebRtcMachine(SessionMachine):
    call_type = CallType.WEBRTC


class SipMachine(SessionMachine):
    call_type = CallType.SIP


class IncomingMachine(SipMachine):
    listen = "*"
    comes = True


TestSession = SessionMachine.TestCase
TestWebRtcSession = WebRtcMachine.TestCase
TestSipSession = SipMachine.TestCase
TestIncomingSession = IncomingMachine.TestCase
for case in (TestSession, TestWebRtcSession, TestSipSession, TestIncomingSession):
    case.settings = settings(
        max_examples=120,
        stateful_step_count=50,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )

HARMLESS = [c for c in get_args(Command) if c not in (Hangup, Accept)]
anything = st.one_of(*(records_of(command) for command in HARMLESS))
malformed = st.text(UNICODE, max_size=8).map(MalformedCommand)


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(messages=st.lists(anything | malformed, min_size=25, max_size=25))
def test_thousand_hostile_commands_leave_the_session_alive(
    messages: list[Command | MalformedCommand],
) -> None:
    """Forty times twenty-five, each as hostile as the protocol lets it be."""
    stage = Stage().invite(tts={}, asr={}, vad={})
    for message in messages:
        told = len(stage.events)
        if isinstance(message, MalformedCommand):
            stage.session.refuse(message, stage.now)
            assert len(stage.settle().events) == told + 1
        else:
            stage.receive(message)
        for event in stage.events[told:]:
            assert as_text(render_event(event))
    assert stage.session.is_connected
    before = len(stage.events)
    stage.send("history", speaker="a", text="still here")
    assert len(stage.events) == before + 1
    stage.send("hangup")
    check(stage)


answers = st.one_of(
    records_of(Invite).map(lambda invite: (invite,)),
    st.tuples(records_of(Accept)),
    st.tuples(records_of(Hangup)),
)


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(first=answers, then=st.lists(anything, max_size=4))
def test_any_beginning_is_answered(first: tuple[Command], then: list[Command]) -> None:
    stage = Stage()
    stage.receive(first[0])
    assert stage.events
    for command in then:
        stage.receive(command)
    stage.session.end("x", "y", stage.now)
    check(stage.settle())


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    sentence=st.text(),
    provider=st.text(),
    speaker=st.none() | st.text(UNICODE),
    code=st.integers(100, 599),
)
def test_whatever_the_speech_process_says_can_be_told(
    sentence: str, provider: str, speaker: str | None, code: int
) -> None:
    stage = Stage().invite(tts={"maxConcurrentTasks": 2}, asr={})
    stage.say("One").say("Two").hear(640).hush(320)
    session, now = stage.session, stage.now
    session.speech_told(Made(1, provider, 1, 1, 1, False, speaker), now)
    session.speech_told(Broken(2, provider, sentence, code), now)
    session.speech_told(Text(1, 1, 1, sentence, provider, True, 1), now)
    session.speech_told(Misheard(1, 1, 1, provider, sentence, code), now)
    session.notice(provider, sentence, code, now)
    session.end(sentence, provider, now, sentence, code)
    for event in stage.settle().events:
        assert as_text(render_event(event))
    check(stage)

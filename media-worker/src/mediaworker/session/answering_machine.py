"""A hint that a machine has answered a call: ``answerMachineDetection``.

Who is called says a name and waits. A machine greets for long without a pause, says
that a message can be left, or beeps. Any of them is told, once; nothing is done.
"""

from chalicelib.protocol.session.events import AnswerMachineDetected
from mediaworker.session.outbox import Outbox
from mediaworker.session.rules import Rules
from mediaworker.session.texts import prose

PHRASES = (
    # English
    *("leave a message", "leave your message", "leave us a message"),
    *("leave your name", "after the tone", "after the beep", "at the tone"),
    *("record your message", "voicemail", "voice mail", "voice mailbox"),
    *("not available to take your call", "unable to take your call"),
    *("can't take your call", "cannot take your call", "come to the phone"),
    *("can't come to the phone", "answering machine", "reached the mailbox"),
    # German
    *("nach dem signalton", "nach dem ton", "nach dem piep", "anrufbeantworter"),
    *("hinterlassen sie", "mailbox von", "zurzeit nicht erreichbar"),
    # French
    *("après le bip", "après le signal sonore", "laissez un message"),
    *("laissez votre message", "laisser un message", "messagerie vocale", "répondeur"),
    # Spanish and Portuguese
    *("después de la señal", "después del tono", "deje su mensaje", "deje un mensaje"),
    *("buzón de voz", "contestador"),
    *("após o sinal", "depois do sinal", "deixe a sua mensagem", "deixe sua mensagem"),
    *("caixa postal", "correio de voz"),
    # Italian and Dutch
    *("dopo il segnale", "dopo il bip", "lasciate un messaggio", "segreteria"),
    *("na de toon", "na de piep", "spreek een bericht in", "voicemail van"),
    # Russian
    *("после сигнала", "оставьте сообщение", "автоответчик", "голосовая почта"),
    # Chinese and Japanese
    *("请留言", "请在", "语音信箱", "滴声后", "嘟声后", "您拨打的"),
    *("留守番電話", "発信音の後", "ピーという音", "メッセージをお"),
)
"""In lower case; what only machines say."""


class AnsweringMachine:
    """Looks for one from the answer on."""

    def __init__(self, outbox: Outbox, rules: Rules, now: float) -> None:
        self._outbox = outbox
        self._rules = rules
        self._answered_at_ms = outbox.at_ms(now)
        self._is_looking = True
        self._greets_from_ms: int | None = None
        """Epoch milliseconds; None while nobody has said anything."""
        self._silent_from_ms: int | None = None
        """None while somebody speaks."""
        self._has_paused = False
        """The greeting is over, and was short."""
        self._told = ""
        self._delta = ""

    def begin(self, start_at_ms: int) -> None:
        """Speech has begun."""
        self._silent_from_ms = None
        if self._greets_from_ms is None:
            self._greets_from_ms = max(start_at_ms, self._answered_at_ms)

    def end(self, end_at_ms: int) -> None:
        """Speech has ended."""
        self._silent_from_ms = end_at_ms

    def listen(self, now: float) -> None:
        """The caller is heard; the greeting may have become long, or be over."""
        if not self._is_looking:
            return
        at_ms, from_ms = self._outbox.at_ms(now), self._greets_from_ms
        if at_ms - self._answered_at_ms > self._rules.machine_ms:
            self._is_looking = False
        elif from_ms is None or self._has_paused:
            return
        elif self._silent_from_ms is not None:
            silent_ms = at_ms - self._silent_from_ms
            self._has_paused = silent_ms >= self._rules.greeting_pause_ms
        elif at_ms - from_ms >= self._rules.greeting_ms:
            self._tell(from_ms, at_ms, now)

    def note(self, text: str, start_at_ms: int, is_final: bool, now: float) -> None:
        """A text was told."""
        if not self._is_looking:
            return
        self._delta = "" if is_final else text
        if is_final:
            self._told = f"{self._told} {text}".strip()
        said = f"{text} {self._told}".lower()
        if any(phrase in said for phrase in PHRASES):
            self._tell(start_at_ms, self._outbox.at_ms(now), now)

    def beep(self, start_at_ms: int, end_at_ms: int, now: float) -> None:
        """A steady tone was heard."""
        if start_at_ms >= self._answered_at_ms:
            self._tell(start_at_ms, end_at_ms, now)

    def _tell(self, start_at_ms: int, end_at_ms: int, now: float) -> None:
        at_ms = self._outbox.at_ms(now)
        if at_ms - self._answered_at_ms > self._rules.machine_ms:
            self._is_looking = False
        if not self._is_looking:
            return
        self._is_looking = False
        text = prose(f"{self._told} {self._delta}".strip())
        track = self._outbox.session_id
        told = AnswerMachineDetected(track, at_ms, start_at_ms, end_at_ms, text)
        self._outbox.tell(told)

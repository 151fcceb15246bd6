"""What the agent does: events of the session in, commands out. No socket, no clock."""

from collections.abc import Callable, Mapping
from typing import Any

Command = dict[str, Any]
Event = Mapping[str, Any]

GREETING = "Hello, this is Parley. Please say something, and I will say it back."
GOODBYE = "Thank you for the talk. Goodbye."

OPTION = {
    "vad": {"speechPadding": 120, "silencePadding": 100},
    "asr": {},
    "tts": {},
}
"""Empty options mean the voice and the ear that Parley brings with it."""

INVITE: Command = {"command": "invite", "option": {"codec": "pcm", **OPTION}}
RINGING: Command = {"command": "ringing"}
ACCEPT: Command = {"command": "accept", "option": OPTION}
"""Without a codec: a phone has its own."""

KEYS = {"*": "star", "#": "hash"}
"""Those that are not said as they are written."""


def repeat(text: str) -> str:
    """Stands where your own model would: what was heard -> what is answered."""
    words = len(text.split())
    return f"I heard {words} words. You said: {text}"


class Agent:
    """Call `hear` with each event; send what it returns.

    ``think`` makes an answer of what was said. After ``turns`` answers the agent says
    goodbye and hangs up.
    """

    def __init__(self, think: Callable[[str], str] = repeat, turns: int = 3) -> None:
        self._think = think
        self._turns = turns
        self._answers = 0
        self._keys = 0
        self._playing: str | None = None
        self.interruptions = 0

    def hear(self, event: Event) -> list[Command]:
        match event["event"]:
            case "incoming":
                return [RINGING, ACCEPT]
            case "answer":
                return [self._say("greeting", GREETING)]
            case "trackStart" if "playId" in event:
                self._playing = event["playId"]
            case "trackEnd" if event.get("playId") == self._playing:
                self._playing = None
            case "speaking" if self._playing not in (None, "goodbye"):
                self.interruptions += 1
                return [{"command": "interrupt"}]
            case "asrFinal" if not self._is_leaving:
                return self._answer(event["text"])
            case "dtmf" if not self._is_leaving:
                self._keys += 1
                key = event["digit"]
                text = f"You pressed {KEYS.get(key, key)}."
                return [self._say(f"key-{self._keys}", text)]
        return []

    @property
    def _is_leaving(self) -> bool:
        """It has said goodbye."""
        return self._answers > self._turns

    def _answer(self, heard: str) -> list[Command]:
        self._answers += 1
        if self._is_leaving:
            return [self._say("goodbye", GOODBYE, auto_hangup=True)]
        answer = self._think(heard)
        return [
            {"command": "history", "speaker": "user", "text": heard},
            {"command": "history", "speaker": "bot", "text": answer},
            self._say(f"answer-{self._answers}", answer),
        ]

    @staticmethod
    def _say(play_id: str, text: str, *, auto_hangup: bool = False) -> Command:
        return {
            "command": "tts",
            "text": text,
            "playId": play_id,
            "autoHangup": auto_hangup,
        }

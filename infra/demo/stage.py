"""Where a scene is played: who they are, what the business hears, what is shown."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.demo.client import Client, DemoFailed
from infra.laptop import inbox

WEBHOOK_SECONDS = 20.0
"""A ring's deadline included."""
Webhook = Mapping[str, Any]


@dataclass
class Stage:
    """One scene's people and calls."""

    client: Client
    run: str
    """Tells this run's people from another's: users are in one call at a time."""
    say: Callable[[str], None]
    is_mixed: bool = False
    """Phones of several dialects ring: each is named with what it does."""
    calls: list[str] = field(default_factory=list)
    media: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Who -> provider and room that they were sent to."""

    def name(self, who: str) -> str:
        return f"{who}-{self.run}"

    def who(self, text: str) -> str:
        """The text with the names that are shown."""
        return text.replace(f"-{self.run}", "")

    def tell(self, what: str, dialect: str) -> None:
        self.say(f"{what} ({dialect})" if self.is_mixed else what)

    def enter(self, who: str, media: Mapping[str, Any]) -> None:
        """Keep where they were sent; raises `DemoFailed` where others are not."""
        self.media[who] = (str(media["provider"]), str(media["roomId"]))
        if len(set(self.media.values())) > 1:
            raise DemoFailed(f"They were sent to different rooms: {self.media}.")

    def trace_id(self, call_id: str) -> str:
        """dtalk's number of a call, with which the ids of its events begin."""
        first, *_ = self.wait_for(lambda: self.received(call_id), bool)
        return str(first["id"]).partition("-")[0]

    def received(self, call_id: str) -> list[Webhook]:
        """The business's webhooks of a call."""
        found = self.client.call("GET", f"{inbox.PATH}?room_id={call_id}")
        return list(found)

    def received_of_session(self, session_id: str) -> list[Webhook]:
        return [
            webhook
            for webhook in self.client.call("GET", inbox.PATH)
            if webhook["body"].get("data", {}).get("session_id") == session_id
        ]

    def wait_for(
        self,
        look: Callable[[], list[Webhook]],
        is_enough: Callable[[list[Webhook]], bool],
    ) -> list[Webhook]:
        """Raises `DemoFailed` when it has gone on for too long."""
        deadline = time.monotonic() + WEBHOOK_SECONDS
        while not is_enough(found := look()):
            if time.monotonic() > deadline:
                types = [webhook["type"] for webhook in found]
                raise DemoFailed(
                    f"After {WEBHOOK_SECONDS:.0f} s the webhooks were {types}. (With "
                    "BUSINESS_WEBHOOK_ENDPOINTS or _URLS set they go there instead.)"
                )
            time.sleep(0.05)
        return found

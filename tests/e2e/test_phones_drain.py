"""SIGTERM during a call: it goes on, and no other comes."""

import asyncio
import signal
from pathlib import Path

import pytest

from mediaworker.sip.events import Accepted, Ended, Rejected
from tests.e2e.voice.phones import answered, listening, phone_worker, play, reason_of
from tests.peers.sip_phone import SILENCE, sip_phone

pytestmark = pytest.mark.laptop

END_SECONDS = 5.0


def test_a_call_goes_on_while_the_worker_ends(tmp_path: Path) -> None:
    with phone_worker(tmp_path) as phones:
        process = phones.worker.process

        async def act() -> None:
            async with (
                listening(phones, "first") as app,
                listening(phones, "second") as idle,
                sip_phone() as phone,
                sip_phone(seed=2) as other,
            ):
                phone.invite(f"sip:first@{phones.target}")
                await answered(app)
                await phone.until(Accepted)
                await phone.speak([SILENCE] * 10)
                process.send_signal(signal.SIGTERM)
                await idle.until_closed()
                assert reason_of(idle) == ("bySystem", "system")
                (told,) = idle.record.events("error")
                assert told["code"] == 503
                other.invite(f"sip:second@{phones.target}")
                rejected = await other.until(Rejected)
                assert (rejected.status, rejected.retry_after) == (503, 10)
                heard = len(phone.heard)
                await phone.speak([SILENCE] * 50)
                assert len(phone.heard) - heard > 35
                assert app.record.events("hangup", "error") == []
                assert process.poll() is None
                await app.command("hangup", reason="done", initiator="callee")
                await phone.until(Ended)
                await app.until_closed()
                assert reason_of(app) == ("done", "callee")
                assert await asyncio.to_thread(process.wait, END_SECONDS) == 0
            (record,) = phones.records_of(app.session_id)
            assert record["statusCode"] == 200

        play(act)
    assert phones.worker.lines("error") == phones.worker.lines("critical") == []

"""A worker by itself passes the conformance kit, case by case."""

import asyncio
from collections.abc import Iterator

import aiohttp
import pytest

from conformance import runner
from conformance.bench import Bench
from conformance.case import Case, Outcome, Verdict
from conformance.cases import every
from conformance.client import Call
from conformance.dialects import DIALECTS
from conformance.peers import peers
from tests.e2e.voice.worker import media_worker
from tests.protocol.session.schema_faults import faults
from tests.worker.gateway.fakes import token

pytestmark = pytest.mark.laptop

SKIPPED = {"number-is-called"}
"""The kit brings no telephone; tests/e2e/test_phones.py has some."""
Told = dict[str, Verdict]


@pytest.fixture(scope="module")
def calls() -> list[Call]:
    """All that were made."""
    return []


@pytest.fixture(scope="module")
def verdicts(
    tmp_path_factory: pytest.TempPathFactory, calls: list[Call]
) -> Iterator[Told]:
    with (
        media_worker(tmp_path_factory.mktemp("worker")) as worker,
        pytest.MonkeyPatch.context() as patch,
    ):
        listen = Call.read

        async def read(call: Call) -> None:
            calls.append(call)
            await listen(call)

        patch.setattr(Call, "read", read)
        yield asyncio.run(played(f"ws://127.0.0.1:{worker.port}"))


async def played(url: str) -> Told:
    async with aiohttp.ClientSession() as http, peers("127.0.0.1") as others:
        bench = Bench(url, DIALECTS["contract"], http, others, token("kit"))
        verdicts = await runner.play(bench, every(), lambda verdict: None)
    return {verdict.case.name: verdict for verdict in verdicts}


@pytest.mark.parametrize("case", every(), ids=lambda case: case.name)
def test_worker_conforms(case: Case, verdicts: Told) -> None:
    verdict = verdicts[case.name]
    wanted = Outcome.SKIPPED if case.name in SKIPPED else Outcome.OK
    assert verdict.outcome is wanted, f"{case.sentence} {verdict.why}"


def test_all_that_was_told_is_of_the_schema(verdicts: Told, calls: list[Call]) -> None:
    assert len(calls) >= len(verdicts)
    events = [event for call in calls for event in call.events()]
    assert {"answer", "hangup", "asrFinal", "interruption"} <= {
        event["event"] for event in events
    }
    for event in events:
        assert faults("Event", event) == []

"""What the doctor finds."""

import socket
from pathlib import Path

import pytest

from infra import doctor
from infra.doctor import Finding, Verdict


@pytest.mark.parametrize(
    ("finding", "verdict"),
    [
        (doctor.python((3, 11, 0)), Verdict.OK),
        (doctor.python((3, 10, 9)), Verdict.FAIL),
        (doctor.node("v20.20.2"), Verdict.OK),
        (doctor.node("v18.1.0"), Verdict.FAIL),
        (doctor.node("odd"), Verdict.FAIL),
        (doctor.node(None), Verdict.FAIL),
        (doctor.compiler(("no-such-compiler",)), Verdict.WARN),
        (doctor.disk(3 * 2**30), Verdict.OK),
        (doctor.disk(2**30), Verdict.FAIL),
        (doctor.folder(Path("/no/such/folder")), Verdict.FAIL),
        (doctor.installed(Path("/no/such/file"), "X"), Verdict.WARN),
        (doctor.stack(8000, None), Verdict.OK),
        (doctor.stack(8000, "starting"), Verdict.WARN),
        (doctor.stack(8000, "ok"), Verdict.OK),
    ],
)
def test_judge(finding: Finding, verdict: Verdict) -> None:
    assert finding.verdict is verdict
    assert bool(finding.remedy) is (verdict is not Verdict.OK)
    assert str(finding).startswith(verdict.value)


def test_judge_a_taken_port_by_who_holds_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        stranger = doctor.port(port, "PARLEY_HTTP_PORT", is_ours=False)
        ours = doctor.port(port, "PARLEY_HTTP_PORT", is_ours=True)
    free = doctor.port(port, "PARLEY_HTTP_PORT", is_ours=False)
    verdicts = [found.verdict for found in (stranger, ours, free)]
    assert verdicts == [Verdict.FAIL, Verdict.OK, Verdict.OK]
    assert doctor.health(port) is None


def test_look_at_everything() -> None:
    variables = {"PARLEY_HTTP_PORT": "x", "PARLEY_WORKER_PORT": "18080"}
    assert len(doctor.findings(variables)) == 10

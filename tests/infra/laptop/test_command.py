"""What the banner tells."""

from dataclasses import replace
from pathlib import Path

import pytest

from infra.laptop.command import _banner
from infra.laptop.settings import Settings

SETTINGS = Settings("127.0.0.1", 8000, 8080, "INFO", Path("state"))


@pytest.mark.parametrize(
    ("environment", "has_agent", "phone"),
    [
        ({}, True, "sip:agent@127.0.0.1"),
        ({"PARLEY_SIP_PORT": "5070"}, True, "sip:agent@127.0.0.1:5070"),
        ({"PARLEY_SIP_PORT": "0"}, True, "nobody answers here"),
        ({}, False, "nobody answers here"),
    ],
)
def test_tell_where_a_phone_is_answered(
    environment: dict[str, str], has_agent: bool, phone: str
) -> None:
    told = _banner(replace(SETTINGS, has_agent=has_agent), environment, (8080,))
    (line,) = (line for line in told.splitlines() if "Phone" in line)
    assert line.split(maxsplit=1)[1] == phone


def test_tell_where_each_worker_is() -> None:
    lines = _banner(SETTINGS, {}, (8080, 8082)).splitlines()
    found = [line.split()[-1] for line in lines if line.endswith("/health")]
    assert found[-2:] == [
        "http://127.0.0.1:8080/health",
        "http://127.0.0.1:8082/health",
    ]

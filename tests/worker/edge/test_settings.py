"""What the edge takes from its environment."""

import pytest

from mediaworker.edge.__main__ import main
from mediaworker.edge.settings import EdgeSettings
from mediaworker.settings import BadSetting

NEEDED = {
    "PARLEY_JWT_SECRET": "s" * 32,
    "PARLEY_CONTROL_URL": "https://control.example",
}


def test_need_the_secret_and_the_control_plane_alone() -> None:
    settings = EdgeSettings.parse(NEEDED)
    assert (settings.host, settings.port, settings.http_port) == (
        "127.0.0.1",
        5060,
        8080,
    )
    assert settings.control_url == "https://control.example"
    assert settings.advertised_host is None
    assert (settings.log_level, settings.drain_seconds) == ("INFO", 60)
    assert settings.peers == ()
    assert "s" * 32 not in repr(settings)
    assert EdgeSettings.parse({**NEEDED, "PARLEY_EDGE_PORT": " "}) == settings


def test_take_what_is_said() -> None:
    settings = EdgeSettings.parse(
        {
            **NEEDED,
            "PARLEY_BIND": "0.0.0.0",
            "PARLEY_EDGE_PORT": "5070",
            "PARLEY_WORKER_PORT": "9090",
            "PARLEY_LOG_LEVEL": "warning",
            "PARLEY_ADVERTISED_ADDRESS": "[2001:db8::1]",
            "PARLEY_SIP_PEERS": "203.0.113.0/24, 198.51.100.7",
            "PARLEY_EDGE_DRAIN_SECONDS": "5",
        }
    )
    assert (settings.host, settings.port, settings.http_port) == ("0.0.0.0", 5070, 9090)
    assert settings.advertised_host == "2001:db8::1"
    assert (settings.log_level, settings.drain_seconds) == ("WARNING", 5)
    assert [str(network) for network in settings.peers] == [
        "203.0.113.0/24",
        "198.51.100.7/32",
    ]
    ecs = EdgeSettings.parse({**NEEDED, "PARLEY_ADVERTISED_ADDRESS": "ECS"})
    assert ecs.advertised_host is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PARLEY_JWT_SECRET", "short"),
        ("PARLEY_CONTROL_URL", ""),
        ("PARLEY_CONTROL_URL", "ftp://a"),
        ("PARLEY_CONTROL_URL", "http://[::1"),
        ("PARLEY_EDGE_PORT", "0"),
        ("PARLEY_EDGE_PORT", "sip"),
        ("PARLEY_WORKER_PORT", "65536"),
        ("PARLEY_LOG_LEVEL", "LOUD"),
        ("PARLEY_ADVERTISED_ADDRESS", "edge.example"),
        ("PARLEY_SIP_PEERS", "everybody"),
        ("PARLEY_EDGE_DRAIN_SECONDS", "111"),
    ],
)
def test_say_which_variable_is_wrong(name: str, text: str) -> None:
    with pytest.raises(BadSetting, match=name):
        EdgeSettings.parse({**NEEDED, name: text})


def test_start_with_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in NEEDED:
        monkeypatch.delenv(name, raising=False)
    assert main(["--odd"]) == 2
    assert main([]) == 1
    assert "PARLEY_CONTROL_URL" in capsys.readouterr().err

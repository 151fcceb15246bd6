"""What the stack refuses before it starts."""

import socket
from pathlib import Path

import pytest

from infra.laptop import ports
from infra.laptop.settings import BadSetting, Settings

GOOD = {
    "PARLEY_BIND": "127.0.0.1",
    "PARLEY_HTTP_PORT": "8000",
    "PARLEY_WORKER_PORT": "8080",
    "PARLEY_STATE": "none",
}


def test_parse_good_settings() -> None:
    assert Settings.parse(GOOD) == Settings("127.0.0.1", 8000, 8080, "INFO", None)
    anywhere = Settings.parse(GOOD | {"PARLEY_BIND": "0.0.0.0"})
    assert anywhere.probe_host == "127.0.0.1"
    keeping = Settings.parse(GOOD | {"PARLEY_STATE": "~/parley"})
    assert keeping.state_folder == Path.home() / "parley"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"PARLEY_HTTP_PORT": "x"}, "PARLEY_HTTP_PORT is a port"),
        ({"PARLEY_HTTP_PORT": "0"}, "PARLEY_HTTP_PORT is a port"),
        ({"PARLEY_WORKER_PORT": "65536"}, "PARLEY_WORKER_PORT is a port"),
        ({"PARLEY_WORKER_PORT": "8000"}, "are the same"),
        ({"PARLEY_LOG_LEVEL": "loud"}, "PARLEY_LOG_LEVEL is"),
        ({"PARLEY_SOCKET_SECONDS": "0"}, "PARLEY_SOCKET_SECONDS is from"),
        ({"PARLEY_SOCKET_SECONDS": "7201"}, "PARLEY_SOCKET_SECONDS is from"),
        ({"PARLEY_WORKERS": "0"}, "PARLEY_WORKERS is from 1 to 16"),
        ({"PARLEY_WORKERS": "17"}, "PARLEY_WORKERS is from 1 to 16"),
        ({"PARLEY_WORKERS": "three"}, "PARLEY_WORKERS is from 1 to 16"),
    ],
)
def test_refuse_bad_settings(changed: dict[str, str], sentence: str) -> None:
    with pytest.raises(BadSetting, match=sentence):
        Settings.parse(GOOD | changed)


def test_have_one_worker_or_more() -> None:
    assert Settings.parse(GOOD).workers == 1
    assert Settings.parse(GOOD | {"PARLEY_WORKERS": "3"}).workers == 3


def test_cut_sockets_after_two_hours_or_sooner() -> None:
    assert Settings.parse(GOOD).socket_seconds == 7_200
    assert Settings.parse(GOOD | {"PARLEY_SOCKET_SECONDS": "3"}).socket_seconds == 3


def test_name_the_port_that_is_in_use() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ports.PortUnavailable, match=f"Port {port} .*is in use"):
            ports.check("127.0.0.1", port, "PARLEY_HTTP_PORT")
    ports.check("127.0.0.1", port, "PARLEY_HTTP_PORT")


def test_say_why_an_address_cannot_be_had() -> None:
    with pytest.raises(ports.PortUnavailable, match="cannot be had"):
        ports.check("192.0.2.1", 8000, "PARLEY_HTTP_PORT")

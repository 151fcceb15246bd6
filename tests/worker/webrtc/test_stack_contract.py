"""What `mediaworker.webrtc.stack` takes of aiortc and aioice is still there."""

import asyncio
import inspect
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest
from aioice import ice, turn
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport
from pylibsrtp import Session

from mediaworker.webrtc import stack


class Nowhere:
    """A road that goes nowhere."""

    async def _recv(self) -> bytes:
        raise ConnectionError

    async def _send(self, data: bytes) -> None:
        raise ConnectionError


def changed(package: str, what: str) -> str:
    return (
        f"{package} {version(package)} has changed {what}, which "
        "mediaworker/webrtc/stack.py relies on: read what it does now, and adapt it"
    )


def made(make: Callable[[], Any]) -> dict[str, Any]:
    """The attributes of an instance, which some want a loop to be made in."""

    async def run() -> dict[str, Any]:
        return dict(vars(make()))

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("_check_list", list),
        ("_closing", bool),
        ("_local_candidates", list),
        ("_local_candidates_end", bool),
        ("_local_candidates_start", bool),
        ("_nominated", dict),
        ("_protocols", list),
        ("_remote_candidates", list),
        ("ice_controlling", bool),
        ("remote_is_lite", bool),
    ],
)
def test_find_state_of_aioice(name: str, kind: type) -> None:
    state = made(lambda: ice.Connection(ice_controlling=False))
    assert isinstance(state.get(name), kind), changed("aioice", f"Connection.{name}")


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [
        (ice.Connection, "_pair_remote_candidate", ["self", "remote_candidate"]),
        (ice.Connection, "sort_check_list", ["self"]),
        (ice.Connection, "data_received", ["self", "data", "component"]),
        (ice.Connection, "protocol_lost", ["self", "protocol"]),
        (ice.Connection, "close", ["self"]),
        (ice.StunProtocol, "__init__", ["self", "receiver"]),
        (ice.StunProtocol, "datagram_received", ["self", "data", "addr"]),
        (ice.StunProtocol, "close", ["self"]),
        (turn.TurnTransport, "sendto", ["self", "data", "addr"]),
    ],
)
def test_find_methods_of_aioice(owner: type, name: str, parameters: list[str]) -> None:
    method = getattr(owner, name, None)
    what = f"{owner.__name__}.{name}"
    assert method is not None, changed("aioice", what)
    assert list(inspect.signature(method).parameters) == parameters, changed(
        "aioice", what
    )


def test_find_functions_of_aioice() -> None:
    relayed = set(inspect.signature(ice.relayed_candidate).parameters)
    assert relayed == {
        "component",
        "hide_related_address",
        "protocol_factory",
        "turn_server",
        "turn_username",
        "turn_password",
        "turn_ssl",
        "turn_transport",
    }, changed("aioice", "relayed_candidate")
    request = list(inspect.signature(ice.StunProtocol.request).parameters)
    assert request[:3] == ["self", "request", "addr"], changed("aioice", "request")


@pytest.mark.parametrize(
    ("method", "words"),
    [
        # A consent that expires closes the connection, by the method that we override.
        ("query_consent", "self.close()"),
        # The peer may always have more addresses: then no check list fails.
        ("_check_list_maybe_fail", "self._remote_candidates_expected()"),
        ("_check_periodic", "self._remote_candidates_expected()"),
        # A late address of ours is checked like any other.
        ("_check_periodic", "State.FROZEN"),
    ],
)
def test_find_behaviour_of_aioice(method: str, words: str) -> None:
    source = inspect.getsource(getattr(ice.Connection, method))
    assert words in source, changed("aioice", f"Connection.{method}")


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [
        (RTCDtlsTransport, "_set_role", ["self", "role"]),
        (RTCDtlsTransport, "start", ["self", "remoteParameters"]),
        (RTCDtlsTransport, "stop", ["self"]),
        (RTCCertificate, "_create_ssl_context", ["self", "srtp_profiles"]),
        (Session, "protect", ["self", "packet"]),
        (Session, "protect_rtcp", ["self", "packet"]),
        (Session, "unprotect", ["self", "packet"]),
        (Session, "unprotect_rtcp", ["self", "packet"]),
    ],
)
def test_find_methods_of_aiortc(owner: type, name: str, parameters: list[str]) -> None:
    package = "pylibsrtp" if owner is Session else "aiortc"
    what = f"{owner.__name__}.{name}"
    method = getattr(owner, name, None)
    assert method is not None, changed(package, what)
    found = list(inspect.signature(method).parameters)
    assert found == parameters, changed(package, what)


def test_find_state_of_aiortc() -> None:
    certificate = stack.Certificate.generateCertificate()
    state = made(lambda: RTCDtlsTransport(Nowhere(), [certificate]))  # type: ignore[arg-type]
    for name in ("_rx_srtp", "_tx_srtp", "encrypted"):
        assert name in state, changed("aiortc", f"RTCDtlsTransport.{name}")
    assert state["encrypted"] is False, changed("aiortc", "RTCDtlsTransport.encrypted")


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("_recv_next", "self.transport._recv()"),
        ("_write_ssl", "self.transport._send(data)"),
        ("_set_state", 'self.emit("statechange")'),
    ],
)
def test_find_behaviour_of_aiortc(method: str, words: str) -> None:
    source = inspect.getsource(getattr(RTCDtlsTransport, method))
    assert words in source, changed("aiortc", f"RTCDtlsTransport.{method}")


def test_touch_private_names_in_one_file_only() -> None:
    private = {"_protocols", "_check_list", "_nominated", "_rx_srtp", "_tx_srtp"}
    folder = inspect.getfile(stack).rpartition("/")[0]
    for module in ("transport", "call", "leg", "gathering", "browsers"):
        with open(f"{folder}/{module}.py") as file:
            text = file.read()
        assert not [name for name in private if f".{name}" in text], module

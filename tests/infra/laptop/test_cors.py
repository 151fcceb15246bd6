"""CORS, as the gateway itself answers it."""

from infra import wiring
from infra.laptop.cors import is_preflight, preflight_headers, response_headers
from infra.parts import Cors

ONE = Cors(("https://a.example",), ("GET",), ("authorization",), 60)


def test_know_a_preflight() -> None:
    headers = {"origin": "https://a.example", "access-control-request-method": "GET"}
    assert is_preflight("OPTIONS", headers)
    assert not is_preflight("GET", headers)
    assert not is_preflight("OPTIONS", {"origin": "https://a.example"})


def test_let_every_origin_call_parley() -> None:
    assert response_headers(wiring.CORS, "https://b.example") == {
        "access-control-allow-origin": "*"
    }
    assert response_headers(wiring.CORS, None) == {}
    allowed = preflight_headers(wiring.CORS, "https://b.example")
    # Browsers do not take ``*`` to mean this one.
    assert "authorization" in allowed["access-control-allow-headers"].split(",")


def test_let_only_listed_origins_call() -> None:
    assert preflight_headers(ONE, "https://a.example") == {
        "access-control-allow-origin": "https://a.example",
        "vary": "origin",
        "access-control-allow-methods": "GET",
        "access-control-allow-headers": "authorization",
        "access-control-max-age": "60",
    }
    assert preflight_headers(ONE, "https://b.example") == {}

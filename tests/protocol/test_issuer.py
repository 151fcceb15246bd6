"""Who else issues tokens, as an operator says it."""

import pytest

from chalicelib.protocol.issuer import InvalidIssuer, IssuerSettings
from tests.attacks import AUDIENCE, ISSUER, KID, VARIABLES, key_set, public_jwk

URL = "https://issuer.example/.well-known/jwks.json"


def parse(is_development: bool = True, /, **variables: str) -> IssuerSettings | None:
    return IssuerSettings.parse(variables, is_development=is_development)


def test_nobody_else_issues_tokens_unless_it_is_said() -> None:
    assert parse() is None
    assert parse(PARLEY_JWKS=" ", PARLEY_JWT_ISSUER=ISSUER) is None


def test_keys_are_given() -> None:
    found = parse(PARLEY_JWKS=key_set(), **VARIABLES)
    assert found is not None and found.keys is not None
    assert found.keys.find(KID) is not None
    assert (found.url, found.name, found.audience) == ("", ISSUER, AUDIENCE)


def test_keys_are_fetched() -> None:
    found = parse(False, PARLEY_JWKS_URL=URL, **VARIABLES)
    assert found == IssuerSettings(None, URL, ISSUER, AUDIENCE)


def test_development_may_leave_issuer_and_audience_open() -> None:
    found = parse(PARLEY_JWKS=key_set())
    assert found is not None and found.name is None and found.audience is None


@pytest.mark.parametrize("name", VARIABLES)
def test_production_says_whose_tokens_and_for_whom(name: str) -> None:
    half = {one: text for one, text in VARIABLES.items() if one != name}
    with pytest.raises(InvalidIssuer, match=name):
        parse(False, PARLEY_JWKS=key_set(), **half)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/keys", "http://localhost/keys", "http://[::1]/k"]
)
def test_keys_come_unencrypted_only_from_this_machine_and_in_development(
    url: str,
) -> None:
    found = parse(PARLEY_JWKS_URL=url)
    assert found is not None and found.url == url
    with pytest.raises(InvalidIssuer, match="https"):
        parse(False, PARLEY_JWKS_URL=url, **VARIABLES)


@pytest.mark.parametrize(
    "url",
    [
        "issuer.example",
        "http://issuer.example/keys",
        "http://127.0.0.1.issuer.example/keys",
        "file:///etc/passwd",
        "ftp://issuer.example",
        "https://",
        "https://user:secret@issuer.example/keys",
        "https://issuer.example/keys#1",
        "https://issuer.example:port/keys",
        "https://issuer.example:0/keys",
        "https://[issuer/keys",
        "https://issuer.example/a b",
        "https://issuer.example/a\x00b",
        "https://издатель.example/keys",
        "https://issuer.example/" + "x" * 2_048,
    ],
)
def test_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidIssuer, match="PARLEY_JWKS_URL"):
        parse(PARLEY_JWKS_URL=url)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "PARLEY_JWKS: a key set must be"),
        ('{"keys": []}', "PARLEY_JWKS has no RSA key"),
        (key_set({"kty": "oct", "k": "x"}), "PARLEY_JWKS: .* secret"),
    ],
)
def test_keys_that_are_none_are_refused(text: str, says: str) -> None:
    with pytest.raises(InvalidIssuer, match=says):
        parse(PARLEY_JWKS=text)


def test_keys_come_from_one_place() -> None:
    with pytest.raises(InvalidIssuer, match="not both"):
        parse(PARLEY_JWKS=key_set(public_jwk()), PARLEY_JWKS_URL=URL)

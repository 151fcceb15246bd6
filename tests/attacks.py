"""An issuer with keys of its own, and tokens that prove nothing, for every door."""

import base64
import functools
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from jwt.algorithms import RSAAlgorithm

from chalicelib.adapters.clock import SystemClock
from chalicelib.protocol.jwks import KeySet
from chalicelib.protocol.tokens import Trust

KID = "key-1"
ISSUER = "https://issuer.example"
AUDIENCE = "parley"
VARIABLES = {"PARLEY_JWT_ISSUER": ISSUER, "PARLEY_JWT_AUDIENCE": AUDIENCE}
DEEP = 2_500

Attack = Callable[[str], str]
"""A token for a verifier whose own secret is given."""


@functools.cache
def private_key(name: str = "issuer") -> rsa.RSAPrivateKey:
    """One for each name, made when it is asked for first."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_jwk(name: str = "issuer", **changes: Any) -> dict[str, Any]:
    found = RSAAlgorithm.to_jwk(private_key(name).public_key(), as_dict=True)
    jwk = {"kty": "RSA", "kid": KID, "use": "sig", "alg": "RS256"}
    return {**jwk, "n": found["n"], "e": found["e"], **changes}


def key_set(*keys: Mapping[str, Any]) -> str:
    """The issuer's document, or one with these keys."""
    return json.dumps({"keys": list(keys) or [public_jwk()]})


def trust(secret: str) -> Trust:
    return Trust(secret, KeySet.parse(key_set()), ISSUER, AUDIENCE)


def now() -> int:
    return SystemClock().now_ms() // 1000


def claims(**changes: Any) -> dict[str, Any]:
    """Good ones, unless ``changes`` spoil them."""
    return {"sub": "alice", "exp": now() + 60, **changes}


def issued(name: str = "issuer", kid: Any = KID, **changes: Any) -> str:
    """A token of the issuer's, or one that claims to be."""
    given = claims(**{"iss": ISSUER, "aud": AUDIENCE, **changes})
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(given, private_key(name), "RS256", headers=headers)


def signed(secret: str, **changes: Any) -> str:
    return jwt.encode(claims(**changes), secret, "HS256")


def compact(header: Any, payload: Any, key: bytes | None = None) -> str:
    """Of anything whatever, with the HMAC of ``key`` or no signature."""
    told = b".".join(_encoded(_json(part)) for part in (header, payload))
    mac = b"" if key is None else hmac.digest(key, told, hashlib.sha256)
    return (told + b"." + _encoded(mac)).decode()


def _json(part: Any) -> bytes:
    return part if isinstance(part, bytes) else json.dumps(part).encode()


def _encoded(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def _hs256(secret: str, payload: Any = None, **header: Any) -> str:
    """Signed as it should be, whatever it says."""
    told = claims() if payload is None else payload
    return compact({"alg": "HS256", "typ": "JWT", **header}, told, secret.encode())


def _rs256(payload: Any = None, **header: Any) -> str:
    given = {"iss": ISSUER, "aud": AUDIENCE, **claims()} if payload is None else payload
    told = b".".join(
        _encoded(_json(part))
        for part in ({"alg": "RS256", "kid": KID, **header}, given)
    )
    made = RSAAlgorithm(RSAAlgorithm.SHA256).sign(told, private_key())
    return (told + b"." + _encoded(made)).decode()


def _raw(claim: str, text: str) -> bytes:
    """Claims with a value as JSON has it, or almost."""
    rest = f'"exp":{now() + 60},' if claim != "exp" else ""
    return f'{{"sub":"alice",{rest}"{claim}":{text}}}'.encode()


def _pem(kind: serialization.PublicFormat) -> bytes:
    public = private_key().public_key()
    return public.public_bytes(serialization.Encoding.PEM, kind)


def _der() -> bytes:
    return (
        private_key()
        .public_key()
        .public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )


def _with_attackers_key(**header: Any) -> str:
    given = claims(iss=ISSUER, aud=AUDIENCE)
    return jwt.encode(given, private_key("attacker"), "RS256", headers=header)


def _of(algorithm: str) -> Attack:
    def made(secret: str) -> str:
        given = claims(iss=ISSUER, aud=AUDIENCE)
        return jwt.encode(given, private_key(), algorithm, headers={"kid": KID})

    return made


def _eddsa() -> str:
    key = ed25519.Ed25519PrivateKey.generate()
    return jwt.encode(claims(), key, "EdDSA", headers={"kid": KID})


def _tampered(token: str) -> str:
    header, _, signature = token.split(".")
    payload = _encoded(_json(claims(sub="root", role="admin"))).decode()
    return f"{header}.{payload}.{signature}"


PUBLIC_AS_SECRET: dict[str, Attack] = {
    "HS256 by the public key in PEM": lambda secret: compact(
        {"alg": "HS256", "kid": KID},
        claims(),
        _pem(serialization.PublicFormat.SubjectPublicKeyInfo),
    ),
    "HS256 by the public key in PEM without its last line end": lambda secret: compact(
        {"alg": "HS256", "kid": KID},
        claims(),
        _pem(serialization.PublicFormat.SubjectPublicKeyInfo).rstrip(),
    ),
    "HS256 by the public key in PKCS 1": lambda secret: compact(
        {"alg": "HS256", "kid": KID}, claims(), _pem(serialization.PublicFormat.PKCS1)
    ),
    "HS256 by the public key in DER": lambda secret: compact(
        {"alg": "HS256", "kid": KID}, claims(), _der()
    ),
    "HS256 by the JWK": lambda secret: compact(
        {"alg": "HS256", "kid": KID}, claims(), json.dumps(public_jwk()).encode()
    ),
    "HS256 by the key set": lambda secret: compact(
        {"alg": "HS256", "kid": KID}, claims(), key_set().encode()
    ),
    "HS256 by the modulus": lambda secret: compact(
        {"alg": "HS256", "kid": KID}, claims(), public_jwk()["n"].encode()
    ),
    "HS256 by the name of the key": lambda secret: compact(
        {"alg": "HS256", "kid": KID}, claims(), KID.encode()
    ),
    "HS256 by nothing": lambda secret: compact({"alg": "HS256"}, claims(), b""),
}
FAMILIES: dict[str, Attack] = {
    "none": lambda secret: compact({"alg": "none"}, claims()),
    "None": lambda secret: compact({"alg": "None"}, claims()),
    "NONE, signed": lambda secret: compact({"alg": "NONE"}, claims(), secret.encode()),
    "none with a signature": lambda secret: compact({"alg": "none"}, claims(), b"x"),
    "no algorithm": lambda secret: compact({"typ": "JWT"}, claims(), secret.encode()),
    "an algorithm that is null": lambda secret: _hs256(secret, alg=None),
    "an algorithm that is a number": lambda secret: _hs256(secret, alg=256),
    "an algorithm that is a list": lambda secret: _hs256(secret, alg=["HS256"]),
    "an algorithm in small letters": lambda secret: _hs256(secret, alg="hs256"),
    "HS512 by the secret": lambda secret: jwt.encode(claims(), secret * 2, "HS512"),
    "HS384 by the secret": lambda secret: jwt.encode(claims(), secret * 2, "HS384"),
    "RS256 by the secret": lambda secret: compact(
        {"alg": "RS256", "kid": KID}, claims(), secret.encode()
    ),
    "RS256 by another's key": lambda secret: issued("attacker"),
    "RS256 without a key's name": lambda secret: issued(kid=None),
    "RS256 by a key that is not known": lambda secret: issued(kid="key-2"),
    "RS256 by a path": lambda secret: issued(kid="../../../dev/null"),
    "RS256 by a query": lambda secret: issued(kid="' OR 1=1 --"),
    "RS256 by a number": lambda secret: _rs256(kid=1),
    "RS256 by a list": lambda secret: _rs256(kid=[KID]),
    "RS256 by a long name": lambda secret: issued(kid="k" * 3_000),
    "RS384": _of("RS384"),
    "RS512": _of("RS512"),
    "PS256": _of("PS256"),
    "EdDSA": lambda secret: _eddsa(),
    "ES256 with a signature of zeros": lambda secret: (
        compact({"alg": "ES256", "kid": KID}, claims()) + "A" * 86
    ),
    "a key in the header": lambda secret: _with_attackers_key(
        jwk=public_jwk("attacker")
    ),
    "a key in the header by a known name": lambda secret: _with_attackers_key(
        kid=KID, jwk=public_jwk("attacker")
    ),
    "keys elsewhere": lambda secret: _with_attackers_key(
        kid="key-2", jku="https://attacker.example/keys"
    ),
    "a certificate elsewhere": lambda secret: _with_attackers_key(
        kid="key-2", x5u="https://attacker.example/chain"
    ),
}
HEADERS: dict[str, Attack] = {
    "crit of an extension": lambda secret: _hs256(secret, crit=["exp"], exp=1),
    "crit of b64": lambda secret: _hs256(secret, crit=["b64"], b64=True),
    "crit that is empty": lambda secret: _hs256(secret, crit=[]),
    "crit that is a text": lambda secret: _hs256(secret, crit="exp"),
    "crit of the issuer's": lambda secret: _rs256(crit=["b64"], b64=True),
    "a payload as it is": lambda secret: _hs256(secret, b64=False),
    "a header that is a list": lambda secret: compact(
        ["HS256"], claims(), secret.encode()
    ),
    "a header that is no JSON": lambda secret: compact(
        b"alg=HS256", claims(), secret.encode()
    ),
    "a header that is no text": lambda secret: compact(
        b'{"alg":"\xff\xfe"}', claims(), secret.encode()
    ),
    "a deep header": lambda secret: compact(
        b"[" * DEEP + b"]" * DEEP, claims(), secret.encode()
    ),
    "two algorithms": lambda secret: compact(
        b'{"alg":"HS256","alg":"none"}', claims(), secret.encode()
    ),
    "a key's name that is an object": lambda secret: _hs256(secret, kid={"a": 1}),
}
SHAPES: dict[str, Attack] = {
    "nonsense": lambda secret: "nonsense",
    "three letters": lambda secret: "a.b.c",
    "two parts": lambda secret: signed(secret).rpartition(".")[0],
    "four parts": lambda secret: signed(secret) + ".AAAA",
    "an encrypted one": lambda secret: compact({"alg": "dir"}, {}) + "a.b.c",
    "no signature": lambda secret: signed(secret).rpartition(".")[0] + ".",
    "half a signature": lambda secret: signed(secret)[:-20],
    "padding": lambda secret: signed(secret) + "=",
    "letters of no alphabet": lambda secret: signed(secret) + "!",
    "a line end within": lambda secret: signed(secret).replace(".", ".\n", 1),
    "letters beyond ASCII": lambda secret: signed(secret) + "ключ",
    "a huge one": lambda secret: signed(secret, more="x" * 9_000),
    "a changed one": lambda secret: _tampered(signed(secret)),
    "a changed one of the issuer's": lambda secret: _tampered(issued()),
    "an API key in a token's place": lambda secret: (
        f"parley.default.key_{'0' * 16}.{'A' * 43}"
    ),
}
TIMES: dict[str, Attack] = {
    "an old one": lambda secret: signed(secret, exp=now() - 60),
    "an old one of the issuer's": lambda secret: issued(exp=now() - 60),
    "no end": lambda secret: _hs256(secret, {"sub": "alice"}),
    "no end of the issuer's": lambda secret: _rs256(
        {"sub": "alice", "iss": ISSUER, "aud": AUDIENCE}
    ),
    **{
        f"exp that is {name}": functools.partial(
            lambda text, secret: _hs256(secret, _raw("exp", text)), text
        )
        for name, text in {
            "a text": '"4000000000"',
            "null": "null",
            "true": "true",
            "no number": "NaN",
            "without end": "Infinity",
            "beyond a float": "1e999",
            "huge": "1e300",
            "of many digits": "9" * 5_000,
            "negative": "-1",
            "a list": "[4000000000]",
            "an object": "{}",
        }.items()
    },
    "a time before it": lambda secret: signed(secret, nbf=now() + 50),
    "a time before it of the issuer's": lambda secret: issued(nbf=now() + 50),
    "nbf that is a text": lambda secret: _hs256(secret, _raw("nbf", '"1"')),
    "nbf that is no number": lambda secret: _hs256(secret, _raw("nbf", "NaN")),
    "issued tomorrow": lambda secret: signed(secret, iat=now() + 86_400),
    "iat that is a list": lambda secret: _hs256(secret, _raw("iat", "[]")),
}
CLAIMS: dict[str, Attack] = {
    "nobody": lambda secret: _hs256(secret, {"exp": now() + 60}),
    "two users": lambda secret: signed(secret, uid="bob"),
    "a user twice, once as a list": lambda secret: signed(secret, uid=["alice"]),
    "a user that is a number": lambda secret: _hs256(secret, _raw("sub", "7")),
    "a user that is an object": lambda secret: _hs256(secret, claims(sub={"a": 1})),
    "userId that is an object": lambda secret: _hs256(
        secret, {"userId": {}, "exp": now() + 60}
    ),
    "a user without a name": lambda secret: signed(secret, sub=""),
    "a user with a long name": lambda secret: signed(secret, sub="a" * 65),
    "a user with a NUL": lambda secret: signed(secret, sub="a\x00b"),
    "half a character": lambda secret: _hs256(secret, _raw("sub", '"\\ud800"')),
    "a worker": lambda secret: signed(secret, role="worker"),
    "a worker of the issuer's": lambda secret: issued(role="worker"),
    "a role that there is not": lambda secret: signed(secret, role="root"),
    "a list of roles": lambda secret: signed(secret, role=["admin"]),
    "a tenant with a hash": lambda secret: signed(secret, tenant="a#b"),
    "a list of tenants": lambda secret: signed(secret, tenant=["a"]),
    "claims that are a list": lambda secret: _hs256(secret, b"[]"),
    "claims that are no JSON": lambda secret: _hs256(secret, b"sub=alice"),
    "deep claims": lambda secret: _hs256(secret, b"[" * DEEP + b"]" * DEEP),
    "another issuer": lambda secret: issued(iss="https://attacker.example"),
    "no issuer": lambda secret: _rs256({**claims(), "aud": AUDIENCE}),
    "two issuers": lambda secret: _rs256(
        {**claims(), "aud": AUDIENCE, "iss": [ISSUER]}
    ),
    "another audience": lambda secret: issued(aud="other"),
    "no audience": lambda secret: _rs256({**claims(), "iss": ISSUER}),
    "an audience that is an object": lambda secret: _rs256(
        {**claims(), "iss": ISSUER, "aud": {AUDIENCE: 1}}
    ),
}
ATTACKS: dict[str, Attack] = {
    **PUBLIC_AS_SECRET,
    **FAMILIES,
    **HEADERS,
    **SHAPES,
    **TIMES,
    **CLAIMS,
}

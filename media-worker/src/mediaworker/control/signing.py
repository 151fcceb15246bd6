"""AWS Signature Version 4 of a request, for the services that a worker calls.

`docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html`
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

SERVICE = "execute-api"
S3 = "s3"
ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Of a role, for some hours."""

    key_id: str
    secret_key: str = field(repr=False)
    token: str = field(repr=False)
    expires_at: float
    """Epoch seconds."""


def region_of(host: str) -> str | None:
    """The region in the name of a host of API Gateway; None for any other host."""
    api, _, rest = host.partition(f".{SERVICE}.")
    region, _, domain = rest.partition(".")
    return region if api and region and domain.startswith("amazonaws.com") else None


def signed_headers(
    method: str,
    url: str,
    body: bytes,
    credentials: Credentials,
    region: str,
    now: float,
) -> dict[str, str]:
    """What the request must bear beside its own headers; ``now`` is epoch seconds.

    The URL has no query, and is sent as it is given.
    """
    at = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    parts = urlsplit(url)
    headers = {
        "host": parts.netloc,
        "x-amz-date": at,
        "x-amz-security-token": credentials.token,
    }
    names = ";".join(headers)
    scope = f"{at[:8]}/{region}/{SERVICE}/{TERMINATOR}"
    digest = _digest(_canonical(method, parts.path, headers, body).encode())
    to_sign = "\n".join((ALGORITHM, at, scope, digest))
    key = _key(credentials.secret_key, at[:8], region)
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={credentials.key_id}/{scope}"
    authorization = (
        f"{ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"
    )
    return {
        "X-Amz-Date": at,
        "X-Amz-Security-Token": credentials.token,
        "Authorization": authorization,
    }


def signed_s3_headers(
    method: str,
    url: str,
    digest: str,
    credentials: Credentials,
    region: str,
    now: float,
) -> dict[str, str]:
    """The same for S3, whose paths are signed as they are sent; the query of the URL is
    sorted, and ``digest`` is the body's SHA-256 in hexadecimal."""
    at = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    parts = urlsplit(url)
    headers = {
        "host": parts.netloc,
        "x-amz-content-sha256": digest,
        "x-amz-date": at,
    }
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    names = ";".join(headers)
    path = parts.path or "/"
    canonical = "\n".join((method, path, parts.query, lines, names, digest))
    scope = f"{at[:8]}/{region}/{S3}/{TERMINATOR}"
    to_sign = "\n".join((ALGORITHM, at, scope, _digest(canonical.encode())))
    key = _key(credentials.secret_key, at[:8], region, S3)
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={credentials.key_id}/{scope}"
    authorization = (
        f"{ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"
    )
    del headers["host"]
    return {**headers, "Authorization": authorization}


def _canonical(method: str, path: str, headers: Mapping[str, str], body: bytes) -> str:
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    # A path is encoded once more than it is sent.
    encoded = quote(path or "/", safe="/~")
    names = ";".join(headers)
    return "\n".join((method, encoded, "", lines, names, _digest(body)))


def _key(secret_key: str, date: str, region: str, service: str = SERVICE) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in (date, region, service, TERMINATOR):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

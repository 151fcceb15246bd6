"""The stack as a client of it sees it."""

import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

import jwt

from infra.laptop.clock import now_seconds
from infra.laptop.environment import jwt_secret
from infra.token import ALGORITHM, Wanted, claims_of
from infra.wiring import ROOT

HTTP_SECONDS = 10.0


class DemoFailed(Exception):
    """One sentence on what did not happen, and what to do."""


class Refused(Exception):
    """An answer that is no success, under the code that its dialect gives it."""

    def __init__(self, code: int | str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Client:
    """Speaks to one stack, as any user."""

    url: str

    def call(self, method: str, path: str, uid: str = "", body: Any = None) -> Any:
        """The decoded answer; raises `Refused`, or `DemoFailed` where nobody is."""
        headers = {"content-type": "application/json", "x-language": "en-US"}
        if uid:
            headers["authorization"] = f"Bearer {token(uid)}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=HTTP_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                said = json.load(error)
            # OpenChat tells of its errors one level down.
            message = said.get("error", said).get("message", "")
            raise Refused(error.code, message) from None
        except OSError:
            raise DemoFailed(
                f"Parley does not answer at {self.url}: start it with `make run`."
            ) from None


def token(uid: str) -> str:
    """Good for the stack of this checkout."""
    claims = claims_of(Wanted(uid, "user", "default", 1), int(now_seconds()))
    return jwt.encode(claims, jwt_secret(os.environ, ROOT), ALGORITHM)

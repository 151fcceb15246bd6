"""Whoever runs the business's endpoints, over the API."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

import jwt

from infra.demo.client import DemoFailed
from infra.laptop.clock import now_seconds
from infra.laptop.environment import jwt_secret
from infra.token import ALGORITHM, Wanted, claims_of
from infra.wiring import ROOT

PATH = "/v1/webhooks/endpoints"
TIMEOUT_SECONDS = 15.0
MOST_A_PAGE = 200


@dataclass(frozen=True, slots=True)
class Administrator:
    """Every method raises `DemoFailed` for what is refused."""

    url: str

    def create(self, url: str, **more: Any) -> dict[str, Any]:
        """The endpoint, and the one time that its secret is shown."""
        return dict(self._ask("POST", PATH, {"url": url, **more}))

    def find(self, endpoint_id: str) -> dict[str, Any]:
        return dict(self._ask("GET", f"{PATH}/{endpoint_id}"))

    def change(self, endpoint_id: str, **changes: Any) -> dict[str, Any]:
        return dict(self._ask("PATCH", f"{PATH}/{endpoint_id}", changes))

    def rotate(self, endpoint_id: str, overlap_seconds: int) -> str:
        """The new secret."""
        body = {"overlap_seconds": overlap_seconds}
        answer = self._ask("POST", f"{PATH}/{endpoint_id}/rotate", body)
        return str(answer["secret"])

    def test(self, endpoint_id: str) -> dict[str, Any]:
        return dict(self._ask("POST", f"{PATH}/{endpoint_id}/test", {}))

    def replay(self, endpoint_id: str, call_id: str) -> int:
        """How many webhooks are to come again."""
        body = {"call_id": call_id}
        answer = self._ask("POST", f"{PATH}/{endpoint_id}/replay", body)
        return int(answer["webhooks"])

    def attempts(self, endpoint_id: str, **query: str) -> list[dict[str, Any]]:
        """The log of them, all its pages; of those that failed unless asked for all."""
        found: list[dict[str, Any]] = []
        query["limit"] = str(MOST_A_PAGE)
        while True:
            path = f"{PATH}/{endpoint_id}/attempts?{urllib.parse.urlencode(query)}"
            page = self._ask("GET", path)
            found += page["attempts"]
            if page["next"] is None:
                return found
            query["cursor"] = page["next"]

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {
            "content-type": "application/json",
            "authorization": f"Bearer {_token()}",
        }
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                said = error.read().decode(errors="replace")
            raise DemoFailed(f"{method} {path}: {error.code} {said}") from None


def _token() -> str:
    claims = claims_of(Wanted("operator", "admin", "default", 1), int(now_seconds()))
    return jwt.encode(claims, jwt_secret(os.environ, ROOT), ALGORITHM)

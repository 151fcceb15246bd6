"""A client of OpenChat's API, in memory."""

import pytest

from tests.dialects.conftest import VARIABLES, Api, install
from tests.dialects.openchat.clients import Rooms


@pytest.fixture
def rooms(api: Api) -> Rooms:
    return Rooms(api)


@pytest.fixture
def open_rooms(monkeypatch: pytest.MonkeyPatch) -> Rooms:
    variables = {**VARIABLES, "PARLEY_OPEN_DIALECTS": "openchat"}
    return Rooms(install(monkeypatch, variables))

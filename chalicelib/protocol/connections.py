"""Whose a socket at the gateway is, and by what name the gateway knows it."""

import re
from typing import Annotated

from chalicelib.protocol.claims import UID_MAX_LENGTH
from chalicelib.protocol.session.kinds import Line, Matching

CONNECTION_ID = re.compile(r"[A-Za-z0-9_=+/-]{1,128}\Z")

ConnectionId = Annotated[
    str, Matching(CONNECTION_ID, "an id as API Gateway gives to its connections")
]
UserId = Annotated[str, Line(UID_MAX_LENGTH)]

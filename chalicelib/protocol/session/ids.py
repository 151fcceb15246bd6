"""Ids that tell which worker holds the session.

They begin with the worker's short id, so that a worker that is asked for another's
session can pass the socket on without a look-up.
"""

import re

from chalicelib.protocol.session.fields import SESSION_ID

WORKER_ID = re.compile(r"[A-Za-z0-9]{1,16}\Z")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


def session_id(worker_id: str, uuid: str) -> str:
    """A new session's id; a UUID still, when the worker's id has 8 hex digits.

    Raises ValueError unless ``uuid`` is one, in lower case.
    """
    if not UUID.match(uuid):
        raise ValueError("a session's id is made from a UUID in lower case")
    return owned_id(worker_id, uuid.partition("-")[2])


def owned_id(worker_id: str, unique: str) -> str:
    """An id of the worker's own making: of a session or of a dialog.

    Raises ValueError when the worker's id or the whole could not be told apart.
    """
    whole = f"{worker_id}-{unique}"
    if not WORKER_ID.match(worker_id):
        raise ValueError("a worker's short id has 1 to 16 letters and digits")
    if not unique or not SESSION_ID.match(whole):
        raise ValueError("an id has 1 to 256 letters, digits and . _ @ : + ~ = -")
    return whole


def worker_of(id_: str) -> str | None:
    """The worker that the id names; None when it names none.

    A hint: an id of the application's own choosing may look as if it named one, so
    ask the leases before passing anything on.
    """
    worker_id, dash, unique = id_.partition("-")
    return worker_id if dash and unique and WORKER_ID.match(worker_id) else None

"""What describes Parley to programs: public, and made of what it describes."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.protocol import client_document

blueprint = Blueprint(__name__)


@blueprint.route("/asyncapi.json", methods=["GET"])
def asyncapi() -> dict[str, Any]:
    return client_document.document()

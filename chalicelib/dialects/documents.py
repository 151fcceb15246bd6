"""What describes Parley to programs: public, and made of what it describes."""

from typing import Any

from chalice.app import Blueprint

blueprint = Blueprint(__name__)


@blueprint.route("/asyncapi.json", methods=["GET"])
def asyncapi() -> dict[str, Any]:
    # Here, for no other request needs to wait for what it describes.
    from chalicelib.protocol import client_document

    return client_document.document()


@blueprint.route("/protocol.schema.json", methods=["GET"])
def session_protocol() -> dict[str, Any]:
    from chalicelib.protocol.session import schema

    return schema.document()

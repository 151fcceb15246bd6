"""``GET /health``: the control plane answers; no token, no storage."""

from chalice.app import Blueprint

blueprint = Blueprint(__name__)


@blueprint.route("/health", methods=["GET"])
def health() -> dict[str, str]:
    return {"status": "ok"}

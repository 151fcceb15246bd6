"""The Chalice application: every dialect's blueprints, and nothing else."""

from chalice.app import Chalice

from chalicelib.dialects import health
from chalicelib.dialects.activecall import routes as activecall_routes
from chalicelib.dialects.dtalk import routes as dtalk_routes
from chalicelib.dialects.fleet import routes as fleet_routes
from chalicelib.dialects.openchat import access as openchat_access
from chalicelib.dialects.openchat import members as openchat_members
from chalicelib.dialects.openchat import routes as openchat_routes
from chalicelib.dialects.tgortc import operations as tgortc_operations
from chalicelib.dialects.tgortc import routes as tgortc_routes

app = Chalice(app_name="parley-api")
for module in (
    health,
    tgortc_routes,
    tgortc_operations,
    dtalk_routes,
    openchat_routes,
    openchat_members,
    openchat_access,
    activecall_routes,
    fleet_routes,
):
    app.register_blueprint(module.blueprint)

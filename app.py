"""The Chalice application: every dialect's blueprints, and nothing else."""

from chalice.app import Chalice

from chalicelib.dialects import documents, health
from chalicelib.dialects.activecall import routes as activecall_routes
from chalicelib.dialects.dtalk import routes as dtalk_routes
from chalicelib.dialects.fleet import routes as fleet_routes
from chalicelib.dialects.openchat import access as openchat_access
from chalicelib.dialects.openchat import members as openchat_members
from chalicelib.dialects.openchat import routes as openchat_routes
from chalicelib.dialects.tgortc import operations as tgortc_operations
from chalicelib.dialects.tgortc import routes as tgortc_routes
from chalicelib.dialects.v1 import calls as v1_calls
from chalicelib.dialects.v1 import devices as v1_devices
from chalicelib.dialects.v1 import keys as v1_keys
from chalicelib.dialects.v1 import tickets as v1_tickets
from chalicelib.dialects.v1 import users as v1_users
from chalicelib.dialects.v1 import webhooks as v1_webhooks
from chalicelib.dialects.v1 import workers as v1_workers

app = Chalice(app_name="parley-api")
for module in (
    health,
    documents,
    tgortc_routes,
    tgortc_operations,
    dtalk_routes,
    openchat_routes,
    openchat_members,
    openchat_access,
    activecall_routes,
    fleet_routes,
    v1_keys,
    v1_calls,
    v1_devices,
    v1_tickets,
    v1_users,
    v1_webhooks,
    v1_workers,
):
    app.register_blueprint(module.blueprint)

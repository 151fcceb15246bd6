"""The Chalice application: every dialect's blueprint, and nothing else."""

from chalice.app import Chalice

from chalicelib.dialects.health import blueprint as health
from chalicelib.dialects.tgortc.routes import blueprint as tgortc

app = Chalice(app_name="parley-api")
app.register_blueprint(health)
app.register_blueprint(tgortc)

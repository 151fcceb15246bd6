"""What measures, where somebody looks at it."""

import functools
import os

from chalicelib.adapters.metrics import EmfMeter, Unmeasured
from chalicelib.services.measures import Meter

VARIABLE, EMF = "PARLEY_METRICS", "emf"


@functools.cache
def meter() -> Meter:
    """Prints lines for CloudWatch if the environment asks for them."""
    return EmfMeter() if os.environ.get(VARIABLE) == EMF else Unmeasured()

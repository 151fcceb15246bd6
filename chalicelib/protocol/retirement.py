"""What the machine carries that retires the workers of former deployments."""

from dataclasses import dataclass
from typing import ClassVar

from chalicelib.protocol.lease import Stamped
from chalicelib.protocol.session.fields import Count, Name, Timestamp


@dataclass(frozen=True, slots=True)
class Retirement(Stamped):
    """A deployment of the workers' service, until nothing is left of those before."""

    kind: ClassVar[str] = "retirement"
    service_arn: Name
    deployment_id: Name
    began_at_ms: Timestamp = 0
    """When it was looked at first; 0: never yet."""
    wait_seconds: Count = 0
    """Until it is to be looked at again."""
    is_over: bool = False

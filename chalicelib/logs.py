"""Structured logs: one JSON object a line, ids in fields, never a secret or SDP."""

import functools
import logging

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers

SERVICE = "parley"


@functools.cache
def configure() -> None:
    """Let what every layer logs by the standard library come out as Powertools'."""
    packages = logging.getLogger("chalicelib")
    copy_config_to_registered_loggers(
        Logger(service=SERVICE, name="%(name)s"), include={packages.name}
    )

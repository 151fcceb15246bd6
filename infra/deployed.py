"""Parley deployed into the emulated cloud: where it is, and what to mend there."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import botocore.session

from infra.wiring import APPLICATIONS, CORS, DEVICES, TABLE, Variable

REGION = "us-east-1"
FAKE_AWS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "CDK_DISABLE_CLI_TELEMETRY": "true",
}
"""Stands in for every ``AWS_*`` variable, so the user's account is out of reach."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """Parley, deployed: where it is and how to look into it."""

    endpoint: str
    outputs: Mapping[str, str]
    """Every output of every stack, by its name."""

    @property
    def http_url(self) -> str:
        """What a path of the HTTP API is appended to.

        A Host header, as on AWS, works too, but for ``/health``: MiniStack's own.
        """
        api = self.outputs["HttpApiId"]
        return f"{self.endpoint}/_aws/execute-api/{api}/$default"

    @property
    def connections_url(self) -> str:
        """Of applications' sockets, for who posts to them: ``http``."""
        api = self.outputs["ApplicationsApiId"]
        return f"{self.endpoint}/_aws/execute-api/{api}/{APPLICATIONS.stage}"

    @property
    def sockets_url(self) -> str:
        """The same, for who connects to them."""
        return "ws" + self.connections_url.removeprefix("http")

    @property
    def clients_url(self) -> str:
        """Of devices' sockets, for who posts to them: ``http``."""
        api = self.outputs["ClientsApiId"]
        return f"{self.endpoint}/_aws/execute-api/{api}/{DEVICES.stage}"

    @property
    def table_name(self) -> str:
        """The name that CloudFormation gave to the table."""
        return self.outputs["TableName"]

    def client(self, service: str) -> Any:
        """A client of the emulated service."""
        return botocore.session.get_session().create_client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=FAKE_AWS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=FAKE_AWS["AWS_SECRET_ACCESS_KEY"],
        )

    def variables(self) -> dict[str, str]:
        """The environment's secret, as the functions read it."""
        value = self.client("secretsmanager").get_secret_value(
            SecretId=self.outputs["SecretArn"]
        )
        return dict(json.loads(value["SecretString"]))

    def set_variables(self, **variables: str) -> None:
        """Merge into the secret; a function that has run keeps what it read."""
        self.client("secretsmanager").put_secret_value(
            SecretId=self.outputs["SecretArn"],
            SecretString=json.dumps(self.variables() | variables),
        )


def mend(cloud: Cloud) -> None:
    """Do what MiniStack's CloudFormation leaves undone."""
    # The addresses that the stacks would name are AWS's, not this process's.
    cloud.set_variables(
        **{
            Variable.CONNECTIONS_URL: cloud.connections_url,
            Variable.CLIENTS_URL: cloud.clients_url,
        }
    )
    # CloudFormation here stores the table's TTL without switching it on.
    cloud.client("dynamodb").update_time_to_live(
        TableName=cloud.table_name,
        TimeToLiveSpecification={
            "Enabled": True,
            "AttributeName": TABLE.ttl_attribute,
        },
    )
    # It stores the CORS settings under names that the gateway does not read.
    cloud.client("apigatewayv2").update_api(
        ApiId=cloud.outputs["HttpApiId"],
        CorsConfiguration={
            "AllowOrigins": CORS.allow_origins,
            "AllowMethods": CORS.allow_methods,
            "AllowHeaders": CORS.allow_headers,
            "MaxAge": CORS.max_age_seconds,
        },
    )

"""A Lambda function as the wiring has it, with a role of its own."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as ddb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lam
from aws_cdk import aws_secretsmanager as secrets
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.components.deployment import Deployment, construct_id
from infra.components.findings import accept
from infra.components.logs import log_group
from infra.parts import Access, Function
from infra.wiring import TABLE, Variable

READ_ACTIONS = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query")
"""No Scan: no call may cost more because more calls are stored."""
SCAN_ACTIONS = ("dynamodb:Scan",)
"""Of who erases users, whom no index finds everywhere."""

WRITE_ACTIONS = (
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:ConditionCheckItem",
)

INDEX_ACTIONS = ("dynamodb:Query",)

SEAL_ACTIONS = ("kms:Encrypt", "kms:Decrypt")

ENLIST_ACTIONS = ("sns:CreatePlatformEndpoint",)
REVIVE_ACTIONS = ("sns:SetEndpointAttributes", "sns:DeleteEndpoint")
PUSH_ACTIONS = ("sns:Publish", "sns:DeleteEndpoint")

SERVICE_ACTIONS = ("ecs:DescribeServices",)
TASK_ACTIONS = ("ecs:DescribeTasks",)

PLACE_ACTIONS = (
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeSubnets",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
)
"""By which Lambda puts a function into a network; EC2 lets no resource be named."""

EXPORTED_CLUSTER = "ParleyNetwork:ExportsOutputRefClusterEB0386A796A0E3FE"
"""The workers' cluster, in the eyes of the other stacks."""

TABLE_ACTIONS = {
    Access.READ: READ_ACTIONS,
    Access.READ_WRITE: READ_ACTIONS + WRITE_ACTIONS,
}


class ParleyFunction(Construct):
    """Each permission comes with the variable that names what it permits."""

    def __init__(
        self,
        scope: Construct,
        wired: Function,
        deployment: Deployment,
        vpc: ec2.IVpc | None = None,
        group: ec2.ISecurityGroup | None = None,
    ) -> None:
        """``vpc`` is the workers' network, for who is to sit in it, in ``group``."""
        super().__init__(scope, construct_id(wired.name))
        self.wired = wired
        self.logs = logs = log_group(self, "Logs")
        # Lambda's managed policy would let every function write every log group.
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        )
        logs.grant_write(role)
        place = vpc if wired.sits_in_vpc else None
        if place:
            _let_lambda_place(role)
        # X-Ray stays off: sampled traces would cost more than the calls do, and
        # traceparent goes from the request to the webhook by itself.
        self.function = lam.Function(
            self,
            "Function",
            description=f"Parley {wired.name}: {wired.handler}",
            handler=wired.handler,
            code=deployment.code,
            runtime=deployment.runtime,
            architecture=deployment.architecture,
            memory_size=wired.memory_mb,
            timeout=cdk.Duration.seconds(wired.timeout_seconds),
            reserved_concurrent_executions=wired.reserved_concurrency,
            role=role,
            log_group=logs,
            vpc=place,
            security_groups=[group] if place and group else None,
            environment={
                Variable.ENVIRONMENT: deployment.environment,
                "POWERTOOLS_SERVICE_NAME": "parley",
                "POWERTOOLS_LOG_LEVEL": "INFO",
            },
        )

        accept(
            self.function,
            "L1",
            "Python 3.13 is supported until 2029; a newer one follows when the whole "
            "suite has run on it.",
        )
        self._use_phones(deployment)
        if wired.measures and not deployment.is_emulated:
            self._name(Variable.METRICS, "emf")

    def _use_phones(self, deployment: Deployment) -> None:
        """Permit what the wiring says of the SNS apps that the deployment names."""
        apps = deployment.push_apps
        is_concerned = self.wired.enlists_phones or self.wired.pushes_to_phones
        if not (apps and is_concerned):
            return
        endpoints = [f"{arn.replace(':app/', ':endpoint/')}/*" for arn in apps]
        if self.wired.enlists_phones:
            self._permit(ENLIST_ACTIONS, apps)
            self._permit(REVIVE_ACTIONS, endpoints)
        if self.wired.pushes_to_phones:
            self._permit(PUSH_ACTIONS, endpoints)
        self._name(Variable.PUSH_SNS_APPS, deployment.push_sns_apps)
        for endpoint in endpoints:
            reason = "SNS names the endpoints of an app, one for each phone."
            accept(self, f"IAM5[Resource::{endpoint}]", reason)

    def use_table(self, table: ddb.ITable) -> None:
        """Permit what the wiring says, item by item."""
        actions = TABLE_ACTIONS.get(self.wired.table)
        if actions:
            # Table.grant would permit all of it on every index as well.
            self._permit(actions, [table.table_arn])
            indexes = [f"{table.table_arn}/index/{one.name}" for one in TABLE.indexes]
            self._permit(INDEX_ACTIONS, indexes)
            if self.wired.reads_all:
                self._permit(SCAN_ACTIONS, [table.table_arn])
            self._name(Variable.TABLE, table.table_name)

    def use_secret(self, secret: secrets.ISecret) -> None:
        """Permit to read the environment's secret, if the wiring says so."""
        if self.wired.reads_secret:
            secret.grant_read(self.function)
            self._name(Variable.SECRET_ARN, secret.secret_arn)

    def use_key(self, key: kms.IKey) -> None:
        """Permit to seal and to open what was sealed, if the wiring says so."""
        if self.wired.seals:
            # Key.grant would permit data keys and re-encryption as well.
            self._permit(SEAL_ACTIONS, [key.key_arn])
            self._name(Variable.KMS_KEY_ARN, key.key_arn)

    def use_bus(self, bus: events.IEventBus) -> None:
        """Permit to put events on the bus, if the wiring says so."""
        if self.wired.puts_events:
            bus.grant_put_events_to(self.function)
            self._name(Variable.BUS, bus.event_bus_name)

    def use_machine(
        self, name: str, variable: Variable, machine: sfn.IStateMachine
    ) -> None:
        """Permit to start the machine called ``name``, if the wiring says so."""
        if name in self.wired.starts:
            machine.grant_start_execution(self.function)
            self._name(variable, machine.state_machine_arn)

    def use_connections(self, url: str | None, arn: str) -> None:
        """Permit to reach the sockets of an API, if the wiring says so; ``url`` is
        None where it is known to nobody yet."""
        if self.wired.manages_connections:
            self._permit(["execute-api:ManageConnections"], [arn])
            if url is not None:
                self._name(Variable.CONNECTIONS_URL, url)

    def use_sockets(self, name: str, url: str | None, arn: str) -> bool:
        """Permit to reach the sockets of the API called ``name``, and tell whether the
        wiring says so; ``url`` is None where it is known to nobody yet."""
        if name not in self.wired.posts_to:
            return False
        self._permit(["execute-api:ManageConnections"], [arn])
        if url is not None:
            self._name(Variable.CLIENTS_URL, url)
        return True

    def see_deployments(self, service_arn: str, tasks_arn: str) -> None:
        """Permit to look at a service of ECS and its tasks, if the wiring says so."""
        if self.wired.sees_deployments:
            self._permit(SERVICE_ACTIONS, [service_arn])
            self._permit(TASK_ACTIONS, [tasks_arn])
            accept(
                self,
                "IAM5[Resource::arn:<AWS::Partition>:ecs:<AWS::Region>:"
                f"<AWS::AccountId>:task/{EXPORTED_CLUSTER}/*]",
                "ECS names the tasks of the one cluster when it starts them.",
            )

    def _permit(self, actions: Sequence[str], resources: Sequence[str]) -> None:
        self.function.add_to_role_policy(
            iam.PolicyStatement(actions=list(actions), resources=list(resources))
        )

    def _name(self, variable: Variable, value: str) -> None:
        self.function.add_environment(variable, value)


def _let_lambda_place(role: iam.Role) -> None:
    """Lambda alone: what runs in the function asks as somebody, and is refused."""
    role.add_to_policy(
        iam.PolicyStatement(actions=list(PLACE_ACTIONS), resources=["*"])
    )
    role.add_to_policy(
        iam.PolicyStatement(
            effect=iam.Effect.DENY,
            actions=list(PLACE_ACTIONS),
            resources=["*"],
            conditions={"Null": {"lambda:SourceFunctionArn": "false"}},
        )
    )
    accept(
        role,
        "IAM5[Resource::*]",
        "Lambda makes the network interfaces before they have names, and the code of "
        "the function is denied what Lambda is allowed.",
    )

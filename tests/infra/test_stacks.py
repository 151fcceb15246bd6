"""The synthesised templates say what the wiring says, and nothing beside it."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3

from infra import wiring
from infra.components.deployment import Deployment, Target
from infra.components.function import PLACE_ACTIONS, READ_ACTIONS, WRITE_ACTIONS
from infra.parts import Access, Function
from infra.stacks.application import compose
from infra.wiring import Variable
from tests.infra.synthesis import Resource, Synthesis

FUNCTIONS = pytest.mark.parametrize(
    "wired", wiring.FUNCTIONS, ids=lambda function: str(function.name)
)
TABLE_ACTIONS = {
    Access.NONE: set(),
    Access.READ: set(READ_ACTIONS),
    Access.READ_WRITE: {*READ_ACTIONS, *WRITE_ACTIONS},
}
KEEPERS = ("ParleyData", "ParleyEvents", "ParleyStorage")
"""Stacks with what cannot be made again."""
HTTP = "ParleyApi"
"""The stack of the HTTP API."""
STREAM_ACTIONS = {
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
}


def _actions(statements: list[Resource]) -> set[str]:
    found: set[str] = set()
    for statement in statements:
        action = statement["Action"]
        found |= {action} if isinstance(action, str) else set(action)
    return found


def test_every_wired_function_is_there_and_no_other(aws: Synthesis) -> None:
    handlers = [one["Handler"] for one in aws.functions.values()]
    assert sorted(handlers) == sorted(one.handler for one in wiring.FUNCTIONS)


@FUNCTIONS
def test_function_has_its_size_and_time(aws: Synthesis, wired: Function) -> None:
    function = aws.function(wired.handler)
    assert function["MemorySize"] == wired.memory_mb
    assert function["Timeout"] == wired.timeout_seconds
    assert function.get("ReservedConcurrentExecutions") == wired.reserved_concurrency
    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["arm64"]


@FUNCTIONS
def test_function_is_told_only_what_it_may_use(aws: Synthesis, wired: Function) -> None:
    variables = aws.function(wired.handler)["Environment"]["Variables"]
    expected = {
        Variable.ENVIRONMENT: True,
        Variable.TABLE: wired.table is not Access.NONE,
        Variable.BUS: wired.puts_events,
        Variable.SECRET_ARN: wired.reads_secret,
        Variable.REDELIVERY_MACHINE_ARN: wiring.REDELIVERY.name in wired.starts,
        Variable.CONNECTIONS_URL: wired.manages_connections,
        Variable.CLIENTS_URL: bool(wired.posts_to),
        Variable.KMS_KEY_ARN: wired.seals,
        Variable.PUSH_SNS_APPS: False,
        Variable.METRICS: wired.measures,
    }
    assert set(expected) == set(Variable)
    assert {name: name in variables for name in Variable} == expected
    assert variables[Variable.ENVIRONMENT] == "production"


@FUNCTIONS
def test_function_may_do_what_the_wiring_says_and_no_more(
    aws: Synthesis, wired: Function
) -> None:
    expected = {"logs:CreateLogStream", "logs:PutLogEvents"}
    expected |= TABLE_ACTIONS[wired.table]
    for has, actions in (
        (
            wired.reads_secret,
            {"secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"},
        ),
        (wired.puts_events, {"events:PutEvents"}),
        (wired.starts, {"states:StartExecution"}),
        (wired.reads_all, {"dynamodb:Scan"}),
        (wired.seals, {"kms:Encrypt", "kms:Decrypt"}),
        (
            wired.manages_connections or wired.posts_to,
            {"execute-api:ManageConnections"},
        ),
        (wired.sees_deployments, {"ecs:DescribeServices", "ecs:DescribeTasks"}),
        (wired.sits_in_vpc, set(PLACE_ACTIONS)),
    ):
        expected |= actions if has else set()
    if any(mapping.function == wired.name for mapping in wiring.STREAM_MAPPINGS):
        expected |= STREAM_ACTIONS | {"s3:PutObject", "s3:ListBucket"}
    if any(rule.function == wired.name for rule in wiring.RULES):
        expected |= {"sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"}
    assert _actions(aws.statements(aws.function(wired.handler))) == expected


def test_nobody_but_the_api_may_read_the_whole_table() -> None:
    """For the erasure of users; no call, timer or webhook ever scans."""
    assert [one.name for one in wiring.FUNCTIONS if one.reads_all] == ["api"]


@FUNCTIONS
def test_function_role_names_every_resource(aws: Synthesis, wired: Function) -> None:
    for statement in aws.statements(aws.function(wired.handler)):
        if wired.sits_in_vpc and _actions([statement]) == set(PLACE_ACTIONS):
            # See test_lambda_places_the_relay_and_its_code_cannot.
            continue
        assert statement["Effect"] == "Allow"
        assert statement["Resource"] != "*"
        assert not any("*" in action for action in _actions([statement]))


@FUNCTIONS
def test_function_may_query_the_indexes_and_nothing_else_there(
    aws: Synthesis, wired: Function
) -> None:
    found = [
        (_actions([statement]), resource["Fn::Join"][1][-1])
        for statement in aws.statements(aws.function(wired.handler))
        for resource in _resources(statement)
        if "/index/" in json.dumps(resource)
    ]
    if wired.table is Access.NONE:
        assert found == []
    else:
        expected = [f"/index/{index.name}" for index in wiring.TABLE.indexes]
        assert found == [({"dynamodb:Query"}, name) for name in expected]


def _resources(statement: Resource) -> list[Any]:
    resource = statement["Resource"]
    return resource if isinstance(resource, list) else [resource]


def test_no_two_functions_share_a_role_or_a_log_group(aws: Synthesis) -> None:
    functions = aws.of_type("AWS::Lambda::Function").values()
    for field in ("Role", "LoggingConfig"):
        assert len({json.dumps(one[field]) for one in functions}) == len(functions)
    assert not aws.of_type("AWS::IAM::ManagedPolicy")
    roles = aws.of_type("AWS::IAM::Role").values()
    assert not any("ManagedPolicyArns" in role for role in roles)


def test_every_log_group_forgets(aws: Synthesis) -> None:
    groups = aws.of_type("AWS::Logs::LogGroup").values()
    assert all(group["RetentionInDays"] == 30 for group in groups)


def test_all_resources_are_named_only_where_none_can_be(aws: Synthesis) -> None:
    nameless = {
        "ParleyEvents": {"xray", "logs"},
        "ParleySockets": {"ec2"},
        "ParleyMedia": {"ecr", "polly", "transcribe"},
    }
    for stack in aws.templates:
        for policy in aws.of_type("AWS::IAM::Policy", stack).values():
            for statement in policy["PolicyDocument"]["Statement"]:
                if statement["Resource"] == "*":
                    services = {one.split(":")[0] for one in _actions([statement])}
                    assert services <= nameless[stack]


def test_table_has_its_keys_its_stream_and_its_ttl(aws: Synthesis) -> None:
    (table,) = aws.of_type("AWS::DynamoDB::Table").values()
    assert table["KeySchema"] == [
        {"AttributeName": wiring.TABLE.partition_key, "KeyType": "HASH"},
        {"AttributeName": wiring.TABLE.sort_key, "KeyType": "RANGE"},
    ]
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert table["TimeToLiveSpecification"] == {
        "AttributeName": wiring.TABLE.ttl_attribute,
        "Enabled": True,
    }
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True
    }


def test_table_has_the_wired_indexes_with_their_keys_alone(aws: Synthesis) -> None:
    (table,) = aws.of_type("AWS::DynamoDB::Table").values()
    assert table["GlobalSecondaryIndexes"] == [
        {
            "IndexName": index.name,
            "KeySchema": [
                {"AttributeName": index.partition_key, "KeyType": "HASH"},
                {"AttributeName": index.sort_key, "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
        for index in wiring.TABLE.indexes
    ]
    types = {one["AttributeName"]: one for one in table["AttributeDefinitions"]}
    for index in wiring.TABLE.indexes:
        assert types[index.partition_key]["AttributeType"] == "S"
        assert types[index.sort_key]["AttributeType"] == "N"


@pytest.mark.parametrize(
    "kind",
    [
        "AWS::DynamoDB::Table",
        "AWS::KMS::Key",
        "AWS::SecretsManager::Secret",
        "AWS::S3::Bucket",
    ],
)
def test_data_outlives_its_stack_except_in_the_emulated_cloud(
    aws: Synthesis, ministack: Synthesis, kind: str
) -> None:
    for synthesis, policy in ((aws, "Retain"), (ministack, "Delete")):
        resources = [
            one
            for stack, template in synthesis.templates.items()
            for one in template["Resources"].values()
            if one["Type"] == kind and stack in KEEPERS
        ]
        assert resources
        for resource in resources:
            assert resource["DeletionPolicy"] == policy
            assert resource["UpdateReplacePolicy"] == policy


def test_http_api_has_the_default_route_alone(aws: Synthesis) -> None:
    (route,) = aws.of_type("AWS::ApiGatewayV2::Route", HTTP).values()
    (integration,) = aws.of_type("AWS::ApiGatewayV2::Integration", HTTP).values()
    assert route["RouteKey"] == "$default"
    assert integration["PayloadFormatVersion"] == "2.0"
    name = integration["IntegrationUri"]["Fn::GetAtt"][0]
    functions = aws.of_type("AWS::Lambda::Function")
    assert functions[name]["Handler"] == wiring.HTTP_DEFAULT.handler


def test_http_stage_throttles_and_logs_no_query(aws: Synthesis) -> None:
    (stage,) = aws.of_type("AWS::ApiGatewayV2::Stage", HTTP).values()
    assert stage["DefaultRouteSettings"]["ThrottlingBurstLimit"] > 0
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
    logged = json.loads(stage["AccessLogSettings"]["Format"])
    assert not any("query" in value.lower() for value in logged.values())


def test_cors_is_the_wiring_s_and_names_the_token_header(aws: Synthesis) -> None:
    (api,) = aws.of_type("AWS::ApiGatewayV2::Api", HTTP).values()
    assert api["CorsConfiguration"] == {
        "AllowOrigins": list(wiring.CORS.allow_origins),
        "AllowMethods": list(wiring.CORS.allow_methods),
        "AllowHeaders": list(wiring.CORS.allow_headers),
        "MaxAge": wiring.CORS.max_age_seconds,
    }
    assert "authorization" in wiring.CORS.allow_headers


def test_secret_is_generated_and_stands_in_no_template(aws: Synthesis) -> None:
    (secret,) = aws.of_type("AWS::SecretsManager::Secret", "ParleyData").values()
    assert "SecretString" not in secret
    assert secret["GenerateSecretString"]["GenerateStringKey"] == "PARLEY_JWT_SECRET"
    assert secret["GenerateSecretString"]["SecretStringTemplate"] == "{}"
    for function in aws.functions.values():
        names = set(function["Environment"]["Variables"]) - set(Variable)
        assert names == {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_LOG_LEVEL"}


def test_key_turns_and_only_who_seals_may_use_it(aws: Synthesis) -> None:
    (key,) = aws.of_type("AWS::KMS::Key", "ParleyData").values()
    assert key["EnableKeyRotation"] is True
    sealing = {wired.name for wired in wiring.FUNCTIONS if wired.seals}
    assert sealing == {"api", "deliver", "redeliver", "sweep"}


def test_templates_name_no_account_and_no_region(aws: Synthesis) -> None:
    for template in aws.templates.values():
        text = json.dumps(template["Resources"])
        assert not re.search(r"\b\d{12}\b", text)
        assert not re.search(r"\b(us|eu|ap)-[a-z]+-\d\b", text)


def test_cdk_nag_finds_nothing_that_is_not_accepted(aws: Synthesis) -> None:
    report = json.loads((aws.folder / "validation-report.json").read_text())
    assert [one for of in report["pluginReports"] for one in of["violations"]] == []


def test_cfn_lint_finds_nothing(aws: Synthesis) -> None:
    """But what CDK writes down though CloudFormation knows it already (W3005)."""
    templates = sorted(map(str, aws.folder.glob("*.template.json")))
    program = str(Path(sys.executable).with_name("cfn-lint"))
    command = [program, "--ignore-checks", "W3005", "--", *templates]
    found = subprocess.run(command, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, ""), found.stdout + found.stderr


def test_cdk_nag_refuses_a_stack_with_an_open_bucket(tmp_path: Path) -> None:
    app = cdk.App(outdir=str(tmp_path / "cdk.out"))
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "entry.py").touch()
    compose(app, Deployment(Target.MINISTACK, tmp_path / "code"))
    s3.Bucket(cdk.Stack(app, "Careless"), "Open")
    with pytest.raises(RuntimeError, match="AwsSolutions-S10"):
        app.synth()


def test_emulated_cloud_runs_development_on_this_interpreter(
    ministack: Synthesis,
) -> None:
    for function in ministack.of_type("AWS::Lambda::Function").values():
        assert function["Architectures"] == ["x86_64"]
        variables = function["Environment"]["Variables"]
        assert variables[Variable.ENVIRONMENT] == "development"

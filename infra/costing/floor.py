"""What the stacks cost in a month in which nobody calls."""

from infra import wiring
from infra.costing.prices import ALARM_MONTH, SECRET_MONTH
from infra.costing.tally import Line

ALARMS = 1 + len(wiring.QUEUES) + len(wiring.STREAM_MAPPINGS)
"""Server errors of the API, each queue of dead letters, each mapping's age."""

FLOOR = (
    Line(ALARM_MONTH, "alarms", ALARMS),
    Line(SECRET_MONTH, "secrets", 1),
)

BILLED_BY_TIME = (
    "AWS::ApplicationAutoScaling::",
    "AWS::CloudFront::",
    "AWS::EC2::",
    "AWS::ECS::",
    "AWS::ElastiCache::",
    "AWS::ElasticLoadBalancingV2::",
    "AWS::GlobalAccelerator::",
    "AWS::KMS::",
    "AWS::RDS::",
    "AWS::Route53::",
    "AWS::WAFv2::",
)
"""Resources that need a line in `FLOOR` as soon as a stack has them."""

TO_COME = "media worker (Fargate, VPC, load balancers): in no stack yet"

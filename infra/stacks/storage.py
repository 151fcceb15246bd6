"""What workers leave behind: recordings, and the logs of who came to them."""

import aws_cdk as cdk
from constructs import Construct

from infra.components.bucket import AccessLogs, RecordingBucket
from infra.components.deployment import Deployment


class StorageStack(cdk.Stack):
    """Kept when the stack is deleted; in no emulated cloud."""

    def __init__(self, scope: Construct, deployment: Deployment) -> None:
        super().__init__(
            scope, "ParleyStorage", description="Parley: recordings and logs"
        )
        self.logs = AccessLogs(self, deployment)
        self.recordings = RecordingBucket(self, deployment, self.logs)
        cdk.CfnOutput(self, "RecordingsName", value=self.recordings.bucket_name)
        cdk.CfnOutput(self, "LogsName", value=self.logs.bucket_name)

"""S3's requests are signed as Amazon's own client signs them."""

from datetime import UTC, datetime
from unittest.mock import patch
from urllib.parse import quote

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as TheirCredentials

from mediaworker.control.signing import Credentials, signed_s3_headers

NOW = 1_700_000_000.0
DIGEST = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("token", ["", "a/token=="])
@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("PUT", "calls/a.wav", ""),
        ("PUT", "a b+c=é/~x.wav", "partNumber=2&uploadId=a%2Fb"),
        ("POST", "a", "uploads="),
    ],
)
def test_signature_is_the_one_that_amazon_s_client_makes(
    method: str, path: str, query: str, token: str
) -> None:
    url = f"https://b.s3.eu-west-1.amazonaws.com/{quote(path, safe='/-._~')}"
    url += f"?{query}" if query else ""
    ours = signed_s3_headers(
        method, url, DIGEST, Credentials("id", "key", token, 0.0), "eu-west-1", NOW
    )
    request = AWSRequest(method, url, data=b"")
    with patch.object(auth, "get_current_datetime") as now:
        now.return_value = datetime.fromtimestamp(NOW, UTC)
        theirs = TheirCredentials("id", "key", token or None)
        signer = auth.S3SigV4Auth(theirs, "s3", "eu-west-1")
        request.context["payload_signing_enabled"] = True
        signer.add_auth(request)
    assert ours["Authorization"] == request.headers["Authorization"]

"""Judges who signed a request: Signature Version 4 as botocore makes it, and AWS's refusals. No I/O here."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.elasticache.errors import AwsError

_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, "
    r"?SignedHeaders=(?P<headers>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass
class User:
    """An IAM user with one access key; `session_token` is set for temporary credentials, which can expire."""

    arn: str
    access_key: str = field(default_factory=lambda: f"AKIA{secrets.token_hex(8).upper()}")
    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(30))
    session_token: str | None = None
    expired: bool = False


@dataclass(frozen=True)
class Signed:
    """A request as it came in; header names in lower case."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


def check(request: Signed, user: User, region: str, service: str = "elasticache") -> None:
    """Accept a request that this user signed for this region and service; AwsError as AWS refuses any other."""
    header = request.headers.get("authorization")
    if not header:
        raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
    parts = _HEADER.fullmatch(header)
    if parts is None:
        raise AwsError("IncompleteSignature", f"Authorization header is not as Signature Version 4 asks: {header}")
    if parts["key"] != user.access_key or request.headers.get("x-amz-security-token") != user.session_token:
        raise AwsError("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
    if user.expired:
        raise AwsError("ExpiredToken", "The security token included in the request is expired", 403)
    if (parts["region"], parts["service"]) != (region, service):
        raise _mismatch(f"Credential should be scoped to a valid region, not '{parts['region']}'.")
    if parts["signature"] != _signature(request, parts["headers"], user, region, service):
        raise _mismatch(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details."
        )


def access_denied(user: User, action: str, resource: str) -> AwsError:
    """What IAM says where no policy allows the action."""
    return AwsError(
        "AccessDenied",
        f"User: {user.arn} is not authorized to perform: elasticache:{action} on resource: {resource} "
        f"because no identity-based policy allows the elasticache:{action} action",
        403,
    )


def _mismatch(message: str) -> AwsError:
    return AwsError("SignatureDoesNotMatch", message, 403)


def _signature(request: Signed, signed_headers: str, user: User, region: str, service: str) -> str:
    headers = {name: request.headers.get(name, "") for name in signed_headers.split(";")}
    again = AWSRequest(method=request.method, url=request.url, data=request.body, headers=headers)
    again.context["timestamp"] = request.headers.get("x-amz-date", "")
    signs = S3SigV4Auth if service == "s3" else SigV4Auth
    signer = signs(Credentials(user.access_key, user.secret_key), service, region)
    return str(signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again))

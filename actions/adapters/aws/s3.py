"""One call to S3, in a thread of its own. The SDK is loaded by the first, and repeats what failed: all of it may be."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from actions.adapters.aws.errors import SilentError
from actions.kit.errors import ActionError, RescueFailed
from actions.kit.rescue_place import Bucket
from actions.kit.unasked import Reason

POLICY = "deploy/aws/iam-policy-rescue.json holds all that Tandem needs"
CONNECT_S, READ_S = 5.0, 60.0
_ATTEMPTS = 3
_TEXT = 200
_NOT_THERE = frozenset({"404", "NoSuchKey", "NotFound"})
_TAKEN = frozenset({"412", "PreconditionFailed", "409", "ConditionalRequestConflict"})
_DENIED = frozenset({"403", "AccessDenied", "Forbidden"})
_NO_BUCKET = "NoSuchBucket"
_LATER = frozenset({"SlowDown", "RequestTimeout", "503", "500"})

_lock = threading.Lock()
_clients: dict[tuple[str | None, str | None], Any] = {}


class NotThereError(RescueFailed):
    """There is no such object."""


class TakenError(RescueFailed):
    """There is an object of that name already."""


async def call(bucket: Bucket, operation: str, **parameters: object) -> dict[str, Any]:
    """Ask, in this bucket; ``operation`` as boto3's client names it.

    Raises:
        NotThereError: there is no such object.
        TakenError: it is not to be written over, and is there.
        RescueFailed: S3 refuses; says what to do.
        Unreachable: there was no answer.
    """
    return await asyncio.to_thread(_call, bucket, operation, parameters)


def _call(bucket: Bucket, operation: str, parameters: dict[str, object]) -> dict[str, Any]:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 -- Most targets do without AWS.

    try:
        answer: dict[str, Any] = getattr(_client(bucket), operation)(Bucket=bucket.name, **parameters)
        if operation == "get_object":
            answer["Body"] = answer["Body"].read()
    except ClientError as error:
        raise _answered(bucket, operation, error.response) from error
    except BotoCoreError as error:
        raise _unanswered(bucket, operation, error) from error
    return answer


def _client(bucket: Bucket) -> Any:
    import boto3  # noqa: PLC0415 -- It takes long to load.
    from botocore.config import Config  # noqa: PLC0415 -- As above.

    config = Config(
        connect_timeout=CONNECT_S,
        read_timeout=READ_S,
        retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
        # We give a checksum with each request that carries data.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_supported",
        s3={"addressing_style": "path"} if bucket.endpoint_url else {},
    )
    key = (bucket.region, bucket.endpoint_url)
    with _lock:
        if key not in _clients:
            session = boto3.session.Session(region_name=bucket.region)
            _clients[key] = session.client("s3", endpoint_url=bucket.endpoint_url, config=config)
        return _clients[key]


def _forget(bucket: Bucket) -> None:
    """Credentials that are mended in the environment or on disk are found by a new client only."""
    with _lock:
        _clients.pop((bucket.region, bucket.endpoint_url), None)


def _answered(bucket: Bucket, operation: str, response: dict[str, Any]) -> ActionError:
    code = str(response.get("Error", {}).get("Code", ""))
    said = _one_line(response.get("Error", {}).get("Message", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code == _NO_BUCKET or (operation == "head_bucket" and code in _NOT_THERE):
        return RescueFailed(f"There is no bucket {bucket.name}; rescue: in targets.yaml names it.")
    if code in _NOT_THERE:
        return NotThereError(f"{bucket} has no such object.")
    if code in _TAKEN:
        return TakenError(f"{bucket} has an object of that name already, and no copy is ever written over.")
    if code in _LATER or status >= 500:
        return SilentError(Reason.CLOSED, f"S3 failed to answer {_name(operation)} ({status} {code}): {said}.", code)
    _forget(bucket)
    if code in _DENIED:
        return RescueFailed(f"S3 does not let us {_name(operation)} in {bucket}: {POLICY}.")
    return RescueFailed(f"S3 refuses {_name(operation)} in {bucket} ({code}): {said}.")


def _unanswered(bucket: Bucket, operation: str, error: Exception) -> ActionError:
    from botocore import exceptions as aws  # noqa: PLC0415 -- As above.

    _forget(bucket)
    if isinstance(error, aws.NoCredentialsError | aws.PartialCredentialsError | aws.ProfileNotFound):
        return RescueFailed(
            f"There are no AWS credentials for {bucket} ({_one_line(error)}): give the bot a role, or set what boto3 "
            "reads, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    if isinstance(error, aws.HTTPClientError | aws.ConnectionError):
        where = bucket.endpoint_url or "AWS"
        return SilentError(Reason.TIMED_OUT, f"S3 gave no answer to {_name(operation)} ({where}): {_one_line(error)}.")
    return RescueFailed(f"S3 could not be asked in {bucket}: {_one_line(error)}.")


def _name(operation: str) -> str:
    return "".join(map(str.capitalize, operation.split("_")))


def _one_line(text: object) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in str(text)).split())[:_TEXT].rstrip(".")

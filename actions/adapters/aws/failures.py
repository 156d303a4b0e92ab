"""Says why AWS gave no answer: every exception of the SDK becomes one of our errors and one sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from botocore import exceptions as aws

from actions.adapters.aws.errors import AwsError, DeniedError, ShutOutError, SilentError, ThrottledError
from actions.kit.topology import ReplicationGroup
from actions.kit.unasked import Reason

POLICY = "deploy/aws/iam-policy.json holds all that Tandem needs"
MAX_TEXT = 300

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"})
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN = frozenset(
    {
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "AuthFailure",
        "InvalidAccessKeyId",
        "OptInRequired",
        "SubscriptionRequiredException",
    }
)
_THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "SlowDown",
    }
)
_GONE: Final = "ReplicationGroupNotFoundFault"
_BUDGET: Final = "APICallRateForCustomerExceeded"
_BLOCKED: Final = "TestFailoverNotAvailableFault"

_NO_CREDENTIALS = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.ProfileNotFound,
    aws.NoAuthTokenError,
    aws.TokenRetrievalError,
    aws.SSOError,
    aws.LoginError,
)


def explain(error: aws.BotoCoreError | aws.ClientError, operation: str, place: ReplicationGroup) -> AwsError:
    """Our error for one of the SDK's; ``operation`` as AWS writes it, such as ``TestFailover``."""
    if isinstance(error, aws.ClientError):
        return _answered(error, operation, place)
    if isinstance(error, _NO_CREDENTIALS):
        return ShutOutError(Reason.NOAUTH, f"There are no AWS credentials ({_one_line(error)}): {_CHAIN}.")
    for kinds, reason, words in _SILENCE:
        if isinstance(error, kinds):
            return SilentError(reason, words(error, operation, place))
    return DeniedError(Reason.REFUSED_COMMAND, f"{operation} could not be asked: {_one_line(error)}.")


_CHAIN = (
    "give the bot a role, or set what boto3 reads: AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ~/.aws"
)


def _answered(error: aws.ClientError, operation: str, place: ReplicationGroup) -> AwsError:
    answer = error.response.get("Error", {})
    code, said = str(answer.get("Code", "")), _one_line(answer.get("Message", ""))
    for codes, words in _SENTENCES:
        if code in codes:
            return words(code, said, operation, place)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if status >= 500:
        return SilentError(Reason.CLOSED, f"AWS failed to answer {operation} ({status} {code}): {said}.", code)
    return DeniedError(Reason.REFUSED_COMMAND, f"AWS refuses {operation} ({code}): {said.rstrip('.')}.", code)


def _denied(code: str, _said: str, operation: str, place: ReplicationGroup) -> AwsError:
    return ShutOutError(
        Reason.NOPERM,
        f"AWS does not let us: the IAM policy has to allow elasticache:{operation} for {place.name} in {place.region}; "
        f"{POLICY}.",
        code,
    )


def _expired(code: str, _said: str, _operation: str, _place: ReplicationGroup) -> AwsError:
    why = "The AWS credentials have expired: renew them (aws sso login, a new session token), or set the clock right."
    return ShutOutError(Reason.WRONGPASS, why, code)


def _unknown(code: str, said: str, _operation: str, place: ReplicationGroup) -> AwsError:
    why = f"AWS does not accept our credentials in {place.region} ({code}): {said.rstrip('.')}."
    return ShutOutError(Reason.WRONGPASS, why, code)


def _throttled(code: str, _said: str, operation: str, place: ReplicationGroup) -> AwsError:
    why = (
        f"AWS throttles {operation} in {place.region} ({code}): too many calls in this account; try again in a minute."
    )
    return ThrottledError(Reason.THROTTLED, why, code)


def _not_found(code: str, _said: str, _operation: str, place: ReplicationGroup) -> AwsError:
    return DeniedError(Reason.NOT_FOUND, f"There is no replication group {place.name} in {place.region}.", code)


def _budget(code: str, said: str, operation: str, _place: ReplicationGroup) -> AwsError:
    why = f"AWS refuses {operation}: its budget of 15 node groups in 24 hours is used up ({said.rstrip('.')})."
    return DeniedError(Reason.REFUSED_COMMAND, why, code)


def _blocked(code: str, said: str, operation: str, _place: ReplicationGroup) -> AwsError:
    why = f"AWS does not offer {operation} here now ({said.rstrip('.')}): choose a candidate with --to instead."
    return DeniedError(Reason.REFUSED_COMMAND, why, code)


_Words = Callable[[str, str, str, ReplicationGroup], AwsError]
_SENTENCES: tuple[tuple[frozenset[str], _Words], ...] = (
    (_DENIED, _denied),
    (_EXPIRED, _expired),
    (_UNKNOWN, _unknown),
    (_THROTTLED, _throttled),
    (frozenset({_GONE}), _not_found),
    (frozenset({_BUDGET}), _budget),
    (frozenset({_BLOCKED}), _blocked),
)


def _no_endpoint(_error: object, _operation: str, place: ReplicationGroup) -> str:
    if place.endpoint_url is not None:
        return f"Nothing answers at {place.endpoint_url}, which TANDEM_AWS_ENDPOINT_URL names."
    return (
        f"AWS's ElastiCache in {place.region} cannot be reached: is that the name of a region (such as eu-west-1), and "
        "may this machine connect to AWS?"
    )


def _in_time(_error: object, operation: str, place: ReplicationGroup) -> str:
    return f"AWS did not answer {operation} in time ({_where(place)})."


def _no_tls(error: object, _operation: str, place: ReplicationGroup) -> str:
    return f"No TLS connection to AWS ({_where(place)}): {_one_line(error)}."


def _broke(_error: object, operation: str, place: ReplicationGroup) -> str:
    return f"The connection to AWS broke under {operation} ({_where(place)})."


def _where(place: ReplicationGroup) -> str:
    return place.endpoint_url or place.region


def _one_line(text: object) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in str(text)).split())[:MAX_TEXT].rstrip(".")


_SILENCE: tuple[tuple[tuple[type[Exception], ...], Reason, Callable[[object, str, ReplicationGroup], str]], ...] = (
    ((aws.EndpointConnectionError,), Reason.UNRESOLVED, _no_endpoint),
    ((aws.ConnectTimeoutError, aws.ReadTimeoutError), Reason.TIMED_OUT, _in_time),
    ((aws.SSLError,), Reason.TLS, _no_tls),
    ((aws.HTTPClientError, aws.ConnectionError), Reason.CLOSED, _broke),
)

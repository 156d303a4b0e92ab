"""One call to AWS, in a thread of its own: the SDK blocks. Clients are shared by all targets of a region.

The SDK repeats nothing by itself. What AWS has throttled it has not done, so that may be asked again, and is, by
``actions.adapters.aws.group``; after a time-out or a broken connection a change may have been made, so it is not.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from actions.adapters.aws.errors import AwsError, ShutOutError
from actions.adapters.aws.failures import explain
from actions.kit.topology import ReplicationGroup

CONNECT_S, READ_S = 2.0, 5.0
THREADS = 8
_CONFIG = Config(
    connect_timeout=CONNECT_S,
    read_timeout=READ_S,
    retries={"total_max_attempts": 1, "mode": "standard"},
    max_pool_connections=THREADS,
    parameter_validation=True,
)
_lock = threading.Lock()
_clients: dict[tuple[str, str | None], Any] = {}


def call(place: ReplicationGroup, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Ask once; ``operation`` as boto3's client names it.

    Raises:
        AwsError: there was no answer, or it was no.
    """
    try:
        client = _client(place)
        answer: dict[str, Any] = getattr(client, operation)(**parameters)
    except (BotoCoreError, ClientError) as error:
        failure = explain(error, "".join(map(str.capitalize, operation.split("_"))), place)
        _forget_where_it_was_no_use(place, failure)
        raise failure from error
    return answer


def load(place: ReplicationGroup) -> None:
    """Make the client beforehand; why that cannot be done is for the first call to say."""
    with suppress(BotoCoreError, ClientError):
        _client(place)


def _client(place: ReplicationGroup) -> Any:
    """Made once: it reads the service's model, which takes a while. It renews by itself what can be renewed."""
    key = (place.region, place.endpoint_url)
    with _lock:
        if key not in _clients:
            session = boto3.session.Session(region_name=place.region)
            _clients[key] = session.client("elasticache", endpoint_url=place.endpoint_url, config=_CONFIG)
        return _clients[key]


def _forget_where_it_was_no_use(place: ReplicationGroup, failure: AwsError) -> None:
    """Credentials that are mended in the environment or on disk are found by a new client only."""
    if isinstance(failure, ShutOutError):
        with _lock:
            _clients.pop((place.region, place.endpoint_url), None)

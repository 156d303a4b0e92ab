import asyncio
from typing import Any

import boto3
import pytest
from botocore.config import Config

from sandbox.elasticache import LocalElastiCache, elasticache


class Boto:
    """The real client, each call in a thread; without retries, so that a test sees every answer."""

    def __init__(self, aws: LocalElastiCache, *, read_timeout: float = 60, **options: Any) -> None:
        config = Config(retries={"total_max_attempts": 1}, read_timeout=read_timeout)
        self.client = boto3.client("elasticache", config=config, **{**aws.client_options, **options})

    async def __call__(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return await asyncio.to_thread(getattr(self.client, operation), **parameters)

    async def group(self, group_id: str = "orders") -> dict[str, Any]:
        answer = await self("describe_replication_groups", ReplicationGroupId=group_id)
        return answer["ReplicationGroups"][0]

    async def messages(self, **parameters: Any) -> list[str]:
        """Of the events, oldest first."""
        return [event["Message"] for event in (await self("describe_events", **parameters))["Events"]][::-1]

    async def modify(self, **parameters: Any) -> dict[str, Any]:
        defaults = {"ReplicationGroupId": "orders", "ApplyImmediately": True}
        return await self("modify_replication_group", **{**defaults, **parameters})


@pytest.fixture
async def aws():
    async with elasticache() as local:
        yield local


@pytest.fixture
def boto(aws):
    return Boto(aws)

"""What goes wrong with AWS is a sentence that says what to do, and is tried again only where nothing was done."""

import asyncio
import socket
from dataclasses import replace

import pytest

from actions.adapters.aws import AwsElastiCache
from actions.adapters.aws.calls import READ_S
from actions.adapters.aws.errors import AwsError
from actions.kit.elasticache.views import Source
from actions.kit.errors import AccessDenied, CommandRefused, Unreachable
from actions.kit.unasked import Reason
from sandbox.elasticache import LocalElastiCache
from tests.elasticache import GROUP, account, place


@pytest.fixture
async def aws(monkeypatch):
    async with account(monkeypatch) as local:
        await local.add_group(GROUP)
        yield local


async def why(aws: LocalElastiCache, kind: type[AwsError] = AwsError, **changes: str) -> tuple[Reason, str]:
    """How asking about the group ends."""
    with pytest.raises(kind) as caught:
        await AwsElastiCache(replace(place(aws), **changes)).group()
    return caught.value.reason, str(caught.value)


async def test_without_credentials(aws, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    reason, said = await why(aws, AccessDenied)
    assert reason is Reason.NOAUTH
    assert "There are no AWS credentials" in said
    assert "give the bot a role" in said

    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)
    assert (await AwsElastiCache(place(aws)).group()).status == "available"


async def test_credentials_that_are_wrong_or_have_expired(aws, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    reason, said = await why(aws, AccessDenied)
    assert reason is Reason.WRONGPASS
    assert "AWS does not accept our credentials in eu-west-1" in said
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", aws.user.secret_key)
    aws.faults.fail("DescribeReplicationGroups", code="ExpiredToken", status=403)
    assert "The AWS credentials have expired" in (await why(aws, AccessDenied))[1]
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    aws.faults.denied = {"DescribeReplicationGroups"}
    await why(aws, AccessDenied)  # Only now the client is made anew, and looks for the profile.
    reason, said = await why(aws, AccessDenied)
    assert (reason, "profile (nobody) could not be found" in said) == (Reason.NOAUTH, True)


async def test_a_right_that_is_missing_is_named(aws):
    aws.faults.denied = {"TestFailover", "ModifyReplicationGroup"}
    group = AwsElastiCache(place(aws))
    with pytest.raises(AccessDenied, match="allow elasticache:TestFailover for aragora-redis in eu-west-1"):
        await group.test_failover("0001")
    with pytest.raises(AccessDenied, match="allow elasticache:ModifyReplicationGroup"):
        await group.make_primary(f"{GROUP}-002")


async def test_what_aws_refuses_keeps_its_words(aws):
    group = AwsElastiCache(place(aws))
    with pytest.raises(CommandRefused, match="while Multi-AZ or automatic failover is enabled"):
        await group.make_primary(f"{GROUP}-002")
    with pytest.raises(CommandRefused, match="NodeGroupNotFoundFault"):
        await group.test_failover("0009")


async def test_a_throttle_is_waited_out_and_no_longer_than_a_call_may_take(aws, monkeypatch):
    group = AwsElastiCache(place(aws))
    aws.faults.throttle("DescribeReplicationGroups", times=3)
    assert (await group.group()).name == GROUP
    monkeypatch.setattr("actions.adapters.aws.group.BUDGET_S", 0.5)
    aws.faults.throttle("TestFailover", times=100)
    with pytest.raises(Unreachable, match="AWS throttles TestFailover in eu-west-1"):
        await group.test_failover("0001")
    assert not any(call.action == "TestFailover" and call.error is None for call in aws.calls)


async def test_nothing_else_is_tried_again(aws, monkeypatch):
    group = AwsElastiCache(place(aws))
    aws.faults.fail("TestFailover", times=5)
    with pytest.raises(Unreachable, match="AWS failed to answer TestFailover"):
        await group.test_failover("0001")
    aws.faults.lose_answer("ModifyReplicationGroup")
    with pytest.raises(Unreachable, match="The connection to AWS broke under ModifyReplicationGroup"):
        await group.set_failover("disabled", "disabled")
    assert [call.action for call in aws.calls].count("TestFailover") == 1
    assert [call.action for call in aws.calls].count("ModifyReplicationGroup") == 1


async def test_an_endpoint_that_is_silent_or_none(aws, monkeypatch):
    monkeypatch.setattr("actions.adapters.aws.calls._CONFIG", _impatient())
    with socket.create_server(("127.0.0.1", 0)) as hung:
        silent = f"http://127.0.0.1:{hung.getsockname()[1]}"
        reason, said = await why(aws, Unreachable, endpoint_url=silent)
    assert (reason, said) == (Reason.TIMED_OUT, f"AWS did not answer DescribeReplicationGroups in time ({silent}).")
    assert READ_S > 1


def _impatient():
    from botocore.config import Config

    return Config(connect_timeout=1, read_timeout=0.3, retries={"total_max_attempts": 1})


async def test_many_questions_at_once_leave_the_loop_free(aws):
    """The local AWS answers on this very loop: a call that held it up would never be answered."""
    views = await asyncio.gather(*(AwsElastiCache(place(aws)).look() for _ in range(12)))
    assert {view.status for view in views} == {"available"}
    assert views[0].events[0].kind is Source.GROUP

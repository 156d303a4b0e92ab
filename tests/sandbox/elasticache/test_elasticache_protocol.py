"""What goes over the wire: requests and answers as botocore's service model has them, signatures, AWS's refusals."""

import asyncio
from datetime import datetime
from typing import Any

import pytest
from aiohttp import ClientSession
from boto3.session import Session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from sandbox.elasticache import protocol
from tests.sandbox.elasticache.conftest import Boto

TYPES = {"string": str, "boolean": bool, "integer": int, "double": float, "timestamp": datetime}


def fits(value: Any, shape: Any, at: str = "") -> None:
    """Every field of a parsed answer exists in the model, with its type and its enum."""
    match shape.type_name:
        case "structure":
            assert set(value) <= set(shape.members), at
            for name, part in value.items():
                fits(part, shape.members[name], f"{at}.{name}")
        case "list":
            for part in value:
                fits(part, shape.member, at)
        case other:
            assert isinstance(value, TYPES[other]), at
            assert not getattr(shape, "enum", None) or value in shape.enum, at


async def fits_model(boto: Boto, operation: str, **parameters: Any) -> dict[str, Any]:
    answer = await boto(operation, **parameters)
    metadata = answer.pop("ResponseMetadata")
    assert metadata["HTTPStatusCode"] == 200
    assert metadata["RequestId"]
    action = boto.client.meta.method_to_api_mapping[operation]
    fits(answer, boto.client.meta.service_model.operation_model(action).output_shape)
    return answer


async def test_every_answer_fits_botocores_service_model(aws, boto):
    await aws.add_group("orders")
    await aws.add_group("carts", node_groups=3, replicas=1)
    for operation in ("describe_replication_groups", "describe_cache_clusters", "describe_events"):
        assert any(answer for answer in (await fits_model(boto, operation)).values())
    await fits_model(boto, "describe_cache_clusters", ShowCacheNodeInfo=True)
    await fits_model(boto, "test_failover", ReplicationGroupId="carts", NodeGroupId="0002")
    changed = {"AutomaticFailoverEnabled": False, "MultiAZEnabled": False, "ApplyImmediately": True}
    answer = await fits_model(boto, "modify_replication_group", ReplicationGroupId="orders", **changed)
    assert answer["ReplicationGroup"]["PendingModifiedValues"] == {"AutomaticFailoverStatus": "disabled"}
    assert answer["ReplicationGroup"]["AutomaticFailover"] == "disabling"


async def test_an_answer_that_the_model_does_not_know_is_a_mistake_of_ours():
    with pytest.raises(KeyError):
        protocol.write("DescribeEvents", {"Events": [{"Colour": "blue"}]}, "1")
    with pytest.raises(ValueError, match="SourceType"):
        protocol.write("DescribeEvents", {"Events": [{"SourceType": "cluster"}]}, "1")
    with pytest.raises(ValueError, match="Date is a timestamp"):
        protocol.write("DescribeEvents", {"Events": [{"Date": "today"}]}, "1")


async def test_cluster_mode_disabled_shows_endpoints_and_roles(aws, boto):
    await aws.add_group("orders")
    group = await boto.group("ORDERS")
    (node_group,) = group["NodeGroups"]
    assert [member["CurrentRole"] for member in node_group["NodeGroupMembers"]] == ["primary", "replica", "replica"]
    assert node_group["PrimaryEndpoint"]["Address"].startswith("orders.")
    assert node_group["ReaderEndpoint"]["Address"].startswith("orders-ro.")
    assert group["MemberClusters"] == ["orders-001", "orders-002", "orders-003"]
    assert "ConfigurationEndpoint" not in group
    assert "Slots" not in node_group


async def test_cluster_mode_enabled_shows_slots_and_a_configuration_endpoint_and_nobodys_role(aws, boto):
    await aws.add_group("carts", node_groups=3, replicas=1)
    group = await boto.group("carts")
    assert group["ConfigurationEndpoint"]["Port"] == 6379
    assert [one["Slots"] for one in group["NodeGroups"]] == ["0-5460", "5461-10921", "10922-16383"]
    for node_group in group["NodeGroups"]:
        assert "PrimaryEndpoint" not in node_group
        assert all("CurrentRole" not in member for member in node_group["NodeGroupMembers"])
    clusters = (await boto("describe_cache_clusters", ShowCacheNodeInfo=True))["CacheClusters"]
    assert [one["CacheClusterId"] for one in clusters] == group["MemberClusters"]
    assert clusters[3]["CacheClusterId"] == "carts-0002-002"
    assert all(one["CacheNodes"][0]["Endpoint"]["Address"].startswith(one["CacheClusterId"]) for one in clusters)


async def test_pages(aws, boto):
    for number in range(45):
        await aws.add_group(f"group-{number:02}", replicas=1)
    pages = boto.client.get_paginator("describe_replication_groups").paginate(PaginationConfig={"PageSize": 20})
    ids = [
        [one["ReplicationGroupId"] for one in page["ReplicationGroups"]]
        for page in await asyncio.to_thread(list, pages)
    ]
    assert [len(page) for page in ids] == [20, 20, 5]
    assert len({one for page in ids for one in page}) == 45
    for wrong in ({"MaxRecords": 19}, {"MaxRecords": 101}, {"Marker": "here"}):
        with pytest.raises(ClientError, match=r"InvalidParameterValue.*(MaxRecords|Marker)"):
            await boto("describe_replication_groups", **wrong)


@pytest.mark.parametrize(
    ("operation", "parameters", "code", "status"),
    [
        ("describe_replication_groups", {"ReplicationGroupId": "nobody"}, "ReplicationGroupNotFoundFault", 404),
        ("describe_cache_clusters", {"CacheClusterId": "nobody"}, "CacheClusterNotFound", 404),
        (
            "test_failover",
            {"ReplicationGroupId": "nobody", "NodeGroupId": "0001"},
            "ReplicationGroupNotFoundFault",
            404,
        ),
        ("describe_snapshots", {}, "InvalidAction", 400),
    ],
)
async def test_what_is_not_there(boto, operation, parameters, code, status):
    with pytest.raises(ClientError) as refused:
        await boto(operation, **parameters)
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


async def test_requests_that_do_not_fit_the_model_are_refused(aws):
    loose = Boto(aws)
    loose.client.meta.events.register("before-call.elasticache.*", lambda params, **_: add(params))
    extra: dict[str, str] = {}

    def add(params: dict[str, Any]) -> None:
        params["body"].update(extra)

    for extra, code in (
        ({"Colour": "blue"}, "InvalidQueryParameter"),
        ({"Duration": "long"}, "InvalidQueryParameter"),
        ({"SourceType": "cluster"}, "InvalidQueryParameter"),
        ({"Action": "TestFailover", "NodeGroupId": "0001"}, "MissingParameter"),
        ({"Action": ""}, "MissingAction"),
    ):
        with pytest.raises(ClientError) as refused:
            await loose("describe_events")
        assert refused.value.response["Error"]["Code"] == code, extra


async def test_lists_are_read_as_botocore_writes_them(aws, boto):
    await aws.add_group("orders")
    with pytest.raises(ClientError, match="does not change LogDeliveryConfigurations, SecurityGroupIds"):
        await boto.modify(
            SecurityGroupIds=["sg-1", "sg-2"],
            LogDeliveryConfigurations=[{"LogType": "slow-log", "Enabled": False}],
        )
    sent = aws.calls[-1].parameters
    assert sent["SecurityGroupIds.SecurityGroupId.2"] == "sg-2"
    assert protocol.read("ModifyReplicationGroup", sent)["SecurityGroupIds"] == ["sg-1", "sg-2"]
    assert protocol.read("ModifyReplicationGroup", sent)["LogDeliveryConfigurations"] == [
        {"LogType": "slow-log", "Enabled": False}
    ]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"aws_access_key_id": "AKIANOBODY"}, "InvalidClientTokenId"),
        ({"aws_session_token": "unknown"}, "InvalidClientTokenId"),
        ({"aws_secret_access_key": "wrong"}, "SignatureDoesNotMatch"),
        ({"region_name": "eu-central-1"}, "SignatureDoesNotMatch"),
    ],
)
async def test_credentials_are_judged(aws, options, code):
    with pytest.raises(ClientError) as refused:
        await Boto(aws, **options)("describe_events")
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


async def test_without_a_signature_or_with_something_else_in_its_place(aws):
    unsigned = Session().client("elasticache", **aws.client_options, config=Config(signature_version=UNSIGNED))
    with pytest.raises(ClientError, match=r"MissingAuthenticationToken.*Request is missing Authentication Token"):
        await asyncio.to_thread(unsigned.describe_events)

    async with ClientSession() as session:
        basic = {"Authorization": "Basic dGFuZGVt"}
        async with session.post(aws.endpoint_url, data={"Action": "DescribeEvents"}, headers=basic) as answer:
            assert answer.status == 400
            assert "IncompleteSignature" in await answer.text()


async def test_credentials_expire_and_actions_are_denied(aws, boto):
    aws.faults.denied.add("TestFailover")
    await aws.add_group("orders")
    with pytest.raises(ClientError) as refused:
        await boto("test_failover", ReplicationGroupId="orders", NodeGroupId="0001")
    assert refused.value.response["Error"] == {
        "Type": "Sender",
        "Code": "AccessDenied",
        "Message": "User: arn:aws:iam::123456789012:user/tandem is not authorized to perform: elasticache:TestFailover "
        "on resource: arn:aws:elasticache:eu-west-1:123456789012:replicationgroup:orders "
        "because no identity-based policy allows the elasticache:TestFailover action",
    }
    aws.user.expired = True
    with pytest.raises(ClientError, match="ExpiredToken"):
        await boto("describe_events")


async def test_calls_are_throttled_fail_and_lose_their_answers(aws, boto):
    await aws.add_group("orders")
    aws.faults.throttle("DescribeEvents", times=2)
    aws.faults.throttle(code="RequestLimitExceeded")
    aws.faults.fail(code="ServiceUnavailable", status=503)
    codes = ["Throttling", "Throttling", "RequestLimitExceeded", "ServiceUnavailable"]
    for code in codes:
        with pytest.raises(ClientError) as refused:
            await boto("describe_events")
        assert refused.value.response["Error"]["Code"] == code
    assert await boto.messages()
    aws.faults.lose_answer("TestFailover")
    with pytest.raises(Exception, match=r"[Cc]onnection"):
        await boto("test_failover", ReplicationGroupId="orders", NodeGroupId="0001")
    assert (await boto.group())["Status"] == "modifying"
    assert [call.error for call in aws.calls] == [*codes, None, None, None]


async def test_an_answer_may_take_too_long(aws):
    aws.faults.delay("DescribeEvents", 30)
    with pytest.raises(ReadTimeoutError):
        await Boto(aws, read_timeout=0.2)("describe_events")
    assert aws.calls == []


async def test_nothing_listens_any_more_afterwards(aws):
    await aws.__aexit__(None, None, None)
    with pytest.raises(EndpointConnectionError):
        await Boto(aws)("describe_events")

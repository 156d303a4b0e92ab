"""The local ElastiCache as one object: its world, the wire protocol in front of it, started and stopped together."""

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl

from aiohttp import web

from sandbox.elasticache import describe, protocol
from sandbox.elasticache.accidents import lose
from sandbox.elasticache.auth import Signed, User, access_denied, check
from sandbox.elasticache.errors import AwsError
from sandbox.elasticache.failover import test_failover
from sandbox.elasticache.groups import create
from sandbox.elasticache.modify import apply, modify_replication_group
from sandbox.elasticache.state import ACCOUNT, Group, Member
from sandbox.elasticache.world import Timing, World

Parameters = Mapping[str, Any]
ACTIONS: Mapping[str, Callable[[World, Parameters], dict[str, Any]]] = {
    "DescribeCacheClusters": lambda world, asked: describe.cache_clusters(world.groups, asked),
    "DescribeEvents": lambda world, asked: world.events.describe(asked),
    "DescribeReplicationGroups": lambda world, asked: describe.replication_groups(world.groups, asked),
    "ModifyReplicationGroup": modify_replication_group,
    "TestFailover": test_failover,
}


@dataclass(frozen=True)
class Call:
    """One call as it was answered: `error` is AWS's code, None for a result; `at` is time.monotonic()."""

    action: str
    parameters: Parameters
    error: str | None
    at: float


@dataclass
class LocalElastiCache:
    """An AWS account with nothing but ElastiCache in one region; an async context manager.

    It is served by the event loop that entered it: boto3 has to call it from another thread or process.
    """

    region: str = "eu-west-1"
    timing: Timing = field(default_factory=Timing)
    user: User = field(default_factory=lambda: User(f"arn:aws:iam::{ACCOUNT}:user/tandem"))
    calls: list[Call] = field(default_factory=list)
    endpoint_url: str = ""
    world: World = field(init=False)
    _runner: web.AppRunner | None = None

    def __post_init__(self) -> None:
        self.world = World(self.region, self.timing)
        self.faults, self.clock, self.events = self.world.faults, self.world.clock, self.world.events

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.endpoint_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.world.close()
        finally:
            nodes = [node_group.nodes for group in self.world.groups.values() for node_group in group.node_groups]
            await asyncio.gather(*(one.end() for one in nodes))
            if self._runner:
                await self._runner.cleanup()

    @property
    def client_options(self) -> dict[str, Any]:
        """The keyword arguments of `boto3.client("elasticache", …)`."""
        return {
            "endpoint_url": self.endpoint_url,
            "region_name": self.region,
            "aws_access_key_id": self.user.access_key,
            "aws_secret_access_key": self.user.secret_key,
            "aws_session_token": self.user.session_token,
        }

    @property
    def environment(self) -> dict[str, str]:
        """What a bot has to be started with: where AWS is, and the credentials as boto3 reads them."""
        return {
            "TANDEM_AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.user.access_key,
            "AWS_SECRET_ACCESS_KEY": self.user.secret_key,
            "AWS_EC2_METADATA_DISABLED": "true",
            # Empty, it keeps one of other credentials out.
            "AWS_SESSION_TOKEN": self.user.session_token or "",
        }

    async def add_group(self, group_id: str, **settings: Any) -> Group:
        """Create a replication group, ready; the keywords are the fields of sandbox.elasticache.groups.Settings."""
        return await create(self.world, group_id, **settings)

    async def lose(self, group: Group, member: Member) -> None:
        """Let a node vanish, and AWS notice it after a while; see sandbox.elasticache.accidents."""
        await lose(self.world, group, member)

    def hold(self) -> None:
        """Let no change go on, also none that begins later, until `release`: to look at what is under way."""
        self.world.hold()

    def release(self) -> None:
        """Let changes go on."""
        self.world.release()

    async def settled(self) -> None:
        """Wait until no change is under way; raises what went wrong in one."""
        await self.world.settled()

    def maintenance(self, group: Group) -> None:
        """Let the maintenance window come: changes begin that were asked for without ApplyImmediately."""
        apply(self.world, group, dict(group.waiting))

    async def _serve(self, request: web.Request) -> web.Response:
        body = await request.read()
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        action = form.get("Action", "")
        headers = {name.lower(): value for name, value in request.headers.items()}
        await asyncio.sleep(self.faults.call_delay(action))
        request_id = str(uuid.uuid4())
        try:
            check(Signed(request.method, str(request.url), headers, body), self.user, self.region)
            answer, status = protocol.write(action, self._run(action, form), request_id), 200
            self._record(action, form, None)
        except AwsError as refused:
            self._record(action, form, refused.code)
            answer = protocol.write_error(refused.code, refused.message, request_id, sender=refused.sender)
            status = refused.status
        if self.faults.loses_answer(action) and request.transport is not None:
            request.transport.abort()
        answered = {"x-amzn-RequestId": request_id}
        return web.Response(body=answer, status=status, content_type="text/xml", headers=answered)

    def _run(self, action: str, form: Mapping[str, str]) -> dict[str, Any]:
        if not action:
            raise AwsError("MissingAction", "The request is missing an action or a required parameter.")
        if action not in ACTIONS:
            version = form.get("Version", "")
            raise AwsError("InvalidAction", f"Could not find operation {action} for version {version}")
        met = self.faults.next_error(action)
        if met is not None:
            raise met
        try:
            asked = protocol.read(action, form)
        except protocol.UnreadableError as unreadable:
            raise AwsError("InvalidQueryParameter", str(unreadable)) from unreadable
        if action in self.faults.denied:
            raise access_denied(self.user, action, self._resource(asked))
        for name in protocol.missing(action, asked):
            raise AwsError("MissingParameter", f"The request must contain the parameter {name}")
        return ACTIONS[action](self.world, asked)

    def _resource(self, asked: Parameters) -> str:
        kind, name = "replicationgroup", asked.get("ReplicationGroupId", "*")
        if "CacheClusterId" in asked:
            kind, name = "cluster", asked["CacheClusterId"]
        return f"arn:aws:elasticache:{self.region}:{ACCOUNT}:{kind}:{name}"

    def _record(self, action: str, form: Mapping[str, str], error: str | None) -> None:
        parameters = {name: value for name, value in form.items() if name not in {"Action", "Version"}}
        self.calls.append(Call(action, parameters, error, time.monotonic()))

"""``ElastiCache`` by AWS's API: off the event loop, each call bounded in time, a throttle waited out within that."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from typing import Any, TypeVar

from actions.adapters.aws.errors import AwsError, DeniedError, ThrottledError
from actions.kit.elasticache import replies
from actions.kit.elasticache.events import in_order, is_test
from actions.kit.elasticache.views import Event, GroupView, MemberFacts, Source
from actions.kit.elasticache.words import ENABLED
from actions.kit.errors import ActionError
from actions.kit.topology import ReplicationGroup
from actions.kit.unasked import Reason, Unasked

THREADS = 8
"""So many calls run at a time in this process, whatever the number of targets: AWS throttles by account."""
BUDGET_S = 10.0
"""How long a call may take, the waits for AWS's throttle among it."""
DAY_MINUTES = 24 * 60
_PAGE = 100
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 3.0

_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="aws")
T = TypeVar("T")


class AwsElastiCache:
    """One replication group; see ``actions.kit.elasticache.ports.ElastiCache``."""

    def __init__(self, place: ReplicationGroup) -> None:
        self._place = place
        self._is_ready = False

    async def ready(self) -> None:
        """Load the SDK: it takes longer than a server may for its answer, and lets nobody else read one meanwhile.

        What is wrong with it is said by whatever is asked next.
        """
        if not self._is_ready:
            await asyncio.get_running_loop().run_in_executor(_threads, _load, self._place)
            self._is_ready = True

    async def look(self) -> GroupView:
        """See ``ElastiCache.look``."""
        group, events = await asyncio.gather(
            _tried(self.group), _tried(partial(self._events, DAY_MINUTES, SourceType=Source.GROUP))
        )
        if isinstance(group, ActionError):
            nothing = GroupView(self._place.region, self._place.name)
            return replace(nothing, unasked=_unasked(f"AWS {self._place.name}", group))
        if isinstance(events, ActionError):
            return replace(group, gaps=(*group.gaps, _unasked("AWS DescribeEvents", events)))
        own = tuple(event for event in events if event.source == self._place.name)
        return replace(group, events=own, tests_in_region=tuple(event.at for event in events if is_test(event)))

    async def group(self) -> GroupView:
        """See ``ElastiCache.group``."""
        group, members = await asyncio.gather(_tried(self._describe), _tried(self._members))
        if isinstance(group, ActionError):
            raise group
        if isinstance(members, ActionError):
            return replace(group, gaps=(_unasked("AWS DescribeCacheClusters", members),))
        return replies.with_members(group, members)

    async def events(self, minutes: int) -> tuple[Event, ...]:
        """See ``ElastiCache.events``."""
        group = await self._describe()
        names = {group.name, *(member.name for member in group.members)}
        return tuple(event for event in await self._events(minutes) if event.source in names)

    async def events_of_region(self, minutes: int) -> tuple[Event, ...]:
        """The events of all groups in this region and their members, the oldest first.

        Raises:
            AwsError: there was no answer, or it was no.
        """
        return await self._events(minutes)

    async def test_failover(self, node_group: str) -> None:
        """See ``ElastiCache.test_failover``."""
        await self._call("test_failover", ReplicationGroupId=self._place.name, NodeGroupId=node_group)

    async def make_primary(self, member: str) -> None:
        """See ``ElastiCache.make_primary``."""
        await self._modify(PrimaryClusterId=member)

    async def set_failover(self, automatic: str, multi_az: str) -> None:
        """See ``ElastiCache.set_failover``."""
        await self._modify(AutomaticFailoverEnabled=automatic == ENABLED, MultiAZEnabled=multi_az == ENABLED)

    async def _modify(self, **changes: Any) -> None:
        await self._call(
            "modify_replication_group", ReplicationGroupId=self._place.name, ApplyImmediately=True, **changes
        )

    async def _describe(self) -> GroupView:
        try:
            answer = await self._call("describe_replication_groups", ReplicationGroupId=self._place.name)
        except DeniedError as error:
            if error.reason is Reason.NOT_FOUND:
                raise await self._not_found(error) from error
            raise
        return replies.parse_group(self._place.region, answer)

    async def _not_found(self, error: DeniedError) -> DeniedError:
        """The same, with what the region has instead, where we are let look."""
        listed = await _tried(partial(self._call, "describe_replication_groups", MaxRecords=_PAGE))
        names = () if isinstance(listed, ActionError) else replies.parse_names(listed)
        near = get_close_matches(self._place.name, names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(names[:5])}." if names else ""
        why = f"{str(error).rstrip('.')}{f'; {hint}' if hint else '.'}"
        return DeniedError(error.reason, f"{why} Correct region or replication_group_id in targets.yaml.", error.code)

    async def _members(self) -> dict[str, MemberFacts]:
        """Of every member of every group in the region: AWS has no question for those of one group."""
        found: dict[str, MemberFacts] = {}
        async for page in self._pages("describe_cache_clusters", ShowCacheNodeInfo=True):
            found |= replies.parse_members(page)
        return found

    async def _events(self, minutes: int, **only: str) -> tuple[Event, ...]:
        """Of every group and member in the region, as AWS orders them: in one listing, so that none is misplaced."""
        pages = self._pages("describe_events", Duration=minutes, **only)
        newest_first = [event async for page in pages for event in replies.parse_events(page)]
        return in_order(reversed(newest_first))

    async def _pages(self, operation: str, **parameters: Any) -> AsyncIterator[dict[str, Any]]:
        marker: dict[str, str] = {}
        while True:
            page = await self._call(operation, MaxRecords=_PAGE, **parameters, **marker)
            yield page
            if not page.get("Marker"):
                return
            marker = {"Marker": page["Marker"]}

    async def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Ask; where AWS throttles, again after a while of its own length, so that not all come back at once."""
        deadline, wait_s = time.monotonic() + BUDGET_S, _FIRST_WAIT_S
        while True:
            try:
                return await asyncio.get_running_loop().run_in_executor(
                    _threads, _in_thread, self._place, operation, parameters
                )
            except ThrottledError:
                pause_s = random.uniform(wait_s / 2, wait_s)  # noqa: S311 -- Jitter, no secret.
                if time.monotonic() + pause_s > deadline:
                    raise
                await asyncio.sleep(pause_s)
                wait_s = min(wait_s * 2, _LONGEST_WAIT_S)


def _load(place: ReplicationGroup) -> None:
    from actions.adapters.aws.calls import load  # noqa: PLC0415 -- As below.

    load(place)


def _in_thread(place: ReplicationGroup, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    from actions.adapters.aws.calls import call  # noqa: PLC0415 -- The SDK takes a while to load: not on the event loop.

    return call(place, operation, parameters)


async def _tried(ask: Callable[[], Awaitable[T]]) -> T | ActionError:
    """Called here and not before: whoever is cancelled before it begins leaves nothing that nobody awaits."""
    try:
        return await ask()
    except ActionError as error:
        return error


def _unasked(source: str, error: ActionError) -> Unasked:
    return Unasked(source, error.reason if isinstance(error, AwsError) else Reason.GARBAGE, str(error))

"""Pods that are followed on a local API server: what happens to them, to the watch, and when nobody listens."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import pytest

from actions.adapters.kubernetes.failures import ApiDeniedError, ApiUnreachableError
from actions.adapters.kubernetes.watching import PodChange, pod_changes
from actions.kit.kubernetes.pod_troubles import troubles
from sandbox.kubernetes import Release, bitnami, faults
from sandbox.redis import build
from tests.actions.adapters.kubernetes.test_look import place_of

pytestmark = pytest.mark.servers


async def seen(changes: AsyncIterator[PodChange], wanted: Callable[[PodChange], bool]) -> PodChange:
    """The next change of this kind."""
    async with asyncio.timeout(60):
        while not wanted(change := await anext(changes)):
            pass
    return change


def means(name: str) -> Callable[[PodChange], bool]:
    return lambda change: any(one.name == name for one in troubles(change.before, change.after))


async def watched(release: Release) -> None:
    """Wait until a watch has begun, of those that begin from now on."""
    requests = release.cluster.api.requests
    requests.clear()
    await release.cluster.until(lambda: ("watch", "pods") in requests)


async def test_what_happens_to_pods_is_told_and_a_watch_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actions.adapters.kubernetes.watching.EACH_S", 2)
    async with (
        bitnami(build(), shape="replication", replicas=1) as release,
        aclosing(pod_changes(place_of(release), ["redis", "other"])) as changes,
    ):
        first = [await anext(changes) for _ in release.pod_names()]
        assert {one.after.name for one in first if one.after} == set(release.pod_names())
        assert all(one.listed and one.release == "redis" and one.before is None for one in first)
        replica = max(release.pod_names())
        following = asyncio.ensure_future(seen(changes, means("PodOutOfMemory")))
        await watched(release)
        await faults.out_of_memory(release, replica)
        assert name_of(await following) == replica
        release.cluster.store.forget()  # The next watch is answered 410, and begins with a list again.
        following = asyncio.ensure_future(seen(changes, means("PodDeleted")))
        await watched(release)
        await faults.delete_pod(release, replica)
        gone = await following
        assert name_of(gone) == replica
        assert not gone.listed
        following = asyncio.ensure_future(seen(changes, lambda _: False))
        await release.cluster.api.switch_off()
        with pytest.raises(ApiUnreachableError):
            await following


def name_of(change: PodChange) -> str:
    return change.before.name if change.before else ""


async def test_who_may_not_watch_is_told_the_rule_and_a_quiet_watch_ends_at_once() -> None:
    async with bitnami(build(), shape="replication", replicas=0) as release:
        user = release.cluster.add_user(
            "somebody", [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}], [release.namespace]
        )
        async with aclosing(pod_changes(place_of(release, user), ["redis"])) as changes:
            with pytest.raises(
                ApiDeniedError,
                match=r'Add to the Role: \{apiGroups: \[""\], resources: \["pods"\], verbs: \["watch"\]\}',
            ):
                await seen(changes, lambda change: not change.listed)
        changes = pod_changes(place_of(release), ["redis"])
        following = asyncio.ensure_future(seen(changes, lambda change: not change.listed))
        await watched(release)
        following.cancel()
        async with asyncio.timeout(45):  # A watch lasts a minute.
            await asyncio.wait({following})
            await changes.aclose()
            while any(one.name.startswith("kubernetes-watch") for one in threading.enumerate()):
                await asyncio.sleep(0.02)

"""An application on Kubernetes follows its Redis to another master: real servers, and a rollout of real pods."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from actions import failover, promote, repair, verify
from actions.adapters import TargetHands, connect
from actions.kit.kubernetes import place
from actions.kit.kubernetes.steps import AwaitRollout, SwitchApplication
from actions.kit.loop import Ending, Outcome, carry_out
from actions.kit.plan import Plan, Refusal, Step
from actions.kit.rejoin import Rejoin
from actions.kit.rescue_place import Folder
from actions.kit.settlement import CutOff, settle
from actions.kit.topology import Credentials, Kind, Limits, Target
from sandbox.kubernetes import Application, Deployed, Release, bitnami, deploy
from sandbox.kubernetes.api.resources import STATEFUL_SETS
from sandbox.redis import build, loaded
from tests.failover import Journal, patient

pytestmark = pytest.mark.servers

ROLE = next(yaml.safe_load_all((Path(__file__).parents[2] / "deploy/kubernetes/role.yaml").read_text()))
NEW = "redis-replicas-0.redis-headless.orders.svc"


@asynccontextmanager
async def shop(
    rescue: Folder | None = None, **settings: object
) -> AsyncIterator[tuple[Release, Deployed, TargetHands]]:
    """The chart of plain replication, an application that writes to its write Service, and Tandem with its Role."""
    async with bitnami(build(), shape="replication", replicas=1) as release:
        deployed = deploy(release, Application(**{"redis_host": "redis-master", "replicas": 1} | settings))
        await deployed.rolled_out()
        user = release.cluster.add_user("system:serviceaccount:tandem:tandem", ROLE["rules"], [release.namespace])
        url = f"http://{deployed.pods()[0]['status']['podIP']}:8080/health"
        app = place.Application("orders-api", "REDIS_HOST", health_url=url)
        file = str(release.cluster.kubeconfig(user))
        home = place.KubernetesPlace(release.namespace, "redis", kubeconfig=file, application=app)
        secret = Credentials(None, release.password)
        hands = connect(
            Target(
                *("orders", Kind.REPLICATION),
                auth=secret,
                limits=Limits(max_pause_ms=3000),
                kubernetes=home,
                rescue=rescue,
                timeout_ms=10_000,
            )
        )
        try:
            yield release, deployed, hands
        finally:
            await hands.aclose()


def copies(folder: Path) -> list[Path]:
    return sorted(folder.glob("orders/*.rdb"))


def brief(steps: Sequence[Step]) -> list[Step]:
    """Only a master that is lost is not waited for."""
    kinds = AwaitRollout | Rejoin
    waited = [replace(one, within_s=60) if isinstance(one, kinds) and not is_lost(one) else one for one in steps]
    return patient([replace(one, within_s=3) if is_lost(one) else one for one in waited])


def is_lost(step: Step) -> bool:
    return isinstance(step, Rejoin) and not step.replid


def value_of(deployed: Deployed) -> str:
    (container,) = deployed.deployment()["spec"]["template"]["spec"]["containers"]
    return next(one["value"] for one in container["env"] if one["name"] == "REDIS_HOST")


async def planned(hands: TargetHands, release: Release, **options: str) -> Plan:
    plan = failover.plan(await hands.observe(), {"to": release.address("redis-replicas-0"), **options})
    assert isinstance(plan, Plan), plan
    return plan


async def test_a_planned_failover_takes_the_application_along_and_verify_sees_it():
    async with shop(owner="argocd") as (release, deployed, hands):
        plan = await planned(hands, release)
        said = " ".join(plan.cost.notes)
        assert f"REDIS_HOST from redis-master to {NEW}" in said
        assert "Argo CD, application orders-api, puts the old REDIS_HOST back as soon as it syncs" in said
        assert "Service redis-master selects" in said
        journal = Journal()
        assert await carry_out(brief(plan.steps), hands, journal) == Ending(Outcome.DONE), journal.lines
        assert await release.masters() == ["redis-replicas-0"]
        assert value_of(deployed) == NEW
        assert deployed.is_rolled_out()
        asked = {one for one in release.cluster.api.requests if one[0] not in ("list", "watch")}
        assert asked == {("get", "deployments"), ("patch", "deployments")}
        seen = await verify.look(hands, {"again": "0"}, _nobody)
        checks = {check.title.removesuffix(", now"): check for check in seen.checks}
        assert checks["REDIS_HOST of orders-api leads to redis-replicas-0"].ok
        assert not checks["Service redis-master leads to redis-replicas-0 only"].ok
        assert not checks["the health URL of orders-api answers"].ok  # That of the pod that was replaced.
        log = checks["the log of orders-api tells of no trouble with Redis"]
        assert "in the log of 1 pods since" in log.observation


async def test_the_old_master_is_lost_and_the_application_moves_with_the_promotion():
    async with shop() as (release, deployed, hands):
        await hands.observe()
        masters = release.cluster.get(STATEFUL_SETS, release.namespace, "redis-master")
        release.cluster.store.change(STATEFUL_SETS, masters, lambda one: one["spec"].update(replicas=0))
        await release.cluster.until(lambda: len(release.pods()) == 1)
        to = release.address("redis-replicas-0")
        async with asyncio.timeout(90):
            while isinstance(plan := promote.plan(await hands.observe(), {"to": to}), Refusal):
                await asyncio.sleep(0.1)
        journal = Journal()
        ending = await carry_out(brief(plan.steps), hands, journal)
        assert ending == Ending(Outcome.DONE), journal.lines
        assert value_of(deployed) == NEW
        written = await release.command("redis-replicas-0", "KEYS", "*:heartbeat")
        assert {key.partition(":")[0] for key in written} >= {pod["metadata"]["name"] for pod in deployed.pods()}


async def test_a_split_brain_behind_a_service_that_selects_the_side_that_is_given_up(tmp_path: Path):
    async with shop(Folder(str(tmp_path))) as (release, deployed, hands):
        await release.command("redis-replicas-0", "REPLICAOF", "NO", "ONE")
        await release.command("redis-master-0", "SET", "only:here", "1")
        refused = repair.plan(await hands.observe(), {})
        assert isinstance(refused, Refusal), refused
        assert f"The application is led to write to {release.address('redis-master-0')}." in refused.reason
        plan = repair.plan(await hands.observe(), {"keep": "redis-replicas-0"})
        assert isinstance(plan, Plan), plan
        said = " ".join(plan.cost.notes)
        assert "Service redis-master selects" in said
        assert f"REDIS_HOST from redis-master to {NEW}" in said
        assert "install the chart with sentinel.enabled=true" in said
        journal = Journal()
        assert await carry_out(brief(plan.steps), hands, journal) == Ending(Outcome.DONE), journal.lines
        assert await release.masters() == ["redis-replicas-0"]
        assert value_of(deployed) == NEW
        (copy,) = copies(tmp_path)
        async with loaded(build(), copy) as server:
            assert await server.command("GET", "only:here") == "1"


@pytest.mark.parametrize("word", ["switch", "roll-back"])
async def test_a_rollout_that_gets_stuck_is_reported_and_taken_back_if_that_was_asked_for(word):
    async with shop(progress_deadline_s=20) as (release, deployed, hands):
        plan = await planned(hands, release, application=word)
        journal = Journal(SwitchApplication, _forget_images(release))
        ending = await carry_out(brief(plan.steps), hands, journal)
        assert ending.outcome is Outcome.INCOMPLETE, journal.lines
        said = " ".join(ending.failures)
        assert "the rollout of orders-api is stuck: " in said
        assert "ProgressDeadlineExceeded" in said
        assert "container orders-api: " in said
        if word == "switch":
            assert "kubectl -n orders rollout undo deployment/orders-api" in said
            assert (value_of(deployed), journal.owed) == (NEW, [])
        else:
            assert "REDIS_HOST was set back to redis-master" in said
            assert value_of(deployed) == "redis-master"
            (owed,) = journal.owed  # Paid by the next look at what is owed: it is back already.
            assert (await hands.settings(owed.node, (owed.name,)))[owed.name] == owed.old
            await hands.change_settings(owed.node, {owed.name: owed.old}, rewrite=False)


def _forget_images(release: Release):
    async def forget() -> None:
        release.cluster.images.clear()

    return forget


async def test_somebody_puts_the_old_setting_back_meanwhile():
    async with shop(owner="flux") as (release, _deployed, hands):
        plan = await planned(hands, release)

        async def syncs() -> None:
            switch = next(step for step in plan.steps if isinstance(step, SwitchApplication))
            await hands.change_settings(switch.variable.resource, {switch.variable.name: switch.old}, rewrite=False)

        journal = Journal(AwaitRollout, syncs)
        ending = await carry_out(brief(plan.steps), hands, journal)
        assert ending.outcome is Outcome.INCOMPLETE
        assert "REDIS_HOST of orders-api is redis-master again (Flux, Kustomization flux-system/orders-api puts" in str(
            ending.failures
        )


@pytest.mark.parametrize("after", [False, True])
async def test_a_run_that_was_cut_off_at_the_switch_goes_on(after):
    async with shop() as (release, deployed, hands):
        steps = brief((await planned(hands, release)).steps)
        journal = Journal()
        index = next(number for number, step in enumerate(steps) if isinstance(step, SwitchApplication))
        for number, step in enumerate(steps[: index + 1]):
            await journal.intends(number, step)
            if number < index or after:
                await step.act(hands)
                for change in step.repays:
                    await journal.repaid(change)
        ending = await settle(steps, CutOff(index, passed=True), hands, journal)
        assert ending == Ending(Outcome.DONE), journal.lines
        assert value_of(deployed) == NEW


async def test_a_missing_right_or_deployment_is_a_refusal_that_says_what_to_do():
    async with shop() as (release, _deployed, hands):
        user = next(one for one in release.cluster.access._by_token.values() if one.name.endswith(":tandem"))
        user.denied = {("get", "deployments")}
        to = release.address("redis-replicas-0")
        refusal = failover.plan(await hands.observe(), {"to": to})
        assert isinstance(refusal, Refusal)
        assert 'Add to the Role: {apiGroups: ["apps"], resources: ["deployments"], verbs: ["get"]}' in refusal.reason
        assert "--application leave" in refusal.reason
        assert isinstance(failover.plan(await hands.observe(), {"to": to, "application": "leave"}), Plan)
        user.denied = {("patch", "deployments")}
        refusal = failover.plan(await hands.observe(), {"to": to})
        assert isinstance(refusal, Refusal)
        assert 'resources: ["deployments"], verbs: ["patch"]}. Mend that' in refusal.reason
        user.denied = set()
        plan = await planned(hands, release)
        user.denied = {("patch", "deployments")}  # Taken away right after the approval.
        ending = await carry_out(brief(plan.steps), hands, Journal())
        assert ending.outcome is Outcome.INCOMPLETE
        assert 'resources: ["deployments"], verbs: ["patch"]' in " ".join(ending.failures)


async def _nobody(text: str) -> None:
    pass

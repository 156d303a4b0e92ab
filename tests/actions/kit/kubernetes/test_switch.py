"""How an application is pointed at a new master: what the plan does and says, and what it leaves to a person."""

from dataclasses import replace

import pytest

from actions import failover, promote
from actions.kit.errors import UsageError
from actions.kit.kubernetes.setting import Variable, patch_of
from actions.kit.kubernetes.steps import AwaitRollout, SwitchApplication
from actions.kit.kubernetes.switch import LEAVE, ROLL_BACK, SWITCH, switching
from actions.kit.kubernetes.view import EnvValue
from actions.kit.plan import Plan, Refusal
from actions.kit.snapshot import NodeView, Reason
from actions.kit.step_types import STEP_TYPES
from actions.kit.topology import Address
from actions.kit.unasked import Unasked
from bot.ledger.codec import PlanCodec
from tests.builders import healthy, node_at, with_link, without_node
from tests.kubernetes_views import chart_of_replication, on_kubernetes, with_pod


def view_of(setting="redis-master", **application):
    view = chart_of_replication(setting)
    for number in (1, 2, 3):
        view = with_pod(view, number, subdomain="redis-headless")
    return replace(view, application=replace(view.application, **application))


def switched(setting, word=SWITCH, **application):
    return switching(on_kubernetes(healthy(sentinels=0), view_of(setting, **application)), node_at(2), word)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("redis-master", "redis-replicas-0.redis-headless.aragora.svc"),
        (
            "redis-master.aragora.svc.cluster.example:6379",
            "redis-replicas-0.redis-headless.aragora.svc.cluster.example:6379",
        ),
        ("10.0.0.1", "10.0.0.2"),
        ("redis://10.0.0.1:6379/3", "redis://10.0.0.2:6379/3"),
        ("old.example", "redis-replicas-0.redis-headless.aragora.svc"),
    ],
)
def test_the_new_value_has_the_form_of_the_old(old, new):
    (step,) = switched(old).at_once
    assert step.title == f"Point api at {new}"
    assert step.command == f"kubectl -n aragora set env deployment/api -c api REDIS_HOST={new}"
    assert patch_of(step.variable, step.new) == {
        "spec": {
            "template": {
                "spec": {
                    "containers": [{"name": "api", "env": [{"name": "REDIS_HOST", "value": new, "valueFrom": None}]}]
                }
            }
        }
    }


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (
            EnvValue(None, "Secret redis, key host", '{"secretKeyRef": {}}'),
            "takes REDIS_HOST from Secret redis, key host",
        ),
        (EnvValue("redis://***@redis-master"), "has REDIS_HOST set to what cannot be changed from here"),
        (EnvValue("a,b"), "has REDIS_HOST set to what cannot be changed from here (a,b)"),
    ],
)
def test_what_cannot_be_changed_from_here_is_left_to_a_person(value, words):
    found = switched("x", value=value)
    assert (found.at_once, found.at_last) == ((), ())
    assert words in found.notes[0]
    assert "point it at redis-replicas-0.redis-headless.aragora.svc by hand" in found.notes[0]


def test_what_is_set_so_already_or_is_to_be_left_is_left():
    assert switched("10.0.0.2").notes[0] == "api is set to 10.0.0.2 already."
    assert switched("10.0.0.1", LEAVE).at_once == ()


def test_who_puts_the_old_setting_back_is_said():
    owners = {
        "Argo CD, application shop": "puts the old REDIS_HOST back as soon as it syncs",
        "Flux, Kustomization flux/shop": "puts the old REDIS_HOST back as soon as it syncs",
        "Helm, release api": "For good: change REDIS_HOST in the values too (Helm, release api)",
    }
    for owner, words in owners.items():
        assert words in " ".join(switched("10.0.0.1", owner=owner).notes)


def test_what_the_chart_of_plain_replication_cannot_keep_is_said():
    said = " ".join(switched("10.0.0.1").notes)
    assert "Service redis-master selects component=master for ever: it never leads to redis-replicas-0" in said
    assert "The chart starts redis-master-0 as a master whenever it is restarted: two masters" in said
    back = switching(on_kubernetes(healthy(sentinels=0), view_of("10.0.0.2")), node_at(1), SWITCH)
    assert "for ever" not in " ".join(back.notes)


def test_an_unrolled_variable_is_put_back_as_it_was():
    value = EnvValue(
        "redis-master", "ConfigMap redis, key host", '{"configMapKeyRef": {"name": "redis", "key": "host"}}'
    )
    (step,) = switched("x", ROLL_BACK, value=value).at_once
    (change,) = step.changes
    assert str(change.node) == "deployment aragora/api"
    entry = patch_of(Variable("aragora", "api", "api", "REDIS_HOST"), change.old)["spec"]["template"]["spec"][
        "containers"
    ][0]["env"][0]
    assert entry == {
        "name": "REDIS_HOST",
        "value": None,
        "valueFrom": {"configMapKeyRef": {"name": "redis", "key": "host"}},
    }


def lost_master(view):
    snapshot = without_node(healthy(sentinels=0), 1, Reason.REFUSED)
    for number in (2, 3):
        snapshot = with_link(snapshot, number, up=False, down_since_s=20)
    return on_kubernetes(snapshot, view)


def test_promote_and_failover_have_it_as_steps_that_survive_the_ledger():
    plans = (
        promote.plan(lost_master(view_of()), {"to": str(node_at(2))}),
        failover.plan(
            on_kubernetes(healthy(sentinels=0), view_of()), {"to": str(node_at(2)), "application": ROLL_BACK}
        ),
    )
    codec = PlanCodec(STEP_TYPES)
    for plan in plans:
        assert isinstance(plan, Plan), plan
        kinds = [type(step) for step in plan.steps]
        assert kinds.index(SwitchApplication) > plan.turning
        assert kinds[-1] is AwaitRollout
        assert "deployment api container api REDIS_HOST=redis-master" in plan.seen
        assert "api is pointed at the new master" in " ".join(plan.cost.notes)
        assert codec.loads(codec.dumps(plan)) == plan


def test_an_application_that_cannot_be_seen_is_a_refusal_with_a_way_out():
    why = "There is no Deployment api in namespace aragora; there are web."
    view = view_of(unasked=Unasked("Kubernetes deployment api", Reason.REFUSED_COMMAND, why), value=None)
    said = promote.plan(lost_master(view), {"to": str(node_at(2))})
    assert isinstance(said, Refusal)
    assert f"{why} Mend that, or leave the application to somebody else: --application leave." in said.reason
    plan = promote.plan(lost_master(view), {"to": str(node_at(2)), "application": LEAVE})
    assert isinstance(plan, Plan)
    assert not any(isinstance(step, SwitchApplication) for step in plan.steps)


def test_other_words_are_refused():
    with pytest.raises(UsageError, match="--application takes switch, roll-back or leave; 'yes' is none of them"):
        promote.plan(lost_master(view_of()), {"application": "yes"})


def test_a_lost_master_whose_pod_is_gone_is_dead():
    """Its name has no address any more, which alone would prove nothing."""
    name = Address("redis-master-0.redis-headless.aragora.svc.cluster.local", 6379)
    view = view_of()
    snapshot = healthy(sentinels=0)
    for number in (2, 3):
        snapshot = with_link(snapshot, number, master=name, up=False, down_since_s=20)
    silent = NodeView(name, Unasked(f"node {name}", Reason.UNRESOLVED, "its name has no address"))
    snapshot = replace(snapshot, nodes=(silent, *snapshot.nodes[1:]))

    def said(kubernetes):
        plan = promote.plan(on_kubernetes(snapshot, kubernetes), {"to": str(node_at(2))})
        assert isinstance(plan, Plan), plan
        return plan.cost.notes[0]

    gone = replace(view, pods=view.pods[1:])
    assert said(gone).startswith(f"{name} is dead")
    for unsure in (view, replace(gone, sets=()), replace(gone, unasked=silent.unasked), None):
        assert said(unsure).startswith(f"Nothing proves that {name} is dead")

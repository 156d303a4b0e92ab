"""Who may ask, and who may approve: every doubt is a no, and every no has a reason."""

from dataclasses import replace

import pytest

from actions.kit.action import ChangeAction, ReadAction
from actions.kit.plan import Refusal, Risk
from actions.kit.topology import Kind, Target
from bot.directory import Human, LookupFailed
from bot.fleet import Case, Fleet, People, Rule
from bot.policy import Policy

READ = ReadAction("health", "Look.", look=None)
CHANGE = ChangeAction("failover", "Switch.", Risk.DESTRUCTIVE, plan=lambda *_: Refusal("orders", "failover", ()))

PEOPLE = (
    Human("U0ONCALL", "oncall"),
    Human("U0LEAD", "lead"),
    Human("U0BOT", "bot", is_bot=True),
    Human("U0GUEST", "guest", is_guest=True),
    Human("U0EXTERNAL", "external", is_external=True),
    Human("U0GONE", "gone", is_deleted=True),
)


class Workplace:
    """A directory of the people above and of one group; ``down`` makes every look-up fail, as Slack's outages do."""

    def __init__(self, *members):
        self.members = members
        self.down = False

    async def user(self, user_id):
        found = {human.id: human for human in PEOPLE}
        if self.down or user_id not in found:
            raise LookupFailed("Slack answered user_not_found." if not self.down else "Slack did not answer.")
        return found[user_id]

    async def group_members(self, group_id):
        if self.down or group_id != "S0REDISOPS":
            raise LookupFailed("Slack did not answer." if self.down else "Slack answered no_such_subteam.")
        return self.members


GROUP = People(usergroup="S0REDISOPS")
ORDERS = Case("orders", "failover", Risk.DESTRUCTIVE, "C0INCIDENT")


def policy(*members, approvers: People | None = GROUP, environment="production", directory=None, **more):
    target = Target("orders", Kind.SENTINEL, environment=environment)
    named = {"orders": approvers} if approvers else {}
    fleet = Fleet(**{"targets": {"orders": target}, "channels": {}, "approvers": named, "requesters": named, **more})
    return Policy(fleet, directory or Workplace(*members))


async def test_a_colleague_who_is_entitled_may_approve():
    assert await policy("U0LEAD").may_approve(ORDERS, "U0LEAD", "U0ONCALL") is None


async def test_the_requester_never_may_however_entitled():
    rules = policy("U0LEAD", "U0ONCALL")

    assert "second person" in await rules.may_approve(ORDERS, "U0ONCALL", "U0ONCALL")
    eligible = await rules.eligibility(ORDERS, "U0ONCALL")
    assert (eligible.approvers_total, eligible.active) == (2, ("U0LEAD",))
    assert eligible.sentence == "2 people can approve, 1 is active."


@pytest.mark.parametrize(
    ("person", "why"),
    [
        ("U0BOT", "is a bot"),
        ("U0GUEST", "is a guest"),
        ("U0EXTERNAL", "belongs to another workspace"),
        ("U0GONE", "is deactivated"),
        ("U0NOBODY", "could not be looked up"),
    ],
)
async def test_whoever_is_no_active_colleague_may_not_and_hears_why(person, why):
    rules = policy(person)

    assert why in await rules.may_approve(ORDERS, person, "U0ONCALL")
    eligible = await rules.eligibility(ORDERS, "U0ONCALL")
    assert not eligible.enough(1)
    assert eligible.sentence.startswith("Nobody can approve this.")
    assert why in eligible.sentence


async def test_somebody_outside_the_group_may_not():
    assert "may decide on requests for orders" not in str(
        await policy("U0LEAD").may_approve(ORDERS, "U0LEAD", "U0ONCALL")
    )
    assert await policy("U0LEAD").may_approve(ORDERS, "U0ONCALL", "U0LEAD") == (
        "You may not decide on requests for orders; the members of user group S0REDISOPS may."
    )


async def test_slack_down_closes_everything():
    directory = Workplace("U0LEAD")
    directory.down = True
    rules = policy(directory=directory)

    assert "could not be looked up" in await rules.may_approve(ORDERS, "U0LEAD", "U0ONCALL")
    assert not (await rules.eligibility(ORDERS, "U0ONCALL")).enough(1)
    assert "could not be looked up" in await rules.may_use("U0LEAD", CHANGE, "C0INCIDENT", "orders")


@pytest.mark.parametrize("target", ["orders", "renamed-away"])
async def test_approvers_that_are_not_set_mean_nobody_not_everybody(target):
    rules, case = policy(approvers=None), Case(target, "failover", Risk.DESTRUCTIVE)

    assert "names no approvers" in await rules.may_approve(case, "U0LEAD", "U0ONCALL")
    eligible = await rules.eligibility(case, "U0ONCALL")
    assert eligible.active == ()
    assert "names no approvers" in eligible.sentence


async def test_a_group_without_members_and_a_group_that_is_gone_mean_nobody():
    assert "has no members" in await policy().may_approve(ORDERS, "U0LEAD", "U0ONCALL")
    gone = policy("U0LEAD", approvers=People(usergroup="S0GONE"))
    assert "no_such_subteam" in await gone.may_approve(ORDERS, "U0LEAD", "U0ONCALL")


async def test_somebody_who_is_named_twice_is_one_person():
    eligible = await policy(
        "U0LEAD", "U0LEAD", approvers=People(usergroup="S0REDISOPS", users=("U0LEAD",))
    ).eligibility(ORDERS, "U0ONCALL")

    assert (eligible.approvers_total, eligible.active) == (1, ("U0LEAD",))
    assert not eligible.enough(2)


async def test_everybody_in_the_channel_may_read_and_only_requesters_may_ask_for_changes():
    rules = policy("U0LEAD", requesters={"orders": People(users=("U0ONCALL", "U0GUEST"))})

    assert await rules.may_use("U0GUEST", READ, "C0INCIDENT", "orders") is None
    assert await rules.may_use("U0ONCALL", CHANGE, "C0INCIDENT", "orders") is None
    assert await rules.may_use("U0ONCALL", CHANGE, "C0INCIDENT") is None
    assert "U0ONCALL and U0GUEST may" in await rules.may_use("U0LEAD", CHANGE, "C0INCIDENT", "orders")
    assert "is a guest" in await rules.may_use("U0GUEST", CHANGE, "C0INCIDENT", "orders")


async def test_a_target_is_spoken_of_where_it_is_bound_by_id_and_nowhere_else():
    rules = policy("U0LEAD", channels={"C0INCIDENT": ("orders",)})

    assert await rules.may_use("U0LEAD", READ, "C0INCIDENT", "orders") is None
    assert await rules.may_use("U0LEAD", READ, "C0RANDOM", "orders") is not None
    assert await rules.may_use("U0LEAD", READ, None, "orders") is None


@pytest.mark.parametrize(
    ("risk", "environment", "needed"),
    [
        (Risk.READ, "production", 0),
        (Risk.REVERSIBLE, "staging", 0),
        (Risk.REVERSIBLE, "production", 1),
        (Risk.DESTRUCTIVE, "staging", 1),
        (Risk.DESTRUCTIVE, "production", 1),
        (Risk.IRREVERSIBLE, "staging", 1),
    ],
)
def test_how_many_have_to_agree(risk, environment, needed):
    assert policy(environment=environment).approvals_needed(replace(ORDERS, risk=risk)) == needed


def test_what_is_no_target_any_more_is_treated_like_production():
    assert policy().approvals_needed(Case("gone", "tune", Risk.REVERSIBLE)) == 1


SEVERAL = (
    Rule(actions=("failover",), channels=("C0INCIDENT",), approvals=2),
    Rule(environments=("staging",), risks=(Risk.REVERSIBLE,), approvals=1),
    Rule(targets=("orders",), approvers=People(users=("U0LEAD",)), approvals=3),
    Rule(requesters=People(users=("U0ONCALL",)), approvers=People(users=("U0OTHER",))),
)


def test_the_first_rule_that_fits_and_grants_it_counts():
    rules = policy(rules=SEVERAL)

    assert rules.approvals_needed(ORDERS) == 2
    assert rules.approvals_needed(replace(ORDERS, action="tune")) == 3
    assert rules.approvals_needed(replace(ORDERS, channel="C0OTHER")) == 3
    assert rules.approvals_needed(replace(ORDERS, target="carts")) == 2
    assert policy(rules=SEVERAL[:2]).approvals_needed(replace(ORDERS, action="tune", channel=None)) == 1


def test_what_is_asked_for_in_a_terminal_is_judged_as_in_the_channels_of_its_target():
    rules = policy(rules=SEVERAL, channels={"C0INCIDENT": ("orders",)})

    assert rules.approvals_needed(replace(ORDERS, channel=None)) == 2
    assert policy(rules=SEVERAL).approvals_needed(replace(ORDERS, channel=None)) == 3


async def test_a_rule_says_who_may_ask_and_approve_before_what_is_named_for_the_target():
    rules = policy("U0LEAD", "U0ONCALL", rules=SEVERAL)

    assert await rules.may_approve(ORDERS, "U0LEAD", "U0ONCALL") is None
    assert await rules.may_ask(ORDERS, "U0ONCALL") is None
    assert "U0ONCALL may" in await rules.may_ask(ORDERS, "U0LEAD")
    assert "U0ONCALL may" in await rules.may_use("U0LEAD", CHANGE, "C0INCIDENT", "orders")
    assert await rules.may_use("U0LEAD", READ, "C0INCIDENT", "orders") is None
    assert "U0OTHER may" in await rules.may_approve(replace(ORDERS, target="carts"), "U0LEAD", "U0ONCALL")


@pytest.mark.parametrize("risk", [Risk.DESTRUCTIVE, Risk.IRREVERSIBLE])
def test_no_rule_takes_the_second_human_away_from_what_destroys(risk):
    rules = policy(rules=(Rule(approvals=0),))

    assert rules.approvals_needed(replace(ORDERS, risk=risk)) == 1
    assert rules.approvals_needed(replace(ORDERS, risk=Risk.REVERSIBLE)) == 0


async def test_two_approvals_take_two_people_however_often_one_is_named():
    rules = policy("U0LEAD", "U0LEAD", "U0ONCALL", approvers=People("S0REDISOPS", ("U0LEAD", "U0BOT", "U0GONE")))

    eligible = await rules.eligibility(ORDERS, "U0ONCALL")
    assert (eligible.approvers_total, eligible.active) == (4, ("U0LEAD",))
    assert eligible.enough(1)
    assert not eligible.enough(2)


async def test_only_who_is_named_and_may_ask_breaks_the_glass_and_never_for_what_cannot_be_undone():
    named = {"orders": People(users=("U0LEAD", "U0ONCALL", "U0GUEST"))}
    rules = policy("U0ONCALL", "U0GUEST", "U0SECOND", break_glass=named)

    assert await rules.may_break_glass(ORDERS, "U0ONCALL") is None
    assert "may not ask for changes" in await rules.may_break_glass(ORDERS, "U0LEAD")
    assert "is a guest" in await rules.may_break_glass(ORDERS, "U0GUEST")
    assert "could not be looked up" in await rules.may_break_glass(ORDERS, "U0SECOND")
    assert "cannot be undone" in await rules.may_break_glass(replace(ORDERS, risk=Risk.IRREVERSIBLE), "U0ONCALL")
    nobody = policy("U0ONCALL")
    assert "targets.yaml names no break_glass" in await nobody.may_break_glass(ORDERS, "U0ONCALL")
    ruled = policy("U0ONCALL", rules=(Rule(break_glass=People(users=("U0LEAD",))),), break_glass=named)
    assert "You may not break the glass on orders; U0LEAD may." in await ruled.may_break_glass(ORDERS, "U0ONCALL")

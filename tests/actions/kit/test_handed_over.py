"""A master that has handed over to one that is a replica again gets its role back, where nobody else is in charge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from actions.kit.errors import NotYet
from actions.kit.fencing import fence_of
from actions.kit.handed_over import given_back
from actions.kit.ports import Standing
from actions.kit.snapshot import Role, Snapshot
from actions.kit.topology import Address
from tests.builders import healthy, node_at, with_node, with_opinion, without_sentinel

OLD, NEW, THIRD = node_at(1), node_at(2), node_at(3)
FENCE = fence_of(OLD, None)


@dataclass
class Servers:
    """Two replicas that follow each other, and their Sentinels; ``after`` is what is seen after the promotion."""

    before: Snapshot
    after: Snapshot
    standing_now: Standing
    done: list[str] = field(default_factory=list)
    role: Role = Role.REPLICA
    max_lag: str = "10"

    async def standing(self, node: Address) -> Standing:
        assert node == OLD
        return replace(self.standing_now, role=self.role)

    async def observe(self) -> Snapshot:
        return self.before if self.role is Role.REPLICA else self.after

    async def change_settings(self, _: Address, settings: Mapping[str, str], *, rewrite: bool) -> None:
        assert not rewrite
        self.done.append(f"set {dict(settings)}")

    async def promote(self, _: Address) -> None:
        self.role = Role.MASTER
        self.done.append("promote")

    async def unfence(self, _: Address, settings: Mapping[str, str]) -> None:
        self.done.append(f"unfence {dict(settings)}")

    async def settings(self, _: Address, names: tuple[str, ...]) -> Mapping[str, str]:
        known = {"min-replicas-to-write": "1000000", "min-replicas-max-lag": self.max_lag}
        return {name: known[name] for name in names}

    def now(self) -> float:
        return 0.0


def nobody() -> Snapshot:
    return with_node(healthy(), 1, role=Role.REPLICA)


def servers(before: Snapshot | None = None, after: Snapshot | None = None, replid: str = "a") -> Servers:
    standing = Standing(Role.REPLICA, 200, NEW, replid="b", replid2=replid, second_repl_offset=150)
    return Servers(before or nobody(), after or healthy(), standing)


async def back(at: Servers) -> str:
    return await given_back(OLD, NEW, FENCE, ("a", 100), at)  # type: ignore[arg-type]


async def test_it_is_promoted_behind_its_fence_and_opened_once_nobody_else_is() -> None:
    at = servers()
    assert f"{OLD} had handed over to it, so nobody was master" in await back(at)
    fenced, opened = {"min-replicas-to-write": "1000000"}, {"min-replicas-to-write": "0"}
    assert at.done == [f"set {fenced}", "promote", f"unfence {opened}"]


async def test_one_that_has_not_handed_over_has_only_its_pause_ended() -> None:
    at = servers()
    at.role = Role.MASTER
    assert await back(at) == ""
    assert at.done == ["unfence {}"]


@pytest.mark.parametrize(
    ("at", "why"),
    [
        (servers(with_node(nobody(), 3, role=Role.MASTER)), f"{THIRD} says that it is a master"),
        (servers(with_opinion(nobody(), 1, address=THIRD)), f"The Sentinels name {THIRD}"),
        (servers(with_opinion(nobody(), 1, flags=frozenset({"master", "s_down"}))), "hold .* to be down. .* wait for"),
        (servers(without_sentinel(without_sentinel(nobody(), 1), 2)), "No majority of the Sentinels answers"),
        (servers(replid="another"), "Nothing proves that .* still has the data"),
    ],
)
async def test_it_is_left_to_the_sentinels_where_they_may_choose_and_nobody_is_touched(at: Servers, why: str) -> None:
    with pytest.raises(NotYet, match=f"nobody takes writes. .*{why}"):
        await back(at)
    assert at.done == []


async def test_without_a_fence_it_is_not_promoted() -> None:
    at = servers()
    at.max_lag = "0"
    with pytest.raises(NotYet, match="was not made master again, since it cannot be fenced"):
        await back(at)
    assert "promote" not in at.done


async def test_it_stays_closed_where_another_was_promoted_meanwhile() -> None:
    at = servers(after=with_node(healthy(), 3, role=Role.MASTER))
    with pytest.raises(NotYet, match=f"was made master again, and refuses writes: {THIRD} says that it is a master"):
        await back(at)
    assert at.done[-1] == "promote"

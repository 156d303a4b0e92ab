"""What is known of a fence when it is to be taken back: of a process that is gone, of another one, of the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from actions.kit.errors import Gone, NotYet
from actions.kit.fencing import FENCE, fence_of
from actions.kit.ports import Standing
from actions.kit.snapshot import Role, SentinelView, Snapshot
from actions.kit.steps import Fence
from actions.kit.topology import Address
from tests.builders import healthy, node_at, with_node, with_opinion

MASTER, OTHER = node_at(1), node_at(2)
STEP = Fence(MASTER, 500, fence_of(MASTER, None), run_id="fenced")


@dataclass
class Server:
    """One master by its own word, with what was set on it, beside a healthy topology."""

    run_id: str = "fenced"
    value: str = "1000000"
    gone: bool = False
    picture: Snapshot = field(default_factory=healthy)
    done: list[str] = field(default_factory=list)

    async def standing(self, node: Address) -> Standing:
        assert node == MASTER
        if self.gone:
            raise Gone(f"{node}: connection refused")
        return Standing(Role.MASTER, 100)

    async def recall(self, _: Address) -> None:
        self.done.append("recall")

    async def settings(self, _: Address, names: tuple[str, ...]) -> Mapping[str, str]:
        self.done.append("read")
        return dict.fromkeys(names, self.value)

    async def unfence(self, _: Address, settings: Mapping[str, str]) -> None:
        self.done.append(f"unfence {settings[FENCE]}")

    async def change_settings(self, _: Address, settings: Mapping[str, str], *, rewrite: bool) -> None:
        self.done.append(f"set {settings[FENCE]}, file {rewrite}")

    async def sentinel_views(self) -> tuple[SentinelView, ...]:
        return self.picture.sentinels

    async def observe(self) -> Snapshot:
        return with_node(self.picture, 1, run_id=self.run_id)


async def undone(at: Server) -> str:
    return await STEP.undo(at)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("at", "told", "file"),
    [
        (Server(), f"{MASTER} accepts writes again", False),
        (Server("new", "0"), f"{MASTER} was restarted since, without its fence, and accepts writes", False),
        (
            Server("new"),
            f"{MASTER} was restarted since, with its fence, which is in its file no more, and accepts writes",
            True,
        ),
        (Server(""), f"{MASTER} accepts writes again", False),
    ],
    ids=["the same process", "restarted", "restarted with the fence in its file", "which process is not told"],
)
async def test_it_says_what_is_so_and_mends_the_file_only_where_the_fence_came_from_there(
    at: Server, told: str, *, file: bool
) -> None:
    assert await undone(at) == told
    assert at.done == ["recall", "read", "unfence 0", *(["set 0, file True"] if file else [])]


async def test_of_a_process_that_is_gone_nothing_is_claimed() -> None:
    at = Server(gone=True)
    with pytest.raises(Gone, match=r"refused\. A fence that it had in memory goes with its process; whether its file"):
        await undone(at)
    assert at.done == []


@pytest.mark.parametrize("value", ["1000000", "0"])
async def test_beside_another_master_it_stays_fenced_and_without_a_fence_nothing_is_left(value: str) -> None:
    picture = with_opinion(healthy(), 1, address=OTHER, config_epoch=1)
    at = Server("new", value, picture=picture)
    if value == "0":
        assert await undone(at) == f"{MASTER} has no fence any more, and the Sentinels name {OTHER} at epoch 1"
    else:
        with pytest.raises(NotYet, match=f"the Sentinels name {OTHER} at epoch 1: {MASTER} stays fenced"):
            await undone(at)
    assert at.done == ["recall", "read"], "nothing is sent to it"

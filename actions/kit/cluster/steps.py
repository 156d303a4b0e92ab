"""The steps that move the role of master within a shard: ask for the failover, see it agreed on, let go of the old one.

The cluster moves the role itself, by a handshake between the two nodes and a vote of the masters. OK to the command is
not success: it is watched. No I/O here but through Hands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from actions.kit.cluster.agreement import backing, dissenters, voters
from actions.kit.cluster.candidates import Candidates
from actions.kit.cluster.keys import tag_in
from actions.kit.cluster.proof import prove_shards
from actions.kit.cluster.refusals import not_now, shard_not_now
from actions.kit.cluster.shards import Shards
from actions.kit.errors import ActionError, Gone, NotYet, TooLate, Unreachable
from actions.kit.fencing import keeps_fence, why_open
from actions.kit.plan import Held, SettingChange, Step
from actions.kit.ports import Hands, Takeover
from actions.kit.proof import was_restarted
from actions.kit.roles import follows, is_master
from actions.kit.snapshot import Snapshot
from actions.kit.steps import as_settings, until
from actions.kit.topology import Address

HANDSHAKE_MS = 5_000
"""After this long a replica gives its handshake up by itself; since Valkey 9 it is a setting, with this default."""
_HANDSHAKE = "cluster-manual-failover-timeout"


@dataclass(frozen=True, slots=True)
class CheckShard(Step):
    """See right before a shard is moved that nothing speaks against it; each shard of a plan is a stage of its own."""

    begins_stage: ClassVar[bool] = True
    candidate: Address
    master: Address

    @property
    def title(self) -> str:
        """What the step does."""
        return f"See that {self.candidate} can take over from {self.master}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return "CLUSTER INFO and CLUSTER NODES on every node"

    async def act(self, hands: Hands) -> str:
        """Look at all nodes.

        Raises:
            NotYet: something speaks against it by now.
        """
        snapshot = await hands.observe()
        shards = Shards(snapshot)
        shard = shards.shard_of(self.master)
        reasons = tuple(not_now(snapshot, shards))
        if not reasons and shard is not None:
            reasons = (*shard_not_now(snapshot, shards, shard),)
            reasons += Candidates(snapshot, shards, shard).refusals(self.candidate)
        if reasons or shard is None:
            raise NotYet(" ".join(reasons) or f"{self.master} owns no slots")
        return f"{len(shards.views)} nodes agree on {self.master}, and {self.candidate} can take over"


@dataclass(frozen=True, slots=True)
class ClusterFailover(Step):
    """Have the candidate take over, by handshake and vote. From here on there is no way back."""

    point_of_no_return: ClassVar[bool] = True
    candidate: Address
    master: Address
    current_epoch: int
    """The highest that any node knew when this was planned: every election raises it."""
    mode: Takeover | None = None
    """How it is done where the master is lost: without the handshake, and so without a fence."""
    offset: int = 0
    """What the candidate had when this was planned: one that was restarted since may have come back with less."""

    @property
    def promotes(self) -> Address:
        """Who becomes master."""
        return self.candidate

    @property
    def title(self) -> str:
        """What the step does."""
        how = {None: "", Takeover.FORCE: " by force", Takeover.TAKEOVER: " without a vote"}[self.mode]
        return f"Fail over from {self.master} to {self.candidate}{how}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return f"{self.candidate}> CLUSTER FAILOVER" + (f" {self.mode.value}" if self.mode else "")

    async def destroys(self, hands: Hands) -> str | None:
        """Where a run of several shards is to go on, this is still to come."""
        if (await self.holds(hands)).yes:
            return None
        return f"{self.candidate} is still to take over from {self.master}"

    async def holds(self, hands: Hands) -> Held:
        """Whether the candidate is a master, by its own word."""
        return await is_master(self.candidate, hands)

    async def act(self, hands: Hands) -> str:
        """Ask for it where the fence stands and the candidate follows, and watch until it is master."""
        if self.mode is None and (why := await why_open(self.master, hands)):
            raise NotYet(f"not asked: {self.master} is no longer fenced, {why}")
        standing = await hands.standing(self.candidate)
        if standing.master != self.master or (self.mode is None and not standing.link_up):
            raise NotYet(f"not asked: {self.candidate} follows {standing.master}, or its link is down")
        if standing.offset < self.offset:
            raise NotYet(
                f"not asked: {self.candidate} is at offset {standing.offset:,} and was at {self.offset:,}: it was "
                "restarted, and lacks what it had"
            )
        await hands.cluster_failover(self.candidate, self.mode)
        return (await until(lambda: self.holds(hands), hands, await _handshake_s(self.candidate, hands))).observation

    async def undo(self, hands: Hands) -> str:
        """See that the candidate has not taken over, and wait until its handshake is over: nothing stops it sooner.

        Raises:
            TooLate: it has taken over after all.
            NotYet: it is silent, and others have voted since: it may be master already.
        """
        try:
            await hands.recall(self.candidate)
            deadline = hands.now() + await _handshake_s(self.candidate, hands)
            while hands.now() < deadline:
                if (await self.holds(hands)).yes:
                    raise TooLate(f"{self.candidate} has taken over after all")
                await hands.sleep(0.1)
        except Gone:
            return f"{self.candidate} is gone, with what it was told"
        except Unreachable as error:
            return await self._nobody_voted(hands, error)
        return f"{self.candidate} is a replica, and its handshake is over"

    async def _nobody_voted(self, hands: Hands, silence: Unreachable) -> str:
        """A silent candidate that has not asked for votes gives up by itself as soon as it wakes."""
        shards = Shards(await hands.observe())
        epochs = {node.address: view.current_epoch for node, view in shards.views}
        unaware = [one for one in voters(shards) if epochs[one] <= self.current_epoch]
        if len(unaware) * 2 <= len(shards.shards):
            raise NotYet(f"{self.candidate} is silent, and may have been voted for: {silence}") from silence
        return f"{self.candidate} is silent ({silence}), and no majority was asked for its vote: it cannot be master"


@dataclass(frozen=True, slots=True)
class AwaitAgreement(Step):
    """Wait until every node that answers, and with them a majority of all masters, names the new owner of the slots."""

    master: Address
    majority: bool = True
    """Whether the majority is asked for; where nobody can vote there is none."""
    within_s: int = 10

    @property
    def only_looks(self) -> bool:
        """It waits."""
        return True

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Wait until all nodes agree on {self.master}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return f"CLUSTER NODES on every node: the slots are those of {self.master}"

    async def holds(self, hands: Hands) -> Held:
        """Whether they do."""
        shards = Shards(await hands.observe())
        shard = shards.shard_of(self.master)
        if shard is None or shard.master != self.master:
            return Held(yes=False, observation=f"the slots are those of {shard.master if shard else 'somebody else'}")
        wrong, votes = dissenters(shards, shard), backing(shards, shard)
        if wrong:
            return Held(yes=False, observation=f"{', '.join(map(str, wrong))} says otherwise")
        seen = f"{len(shards.views)} nodes, {votes} of {len(shards.shards)} masters, config-epoch {shard.config_epoch}"
        return Held(not self.majority or votes * 2 > len(shards.shards), seen)

    async def act(self, hands: Hands) -> str:
        """Wait for it."""
        return (await until(lambda: self.holds(hands), hands, self.within_s, every_s=0.05)).observation


@dataclass(frozen=True, slots=True)
class LetGo(Step):
    """See the old master follow, and lift its fence and its pause.

    The cluster demotes it. Redis 6.2 leaves it paused for ten seconds all the same: its clients would hang, and what it
    receives as a replica would wait.
    """

    node: Address
    master: Address
    settings: tuple[SettingChange, ...]
    within_s: int = 10

    @property
    def title(self) -> str:
        """What the step does."""
        return f"See that {self.node} follows, and lift its fence"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        sets = "".join(f"CONFIG SET {change.name} {change.old}; " for change in self.settings)
        return f"{self.node}> ROLE; MULTI; {sets}CLIENT UNPAUSE; EXEC"

    @property
    def repays(self) -> tuple[SettingChange, ...]:
        """What was owed."""
        return self.settings

    async def act(self, hands: Hands) -> str:
        """Wait until it is a replica; one that stays a master keeps its fence."""
        held = await until(lambda: follows(self.node, self.master, hands), hands, self.within_s)
        await hands.unfence(self.node, as_settings(self.settings, old=True))
        if await keeps_fence(self.node, hands):
            raise NotYet(f"{self.node} did not give its fence up")
        return f"{held.observation}, without a fence"


@dataclass(frozen=True, slots=True)
class ProveShards(Step):
    """Look at every node, now or after a while, and write to each master that is new."""

    masters: tuple[Address, ...]
    expected: tuple[Address, ...]
    """The nodes that answered before. Whoever was silent then may be silent now."""
    token: str
    after_s: int = 0
    alone: bool = False
    """Only these shards are to be proven: others may be lost, and then nobody takes writes as yet."""
    within_s: int = 20
    run_ids: tuple[str, ...] = ()
    """The processes that were to be promoted, one for each of ``masters``; empty where they are not known."""

    @property
    def title(self) -> str:
        """What the step does."""
        return "Prove the result" + (f" again after {self.after_s} s" if self.after_s else "")

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return "ROLE, CLUSTER INFO and CLUSTER NODES on every node; SET {tag} NX EX 30, WAIT, GET, DEL in each shard"

    def looks_again_at(self, earlier: Step) -> bool:
        """Whether an earlier one looked at the same, for however long."""
        if not isinstance(earlier, ProveShards):
            return False
        return replace(earlier, after_s=self.after_s, within_s=self.within_s) == self

    async def act(self, hands: Hands) -> str:
        """Wait out the delay, then look until all is proven."""
        await hands.sleep(self.after_s)
        return (await until(lambda: self._proven(hands), hands, self.within_s, every_s=0.25)).observation

    async def _proven(self, hands: Hands) -> Held:
        snapshot = await hands.observe()
        checks = prove_shards(snapshot, self.masters, self.expected, alone=self.alone)
        wrong = [f"{check.title}: {check.observation}" for check in checks if not check.ok]
        shards = Shards(snapshot)
        if wrong:
            self._still_ours(snapshot, shards)
            return Held(yes=False, observation="; ".join(wrong))
        if self.alone and not all(view.ok for _, view in shards.views):
            seen = "cluster_state is fail for other shards, so no write was tried"
            return Held(yes=True, observation=f"{len(checks)} checks passed; {seen}")
        for master in self.masters:
            shard = shards.shard_of(master)
            replicas = [one for one in shard.replicas if one in self.expected] if shard else []
            token = f"{self.token}:{{{tag_in(shard.slots if shard else ())}}}"
            probe = await hands.write_probe(master, tuple(replicas), token)
            if not probe.ok:
                return Held(yes=False, observation="write probe: " + "; ".join(probe.observations))
        restarted = (was_restarted(snapshot, *one) for one in zip(self.masters, self.run_ids, strict=False))
        if gone := "; ".join(filter(None, restarted)):
            raise TooLate(gone)
        return Held(yes=True, observation=f"{len(checks)} checks passed, and a write probe in each new master's shard")

    def _still_ours(self, snapshot: Snapshot, shards: Shards) -> None:
        """One that was made a replica again is not waited for: nobody is going to promote it."""
        for master in self.masters:
            node, shard = snapshot.node(master), shards.shard_of(master)
            if node is not None and node.is_replica and shard is not None and shard.master not in {None, master}:
                seen = f"it follows {shard.master}"
                raise TooLate(f"{master} is not the master any more: {seen}; what it took last as a master can be lost")


async def _handshake_s(node: Address, hands: Hands) -> float:
    """How long this node goes on trying, and a moment."""
    try:
        set_to = (await hands.settings(node, (_HANDSHAKE,))).get(_HANDSHAKE, "")
    except ActionError:
        set_to = ""
    return (int(set_to) if set_to.isdigit() else HANDSHAKE_MS) / 1000 + 0.5

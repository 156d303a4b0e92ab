"""The last look at the whole target before anything is done that can harm. No I/O here but through Hands."""

from __future__ import annotations

from dataclasses import dataclass

from actions.kit.errors import TooLate
from actions.kit.plan import Step, changed_facts, facts_of
from actions.kit.ports import Hands


@dataclass(frozen=True, slots=True)
class Recheck(Step):
    """See that the target is still what was approved.

    The approval was compared when the run began. What comes before the fence can take ten seconds, and in that time a
    Sentinel may have failed over, or somebody else may have been at work.
    """

    seen: tuple[str, ...]
    """The facts that the approval binds to; see ``facts_of``."""

    @property
    def title(self) -> str:
        """What the step does."""
        return "See that nothing has changed since it was planned"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return "INFO replication on each node, SENTINEL MASTER on each Sentinel"

    async def act(self, hands: Hands) -> str:
        """Look at everything.

        Raises:
            TooLate: it is no longer so; says what is different.
        """
        different = changed_facts(self.seen, facts_of(await hands.observe()))
        if different:
            raise TooLate(f"it is no longer as it was approved: {'; '.join(different)}")
        return "all is as it was planned"

"""An action for the bench alone: one real command a step, and nothing that depends on the servers' roles.

``python -m bench.touching serve`` is ``tandem serve`` with this action added to those that there are.
"""

from __future__ import annotations

from dataclasses import dataclass

from actions import registry
from actions.kit import step_types
from actions.kit.action import ChangeAction, Option, Options
from actions.kit.plan import Cost, Plan, Refusal, Risk, Step, facts_of
from actions.kit.ports import Hands
from actions.kit.snapshot import Snapshot
from actions.kit.topology import Address

SETTING = "slowlog-max-len"
"""Nothing depends on it; the server counts how often it was set."""


@dataclass(frozen=True, slots=True)
class Touch(Step):
    """Set one setting of one node."""

    node: Address
    number: int

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Touch {self.node}, {self.number}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return f"{self.node}> CONFIG SET {SETTING} {100 + self.number}"

    async def act(self, hands: Hands) -> str:
        """Set it."""
        await hands.change_settings(self.node, {SETTING: str(100 + self.number)}, rewrite=False)
        return "set"


def touch(snapshot: Snapshot, options: Options) -> Plan | Refusal:
    """As many steps as are asked for."""
    node = snapshot.nodes[0].address
    steps = tuple(Touch(node, number) for number in range(int(options.get("steps", "1"))))
    return Plan(snapshot.target, "touch", Risk.DESTRUCTIVE, "It is asked for.", Cost(), steps, facts_of(snapshot))


ACTION = ChangeAction("touch", "Set a setting", Risk.DESTRUCTIVE, touch, (Option("steps", "N", "how many steps"),))


def _serve() -> None:
    registry.ACTIONS = (*registry.ACTIONS, ACTION)
    step_types.STEP_TYPES = (*step_types.STEP_TYPES, Touch)
    from bot.cli import main  # noqa: PLC0415 -- Only now: what it imports takes over the actions that there are.

    main()


if __name__ == "__main__":
    # Under its own name, so that the class that is stored and the class that is read back are one.
    from bench.touching import _serve as serve

    serve()

"""The steps that point an application at another master, and wait until all of it is. No I/O here but through Hands."""

from __future__ import annotations

from dataclasses import dataclass

from actions.kit.diagnosis.kubernetes import pod_trouble
from actions.kit.errors import NotYet, TooLate
from actions.kit.kubernetes.setting import Variable, as_text, shown
from actions.kit.kubernetes.view import ApplicationView
from actions.kit.plan import Held, SettingChange, Step
from actions.kit.ports import Hands
from actions.kit.steps import until

ROLLOUT_S = 900
"""Kubernetes gives a rollout up after 10 minutes without progress, unless the Deployment says otherwise."""


@dataclass(frozen=True, slots=True)
class SwitchApplication(Step):
    """Set the variable that tells the application where Redis is; Kubernetes replaces its pods from then on."""

    variable: Variable
    old: str
    new: str
    """Both as ``actions.kit.kubernetes.setting`` writes them."""
    roll_back: bool = False
    """Whether a rollout that gets stuck is to be taken back: until it is over the old value is owed."""

    @property
    def title(self) -> str:
        """What the step does."""
        return f"Point {self.variable.deployment} at {shown(self.new)}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        one = self.variable
        return (
            f"kubectl -n {one.namespace} set env deployment/{one.deployment} -c {one.container} "
            f"{one.env}={shown(self.new)}"
        )

    @property
    def changes(self) -> tuple[SettingChange, ...]:
        """Owed only where it is to be put back."""
        return _change(self.variable, self.old, self.new) if self.roll_back else ()

    async def holds(self, hands: Hands) -> Held:
        """Whether it is set so."""
        value = await _value(self.variable, hands)
        return Held(value == self.new, f"{self.variable.env} is {shown(value)}")

    async def act(self, hands: Hands) -> str:
        """Set it, and read it."""
        await hands.change_settings(self.variable.resource, {self.variable.name: self.new}, rewrite=False)
        held = await self.holds(hands)
        if not held.yes:
            raise NotYet(f"{self.variable.deployment} did not keep it: {held.observation}")
        return held.observation


@dataclass(frozen=True, slots=True)
class AwaitRollout(Step):
    """Watch the application's pods being replaced until all of them know the new master."""

    variable: Variable
    old: str
    new: str
    roll_back: bool = False
    within_s: int = ROLLOUT_S

    @property
    def only_looks(self) -> bool:
        """It watches; what is stuck may be put back."""
        return True

    @property
    def title(self) -> str:
        """What the step does."""
        undone = ", and take it back if it gets stuck" if self.roll_back else ""
        return f"Wait until all of {self.variable.deployment} is rolled out{undone}"

    @property
    def command(self) -> str:
        """The equivalent for a person."""
        return f"kubectl -n {self.variable.namespace} rollout status deployment/{self.variable.deployment}"

    @property
    def repays(self) -> tuple[SettingChange, ...]:
        """Once it is rolled out nothing is to be put back any more."""
        return _change(self.variable, self.old, self.new) if self.roll_back else ()

    async def holds(self, hands: Hands) -> Held:
        """Whether it is over."""
        return await self._done(hands)

    async def act(self, hands: Hands) -> str:
        """Watch it to its end.

        Raises:
            NotYet: it is stuck; says why, and what became of the setting.
            TooLate: somebody has put the old setting back.
        """
        try:
            return (await until(lambda: self._done(hands), hands, self.within_s, every_s=0.5)).observation
        except NotYet as error:
            raise await self._given_up(str(error), hands) from error
        except _StuckError as error:
            raise await self._given_up(str(error), hands) from error

    async def _done(self, hands: Hands) -> Held:
        app = await hands.kubernetes.application()
        value, rollout = app.value, app.rollout
        if value is None or as_text(value) != self.new:
            whose = f" ({app.owner} puts its own back)" if app.owner else ""
            seen = value.words if value else "nothing"
            raise TooLate(f"{self.variable.env} of {app.deployment} is {seen} again{whose}")
        if rollout is None:
            return Held(yes=False, observation="how far it is, is not told")
        if rollout.stuck and rollout.observed >= rollout.generation:
            raise _StuckError(f"{rollout.words}{_why(app)}")
        return Held(rollout.done, rollout.words)

    async def _given_up(self, why: str, hands: Hands) -> NotYet:
        one = self.variable
        stuck = f"the rollout of {one.deployment} is stuck: {why}"
        if not self.roll_back:
            return NotYet(
                f"{stuck}. It is left so; to take it back: kubectl -n {one.namespace} rollout undo "
                f"deployment/{one.deployment}"
            )
        await hands.change_settings(one.resource, {one.name: self.old}, rewrite=False)
        return NotYet(f"{stuck}. {one.env} was set back to {shown(self.old)}, where no master is any more")


class _StuckError(Exception):
    """Kubernetes has given a rollout up: waiting longer changes nothing."""


async def _value(variable: Variable, hands: Hands) -> str:
    return (await hands.settings(variable.resource, (variable.name,)))[variable.name]


def _change(variable: Variable, old: str, new: str) -> tuple[SettingChange, ...]:
    return (SettingChange(variable.resource, variable.name, new, old),)


def _why(app: ApplicationView) -> str:
    """What the pods that are not ready say."""
    troubles = {one.name: pod_trouble(one, None) for one in app.pods}
    said = [f"{name}: {trouble}" for name, trouble in troubles.items() if trouble]
    return f" ({'; '.join(said[:3])})" if said else ""

"""People for tests that read as transcripts: they type, press, fill in and look, and only at what they can see."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from sandbox.slack.deliver import Answer
from sandbox.slack.interact import Screen
from sandbox.slack.messages import Json, Message, elements_of
from sandbox.slack.state import World
from sandbox.slack.views import OpenView, View
from sandbox.slack.waiting import waits_for


class NoSuchControlError(AssertionError):
    """The button or menu is not on the screen, or is there more than once."""


@dataclass(frozen=True)
class Person:
    """One person at the screen, by user id."""

    id: str
    world: World
    screen: Screen

    @property
    def name(self) -> str:
        """The display name."""
        return self.world.users[self.id].name

    @property
    def direct_messages(self) -> str:
        """The id of the channel with the bot."""
        return self.world.direct_channel(self.id).id

    @property
    def home(self) -> View | None:
        """The home tab as the app last published it for this person."""
        home = self.world.homes.get(self.id)
        return home.frozen() if home else None

    async def types(self, channel: str, text: str, *, thread_ts: str | None = None) -> Answer:
        """Type a message or a command; returns when Slack has the app's ack, or has given up waiting for it."""
        self._must_see(channel)
        return await self.screen.type(self.id, channel, text, thread_ts)

    async def clicks(self, target: Message | View, name: str, value: str | None = None) -> Answer:
        """Press a button by action id (and value) or by its text, on the screen as it is now.

        Raises NoSuchControlError where it is not there, AssertionError where this person cannot see the message.
        """
        if isinstance(target, View):
            view = self._open_view(target)
            block, element = _only(elements_of(view.blocks), name, value)
            return await self.screen.click_in_view(self.id, view, block, element)
        message = self._current(target)
        return await self.clicks_stale(message, name, value)

    async def clicks_stale(self, message: Message, name: str, value: str | None = None) -> Answer:
        """Press a button of an older copy of a message, as on a screen that has not been updated."""
        self._must_see(message.channel)
        block, element = _only(elements_of(message.blocks), name, value)
        return await self.screen.click(self.id, message, block, element)

    async def chooses(self, target: Message | View, name: str, choice: Any) -> Answer:
        """Choose in a menu by action id: an option's value or text, or a list of them for check boxes."""
        if isinstance(target, View):
            view = self._open_view(target)
            block, element = _only(elements_of(view.blocks), name, None)
            return await self.screen.click_in_view(self.id, view, block, element, choice)
        message = self._current(target)
        block, element = _only(elements_of(message.blocks), name, None)
        return await self.screen.click(self.id, message, block, element, choice)

    async def waits_for_view(self, callback_id: str | None = None, *, within: float = 60.0) -> View:
        """Return the modal in front, as soon as there is one (with this callback id)."""
        front = await waits_for(self.world, lambda: self._front(callback_id), within, f"a view for {self.name}")
        return cast("OpenView", front).frozen()

    def _front(self, callback_id: str | None) -> OpenView | None:
        view = self.world.top_view(self.id)
        return view if view and callback_id in {None, view.body.get("callback_id")} else None

    async def submits(self, view: View, values: Mapping[str, Any] | None = None) -> Answer:
        """Submit a modal with values by "block_id.action_id"; raises AssertionError where its form would refuse."""
        return await self.screen.submit(self.id, self._open_view(view), values or {})

    async def closes(self, view: View) -> Answer:
        """Close a modal."""
        return await self.screen.close(self.id, self._open_view(view))

    async def opens_home(self) -> Answer:
        """Open the bot's home tab."""
        return await self.screen.open_home(self.id)

    def _must_see(self, channel: str) -> None:
        if self.id not in self.world.channels[channel].members:
            raise AssertionError(f"{self.name} is not in {channel}.")

    def _current(self, message: Message) -> Message:
        self._must_see(message.channel)
        post = self.world.find(message.channel, message.ts)
        if post is None or post.deleted:
            raise NoSuchControlError("The message has been deleted.")
        if post.ephemeral_for not in {None, self.id}:
            raise AssertionError(f"Only {post.ephemeral_for} can see this message.")
        return post.frozen()

    def _open_view(self, view: View) -> OpenView:
        found = self.world.view(view.id)
        if found is None or found.user != self.id:
            raise AssertionError(f"{self.name} does not have this view open.")
        return found


def _only(controls: Any, name: str, value: str | None) -> tuple[Json, Json]:
    """Return the one (block, element) with this action id or text, and this value where it is given."""
    everything = [(block, element) for block, element in controls if "action_id" in element]
    found = [
        (block, element)
        for block, element in everything
        if name in {element["action_id"], _label(element)} and value in {None, element.get("value")}
    ]
    if len(found) == 1:
        return found[0]
    shown = ", ".join(f"{_label(each)} ({each['action_id']}={each.get('value')})" for _, each in everything) or "none"
    times = "no" if not found else "more than one"
    raise NoSuchControlError(f"There is {times} control {name!r} here; controls: {shown}.")


def _label(element: Json) -> str:
    text = element.get("text") or element.get("placeholder") or {}
    return str(text.get("text", ""))

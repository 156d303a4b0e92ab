"""What a person does on the screen, and what the app's immediate answer changes there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sandbox.slack import payloads
from sandbox.slack.api_views import change_view, checked_view, new_view
from sandbox.slack.deliver import Answer, Courier
from sandbox.slack.messages import Json, Message, Posted
from sandbox.slack.posting import SlackError
from sandbox.slack.responses import respond
from sandbox.slack.state import SLACKBOT, World
from sandbox.slack.views import OpenView, chosen_value, filled_state, relaxed

TROUBLE = "We had some trouble connecting. Try again?"


@dataclass
class Screen:
    """Carries out what people do, for the tests' people and for the browser page alike."""

    world: World
    courier: Courier

    async def type(self, user: str, channel_id: str, text: str, thread_ts: str | None = None) -> Answer:
        """Type into a channel: a message, or a command where it starts with a slash."""
        channel = self.world.channels[channel_id]
        if channel.is_archived:
            return self._slackbot(user, channel_id, "You cannot post in an archived channel.", "is_archived")
        if not text.startswith("/"):
            stored = payloads.with_ids(self.world, text)
            self.world.post(Posted(channel_id, self.world.next_ts(), user, stored, thread_ts=thread_ts))
            return Answer(None, 0.0)
        name, _, rest = text.partition(" ")
        known = self.world.manifest.command(name)
        if known is None:
            return self._slackbot(user, channel_id, f"{name} is not a valid command.", "not_a_command")
        if thread_ts is not None:
            return self._slackbot(user, channel_id, f"{name} is not supported in threads. Sorry!", "not_in_threads")
        rest = payloads.with_ids(self.world, rest) if known.should_escape else payloads.escape(rest)
        payload = payloads.command(self.world, user, channel, name, rest.strip())
        answer = await self.courier.deliver("slash_commands", payload, what=text, user=user)
        return self._show_ack(user, channel_id, name, payload["response_url"], answer)

    def _show_ack(self, user: str, channel: str, name: str, response_url: str, answer: Answer) -> Answer:
        error = answer.error
        if error is None and answer.payload:
            where = self.world.response_urls[response_url.rsplit("/", 1)[1]]
            try:
                respond(self.world, replace(where), answer.payload)
            except SlackError as wrong:
                error = wrong.error
        if error is None:
            return answer
        shown = self._slackbot(user, channel, f'{name} failed with the error "{error}"', error)
        return replace(shown, latency=answer.latency)

    def _slackbot(self, user: str, channel: str, text: str, error: str) -> Answer:
        self.world.post(Posted(channel, self.world.next_ts(), SLACKBOT, text, ephemeral_for=user))
        return Answer(error, 0.0, text)

    async def click(self, user: str, message: Message, block: Json, element: Json, choice: Any = None) -> Answer:
        """Use a control of a message as this person sees it, which may be older than the message."""
        blocks = relaxed(list(message.blocks))
        entry = chosen_value(element, choice)
        name = f"{block['block_id']}.{element['action_id']}"
        state = filled_state(blocks, {name: choice} if choice is not None and entry else {})
        actions = [payloads.action(block, element, entry)]
        payload = payloads.click_on_message(self.world, user, message, actions, state)
        return await self.courier.deliver("interactive", payload, what=element["action_id"], user=user)

    async def click_in_view(self, user: str, view: OpenView, block: Json, element: Json, choice: Any = None) -> Answer:
        """Use a control of a modal or home tab."""
        actions = [payloads.action(block, element, chosen_value(element, choice))]
        payload = payloads.click_on_view(self.world, user, view, actions)
        return await self.courier.deliver("interactive", payload, what=element["action_id"], user=user)

    async def submit(self, user: str, view: OpenView, values: Mapping[str, Any]) -> Answer:
        """Submit a modal; raises AssertionError where Slack's own form would not let the person."""
        view.state = filled_state(view.blocks, values)
        payload = payloads.submission(self.world, user, view)
        what = view.body.get("callback_id", "view_submission")
        answer = await self.courier.deliver("interactive", payload, what=what, user=user)
        if not answer.acked:
            view.trouble = TROUBLE
            self.world.changed()
            return answer
        try:
            self._after_submission(user, view, answer.payload)
        except SlackError as wrong:
            view.trouble = TROUBLE
            answer = replace(answer, error=wrong.error, text="; ".join(wrong.messages))
        self.world.changed()
        return answer

    def _after_submission(self, user: str, view: OpenView, ack: Json) -> None:
        action = ack.get("response_action")
        if action == "errors":
            errors = ack.get("errors")
            inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
            if not isinstance(errors, dict) or not errors or not errors.keys() <= inputs:
                raise SlackError("invalid_response", f"errors must name input blocks of the view: {sorted(inputs)}")
            view.errors, view.trouble = errors, ""
        elif action == "update":
            change_view(self.world, view, checked_view(ack.get("view"), "modal"))
        elif action == "push":
            new_view(self.world, user, checked_view(ack.get("view"), "modal"), on_top=True)
        elif action == "clear":
            self.world.modals[user].clear()
        elif action is None:
            self._take_away(user, view)
        else:
            raise SlackError("invalid_response", f"unknown response_action {action}")

    def _take_away(self, user: str, view: OpenView) -> None:
        stack = self.world.modals.get(user, [])
        if view in stack:
            stack.remove(view)
        self.world.changed()

    async def close(self, user: str, view: OpenView) -> Answer:
        """Close a modal; the app hears of it only where it asked for that."""
        self._take_away(user, view)
        if not view.body.get("notify_on_close"):
            return Answer(None, 0.0)
        payload = payloads.closing(self.world, user, view)
        return await self.courier.deliver("interactive", payload, what="view_closed", user=user)

    async def open_home(self, user: str) -> Answer:
        """Open the app's home tab; the event goes out only where the manifest asks for it."""
        if "app_home_opened" not in self.world.manifest.bot_events:
            return Answer(None, 0.0)
        payload = payloads.home_opened(self.world, user)
        return await self.courier.deliver_event(payload, what="app_home_opened", user=user)

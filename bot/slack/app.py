"""Builds the Bolt app: the gate, and listeners that ack and hand over. No listener does work of its own."""

from __future__ import annotations

import logging
import re
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientSession
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from actions.kit.action import Action
from actions.kit.settlement import Answer
from bot import logs
from bot.fleet import Fleet
from bot.ledger.outbox import Outbox
from bot.render.blocks import notice
from bot.render.blocks_incident import ACKNOWLEDGE, ASSIGN, MUTE
from bot.render.blocks_menu import APPROVAL, DENIAL, REASON, REASON_BLOCK, TARGET, TYPED, TYPED_BLOCK
from bot.render.blocks_request import APPROVE, APPROVE_TYPED, DENY, DETAILS, WITHDRAW
from bot.render.blocks_review import NOTE, NOTE_BLOCK, SIGN, SIGNED
from bot.render.blocks_run import ANSWER, CANCEL
from bot.slack.caller import Body, Caller, Gate
from bot.slack.clicks import Clicks
from bot.slack.client import Identity, web_client
from bot.slack.commands import Commands
from bot.slack.faults import report
from bot.slack.home import Home
from bot.slack.incidents import Incidents, Tending
from bot.slack.messages import Messages
from bot.slack.ports import Desk, Rights
from bot.slack.tasks import Tasks

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wiring:
    """Everything that the listeners work with. Made once, in the composition root."""

    session: ClientSession
    api_url: str
    bot_token: str
    signing_secret: str
    messages: Messages
    desk: Desk
    fleet: Fleet
    policy: Rights
    actions: tuple[Action, ...]
    outbox: Outbox
    incidents: Incidents
    tasks: Tasks


def build(wiring: Wiring, identity: Identity) -> AsyncApp:
    """The app with its listeners, the same for Socket Mode and for signed HTTP."""
    app = AsyncApp(
        name="tandem",
        client=web_client(wiring.session, wiring.api_url, None),
        authorize=_authorize(wiring.bot_token, identity),
        signing_secret=wiring.signing_secret,
        logger=logging.getLogger("slack_bolt"),
    )
    app.middleware(Gate(identity, wiring.session, wiring.messages).__call__)
    listeners = _Listeners(wiring)
    app.command("/redis")(listeners.command)
    app.action(re.compile(r"^run:\d+$"))(listeners.run)
    app.action(TARGET)(listeners.target)
    app.action(APPROVE)(listeners.approve)
    app.action(APPROVE_TYPED)(listeners.approve_typed)
    app.action(DENY)(listeners.deny)
    app.action(SIGN)(listeners.sign)
    app.action(WITHDRAW)(listeners.withdraw)
    app.action(DETAILS)(listeners.details)
    app.action(CANCEL)(listeners.cancel)
    app.action(re.compile(rf"^{ANSWER}:"))(listeners.answer)
    for button in (ACKNOWLEDGE, ASSIGN, MUTE):
        app.action(button)(listeners.incident)
    app.action(re.compile(r".*"))(listeners.unknown)
    app.view(DENIAL)(listeners.denial)
    app.view(APPROVAL)(listeners.approval)
    app.view(SIGNED)(listeners.signed)
    app.event("app_home_opened")(listeners.home)
    app.error(listeners.fault)
    return app


def _authorize(bot_token: str, identity: Identity) -> Any:
    """What Bolt asks for each request: known since the start, so that no ack waits for auth.test."""
    known = AuthorizeResult(
        enterprise_id=None,
        team_id=identity.team_id,
        bot_user_id=identity.user_id,
        bot_id=identity.bot_id,
        bot_token=bot_token,
    )

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:  # noqa: ARG001 -- Bolt's names; the gate compares the team.
        return known

    return authorize


class _Listeners:
    """One method a listener: find out who and what, hand over. Errors end in ``report``."""

    def __init__(self, wiring: Wiring) -> None:
        self._tasks = wiring.tasks
        self._commands = Commands(wiring.desk, wiring.fleet, wiring.policy, wiring.actions, wiring.messages)
        self._clicks = Clicks(wiring.desk, wiring.messages, wiring.outbox, wiring.tasks)
        self._tending = Tending(wiring.incidents, wiring.tasks)
        self._home = Home(wiring.messages.client, wiring.desk, self._commands)

    async def command(self, ack: AsyncAck, context: AsyncBoltContext, body: Body) -> None:
        await ack()
        text = str(body.get("text") or "")
        self._hand_over(context, "command", self._commands.run(_caller(context), text))

    async def run(self, ack: AsyncAck, context: AsyncBoltContext, action: Body) -> None:
        await ack()
        line = str(action.get("value") or "")
        self._hand_over(context, "button", self._commands.run(_caller(context), line))

    async def target(self, ack: AsyncAck, context: AsyncBoltContext, action: Body) -> None:
        await ack()
        chosen = str((action.get("selected_option") or {}).get("value") or "")
        self._hand_over(context, "menu", self._commands.choose(_caller(context), chosen))

    async def approve(self, ack: AsyncAck, context: AsyncBoltContext, action: Body) -> None:
        value = _value(action)
        self._hand_over(context, "approve", self._clicks.approve(ack, _caller(context), value), value)

    async def withdraw(self, ack: AsyncAck, context: AsyncBoltContext, action: Body) -> None:
        value = _value(action)
        self._hand_over(context, "withdraw", self._clicks.withdraw(ack, _caller(context), value), value)

    async def cancel(self, ack: AsyncAck, context: AsyncBoltContext, action: Body) -> None:
        value = _value(action)
        self._hand_over(context, "cancel", self._clicks.cancel(ack, _caller(context), value), value)

    async def answer(self, ack: AsyncAck, context: AsyncBoltContext, action: Body) -> None:
        answer = Answer(str(action["action_id"]).removeprefix(f"{ANSWER}:"))
        value = _value(action)
        self._hand_over(context, "answer", self._clicks.answer(ack, _caller(context), answer, value), value)

    async def incident(self, ack: AsyncAck, context: AsyncBoltContext, action: Body) -> None:
        pressed = self._tending.press(ack, _caller(context), str(action["action_id"]), _value(action))
        self._hand_over(context, "incident", pressed, _value(action))

    async def deny(self, ack: AsyncAck, context: AsyncBoltContext, action: Body, body: Body) -> None:
        asking = self._clicks.ask_why_not(ack, _caller(context), _value(action), _trigger(body))
        self._hand_over(context, "deny", asking, _value(action))

    async def approve_typed(self, ack: AsyncAck, context: AsyncBoltContext, action: Body, body: Body) -> None:
        opening = self._clicks.ask_for_name(ack, _caller(context), _value(action), _trigger(body))
        self._hand_over(context, "approve", opening, _value(action))

    async def sign(self, ack: AsyncAck, context: AsyncBoltContext, action: Body, body: Body) -> None:
        asking = self._clicks.ask_for_note(ack, _value(action), _trigger(body))
        self._hand_over(context, "sign", asking, _value(action))

    async def denial(self, ack: AsyncAck, context: AsyncBoltContext, view: Body) -> None:
        typed = _typed(view, REASON_BLOCK, REASON)
        submitted = self._clicks.deny(ack, _caller(context), _about(view), typed)
        self._hand_over(context, "denial", submitted, _about(view))

    async def approval(self, ack: AsyncAck, context: AsyncBoltContext, view: Body) -> None:
        typed = _typed(view, TYPED_BLOCK, TYPED)
        submitted = self._clicks.approve_typed(ack, _caller(context), _about(view), typed)
        self._hand_over(context, "approval", submitted, _about(view))

    async def signed(self, ack: AsyncAck, context: AsyncBoltContext, view: Body) -> None:
        note = _typed(view, NOTE_BLOCK, NOTE)
        submitted = self._clicks.sign(ack, _caller(context), _about(view), note)
        self._hand_over(context, "signature", submitted, _about(view))

    async def details(self, ack: AsyncAck, context: AsyncBoltContext, action: Body, body: Body) -> None:
        showing = self._clicks.details(ack, _value(action), _trigger(body))
        self._hand_over(context, "details", showing, _value(action))

    async def unknown(self, ack: AsyncAck, context: AsyncBoltContext) -> None:
        await ack()
        old = notice("This button is of an older version of Tandem and does nothing any more; type `/redis`.")
        self._hand_over(context, "unknown button", _caller(context).reply.whisper(old))

    async def home(self, context: AsyncBoltContext, event: Body, body: Body) -> None:
        if event.get("tab") == "home":
            opened = self._home.opened(str(event["user"]), str(body.get("event_id")))
            self._hand_over(context, "home tab", opened)

    async def fault(self, error: Exception, context: AsyncBoltContext) -> None:
        caller = context.get("caller")
        await report(error, caller.reply if isinstance(caller, Caller) else None, "listener")

    def _hand_over(
        self, context: AsyncBoltContext, doing: str, work: Coroutine[Any, Any, None], about: str = ""
    ) -> None:
        """``about``: a button's value or a form's, which begins with the id of a request where it is about one."""
        request_id = about.split(" ", maxsplit=1)[0] if about.startswith("R-") else None
        with logs.about(request=request_id, incident=about if about.startswith("I-") else None):
            self._tasks.start(_guarded(_caller(context), doing, work))


async def _guarded(caller: Caller, doing: str, work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 -- The one handler tells the person and logs the rest.
        await report(error, caller.reply, doing)


def _caller(context: AsyncBoltContext) -> Caller:
    caller = context["caller"]
    if not isinstance(caller, Caller):
        raise TypeError("The gate has not run.")
    return caller


def _value(action: Body) -> str:
    return str(action.get("value") or "")


def _trigger(body: Body) -> str:
    return str(body.get("trigger_id") or "")


def _typed(view: Body, block_id: str, action_id: str) -> str:
    return str(view["state"]["values"][block_id][action_id]["value"] or "")


def _about(view: Body) -> str:
    return str(view["private_metadata"])

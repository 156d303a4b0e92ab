"""The views.* methods: modals that a trigger opens, updates, and the home tab."""

import copy
import secrets
import time
from typing import Any

from sandbox.slack.blockkit import problems_in_view
from sandbox.slack.messages import Json
from sandbox.slack.posting import SlackError
from sandbox.slack.state import APP_ID, BOT_ID, TEAM, World, named
from sandbox.slack.views import OpenView, filled_state, relaxed
from sandbox.slack.webapi import Arguments, Method

MAX_STACK = 3


def view_json(view: OpenView) -> Json:
    """Return a view as Slack sends it in answers and payloads."""
    body = copy.deepcopy(view.body)
    defaults: Json = {"callback_id": "", "private_metadata": "", "external_id": "", "title": None}
    defaults |= {"submit": None, "close": None, "clear_on_close": False, "notify_on_close": False}
    return {
        **defaults,
        **body,
        "id": view.id,
        "team_id": TEAM,
        "app_id": APP_ID,
        "bot_id": BOT_ID,
        "app_installed_team_id": TEAM,
        "hash": view.hash,
        "state": {"values": view.state},
        "root_view_id": view.root_id,
        "previous_view_id": view.previous_id,
    }


def checked_view(view: Any, kind: str) -> Json:
    """Return a valid view of this type with ids filled in; raises SlackError invalid_arguments."""
    if not isinstance(view, dict) or view.get("type") != kind:
        raise SlackError("invalid_arguments", f"[ERROR] must be a {kind} view [json-pointer:/view/type]")
    found = problems_in_view(view)
    if found:
        raise SlackError("invalid_arguments", *found)
    checked: Json = copy.deepcopy(view)
    named(checked["blocks"])
    return checked


def new_view(world: World, user: str, body: Json, *, on_top: bool) -> OpenView:
    """Open a modal for a person, over the others (`on_top`) or as the only one."""
    stack = world.modals.setdefault(user, [])
    if not on_top:
        stack.clear()
    view_id = f"V{secrets.token_hex(5).upper()}"
    root, previous = (stack[0].id, stack[-1].id) if stack else (view_id, None)
    view = OpenView(view_id, _hash(), user, body, root, previous, state=_quiet_state(body))
    stack.append(view)
    world.changed()
    return view


def change_view(world: World, view: OpenView, body: Json) -> None:
    """Replace the content of a view in place."""
    view.body, view.hash, view.errors, view.trouble = body, _hash(), {}, ""
    view.state = _quiet_state(body)
    world.changed()


def _quiet_state(body: Json) -> dict[str, dict[str, Json]]:
    return filled_state(relaxed(body["blocks"]), {})


def _hash() -> str:
    return f"{int(time.time())}.{secrets.token_hex(4)}"


def _triggered_user(world: World, args: Arguments) -> str:
    trigger = world.triggers.get(str(args.get("trigger_id") or ""))
    if trigger is None:
        raise SlackError("invalid_trigger_id")
    if trigger.used:
        raise SlackError("exchanged_trigger_id")
    if time.monotonic() > trigger.expires:
        raise SlackError("expired_trigger_id")
    trigger.used = True
    return trigger.user


def _open(world: World, args: Arguments) -> Json:
    body = checked_view(args.get("view"), "modal")
    return {"view": view_json(new_view(world, _triggered_user(world, args), body, on_top=False))}


def _push(world: World, args: Arguments) -> Json:
    body = checked_view(args.get("view"), "modal")
    user = _triggered_user(world, args)
    if len(world.modals.get(user, ())) >= MAX_STACK:
        raise SlackError("push_limit_reached")
    return {"view": view_json(new_view(world, user, body, on_top=True))}


def _update(world: World, args: Arguments) -> Json:
    view = world.view(str(args.get("view_id") or "")) or _by_external_id(world, args)
    if view is None:
        raise SlackError("not_found")
    body = checked_view(args.get("view"), view.body["type"])
    if args.get("hash") and args["hash"] != view.hash:
        raise SlackError("hash_conflict")
    change_view(world, view, body)
    return {"view": view_json(view)}


def _by_external_id(world: World, args: Arguments) -> OpenView | None:
    wanted = args.get("external_id")
    views = [view for stack in world.modals.values() for view in stack]
    return next((view for view in views if wanted and view.body.get("external_id") == wanted), None)


def _publish(world: World, args: Arguments) -> Json:
    user = str(args.get("user_id") or "")
    if user not in world.users:
        raise SlackError("user_not_found")
    if not world.manifest.home_tab:
        raise SlackError("not_enabled")
    body = checked_view(args.get("view"), "home")
    home = world.homes.get(user)
    if home is None:
        view_id = f"V{secrets.token_hex(5).upper()}"
        home = world.homes[user] = OpenView(view_id, _hash(), user, body, view_id)
    elif args.get("hash") and args["hash"] != home.hash:
        raise SlackError("hash_conflict")
    change_view(world, home, body)
    return {"view": view_json(home)}


METHODS = {
    "views.open": Method(_open),
    "views.push": Method(_push),
    "views.update": Method(_update),
    "views.publish": Method(_publish),
}

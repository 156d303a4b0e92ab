"""The methods that look up people, user groups and channels, and open direct messages."""

from sandbox.slack.messages import Json
from sandbox.slack.posting import SlackError
from sandbox.slack.state import BOT_USER, TEAM, Channel, User, World
from sandbox.slack.webapi import Arguments, Method


def user_json(user: User) -> Json:
    """Return a user object as users.info gives it; deactivated accounts lack the role flags."""
    shown: Json = {
        "id": user.id,
        "team_id": user.team_id,
        "name": user.name,
        "real_name": user.name,
        "deleted": user.deleted,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "profile": {"display_name": user.name, "real_name": user.name, "team": user.team_id},
    }
    if not user.deleted:
        shown |= {"tz": "Etc/UTC", "is_restricted": user.is_restricted}
        shown |= {"is_ultra_restricted": user.is_ultra_restricted, "is_admin": False, "is_owner": False}
    if user.is_stranger:
        shown["is_stranger"] = True
    return shown


def _users_info(world: World, args: Arguments) -> Json:
    user = world.users.get(str(args.get("user") or ""))
    if user is None:
        raise SlackError("user_not_found")
    return {"user": user_json(user)}


def _users_list(world: World, _: Arguments) -> Json:
    members = [user_json(user) for user in world.users.values()]
    return {"members": members, "cache_ts": 0, "response_metadata": {"next_cursor": ""}}


def _usergroups_list(world: World, args: Arguments) -> Json:
    groups: list[Json] = []
    for group in world.usergroups.values():
        shown: Json = {"id": group.id, "team_id": TEAM, "is_usergroup": True, "name": group.handle}
        shown |= {"handle": group.handle, "date_delete": 0, "user_count": len(group.users)}
        if str(args.get("include_users", "")).lower() in {"1", "true"}:
            shown["users"] = list(group.users)
        groups.append(shown)
    return {"usergroups": groups}


def _usergroups_users_list(world: World, args: Arguments) -> Json:
    group = world.usergroups.get(str(args.get("usergroup") or ""))
    if group is None:
        raise SlackError("no_such_subteam")
    return {"users": list(group.users)}


def _channel(world: World, args: Arguments) -> Channel:
    channel = world.channels.get(str(args.get("channel") or ""))
    if channel is None:
        raise SlackError("channel_not_found")
    return channel


def _conversations_info(world: World, args: Arguments) -> Json:
    channel = _channel(world, args)
    shown: Json = {"id": channel.id, "is_channel": not channel.is_im, "is_im": channel.is_im}
    shown |= {"name": channel.name, "is_archived": channel.is_archived, "is_member": channel.bot_is_member}
    return {"channel": shown}


def _conversations_members(world: World, args: Arguments) -> Json:
    channel = _channel(world, args)
    members = sorted(channel.members | ({BOT_USER} if channel.bot_is_member else set()))
    return {"members": members, "response_metadata": {"next_cursor": ""}}


def _conversations_open(world: World, args: Arguments) -> Json:
    users = str(args.get("users") or "").split(",")
    if len(users) != 1 or users[0] not in world.users:
        raise SlackError("user_not_found")
    if world.users[users[0]].deleted:
        raise SlackError("user_disabled")
    if users[0] == BOT_USER:
        raise SlackError("cannot_dm_bot")
    return {"channel": {"id": world.direct_channel(users[0]).id}}


METHODS = {
    "users.info": Method(_users_info, ("users:read",)),
    "users.list": Method(_users_list, ("users:read",)),
    "usergroups.list": Method(_usergroups_list, ("usergroups:read",)),
    "usergroups.users.list": Method(_usergroups_users_list, ("usergroups:read",)),
    "conversations.info": Method(_conversations_info, ("channels:read",)),
    "conversations.members": Method(_conversations_members, ("channels:read",)),
    "conversations.open": Method(_conversations_open, ("im:write",)),
}

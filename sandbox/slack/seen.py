"""What one person sees, as JSON for the page. No I/O here."""

from sandbox.slack.messages import Json, Posted
from sandbox.slack.state import BOT_USER, SLACKBOT, World
from sandbox.slack.views import OpenView


def seen_by(world: World, viewer: str) -> Json:
    """Return the whole screen of one person: people, channels with their messages, the home tab, the modal in front."""
    world.direct_channel(viewer)
    mine = [channel for channel in world.channels.values() if viewer in channel.members]
    home = world.homes.get(viewer)
    return {
        "me": viewer,
        "app": {
            "name": world.manifest.app_name,
            "user": BOT_USER,
            "home_tab": world.manifest.home_tab,
            "commands": [
                {"name": command.name, "description": command.description, "hint": command.usage_hint}
                for command in world.manifest.commands
            ],
        },
        "users": [
            {
                "id": user.id,
                "name": user.name,
                "bot": user.is_bot or user.id == SLACKBOT,
                "guest": user.is_restricted or user.is_ultra_restricted,
                "deleted": user.deleted,
            }
            for user in world.users.values()
        ],
        "groups": [{"id": group.id, "handle": group.handle} for group in world.usergroups.values()],
        "channels": [
            {
                "id": channel.id,
                "name": channel.name,
                "im": channel.is_im,
                "archived": channel.is_archived,
                "members": len(channel.members) + channel.bot_is_member,
                "messages": [_message(world, post) for post in world.visible(channel.id, viewer)],
            }
            for channel in mine
        ],
        "home": _view(home) if home else None,
        "modal": _view(front) if (front := world.top_view(viewer)) else None,
    }


def _message(world: World, post: Posted) -> Json:
    return {
        "ts": post.ts,
        "user": post.user,
        "text": post.text,
        "blocks": post.blocks,
        "thread": post.replies_to,
        "private": post.ephemeral_for is not None,
        "edited": post.edited_ts is not None,
        "files": [
            {"id": file.id, "name": file.name, "title": file.title, "alt": file.alt, "size": file.length}
            for file in (world.files[each] for each in post.files)
        ],
    }


def _view(view: OpenView) -> Json:
    return {
        "id": view.id,
        "hash": view.hash,
        "title": view.body.get("title"),
        "submit": view.body.get("submit"),
        "close": view.body.get("close"),
        "blocks": view.blocks,
        "errors": view.errors,
        "trouble": view.trouble,
    }

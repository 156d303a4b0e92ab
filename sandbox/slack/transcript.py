"""The channels as readable lines, for people who look at a failed test. No I/O here."""

import time

from sandbox.slack.messages import Posted
from sandbox.slack.state import BOT_USER, World


def transcript(world: World, channel: str) -> str:
    """Return a channel as text: time, who, what; threads and private messages indented and marked."""
    posts = [post for post in world.posts if post.channel == channel and not post.deleted]
    lines: list[str] = []
    for post in posts:
        if post.thread_ts in {None, post.ts}:
            lines += _lines(world, post, "")
            replies = [each for each in posts if each.thread_ts == post.ts and each is not post]
            lines += [line for reply in replies for line in _lines(world, reply, "    ")]
    return "\n".join(lines)


def everything(world: World) -> str:
    """Return all channels in which something was said, and the open modals."""
    named = {post.channel: world.channels[post.channel].name for post in world.posts}
    parts = [f"#{name} ({channel})\n{transcript(world, channel)}" for channel, name in named.items()]
    for user, stack in world.modals.items():
        parts += [f"modal of {user}:\n{view.frozen().plain()}" for view in stack]
    return "\n\n".join(parts) or "(nothing was said)"


def _lines(world: World, post: Posted, indent: str) -> list[str]:
    user = world.users.get(post.user)
    name = world.manifest.app_name if post.user == BOT_USER else user.name if user else post.user
    seen = f" (only {post.ephemeral_for} sees this)" if post.ephemeral_for else ""
    edited = " (edited)" if post.edited_ts else ""
    at = time.strftime("%H:%M:%S", time.gmtime(float(post.ts)))
    first, *more = post.frozen().plain().splitlines() or [""]
    return [f"{indent}{at} {name}{seen}{edited}: {first}", *(f"{indent}         {line}" for line in more)]

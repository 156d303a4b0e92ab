"""``python -m sandbox.slack``: the local Slack alone, for a bot that runs elsewhere, such as in a container."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from actions.kit.errors import SettingsError
from bot.environment import PREFIX, variables
from sandbox.slack.manifest import own_manifest
from sandbox.slack.server import LocalSlack, Secrets


def main() -> int:
    """Serve until Ctrl-C or SIGTERM; 2 with a sentence on stderr where that cannot begin."""
    options = _options()
    try:
        asyncio.run(_serve(options.host, options.port, options.public_url, _secrets()))
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.slack", description="A Slack workspace on this machine.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8070, help="where to listen; 0 takes a free port (8070)")
    parser.add_argument("--public-url", help="how the bot reaches it, where that is not host and port")
    return parser.parse_args()


def _secrets() -> Secrets:
    """What the bot is given too, by the same variables; made-up ones would be known to nobody."""
    found = variables()
    names = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET")
    missing = [name for name in names if name not in found]
    if missing:
        raise SettingsError(
            " ".join(f"{PREFIX}{name} is not set; give the local Slack and the bot the same one." for name in missing)
        )
    return Secrets(*(found[name] for name in names))


async def _serve(host: str, port: int, public_url: str | None, secrets: Secrets) -> None:
    stop = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    try:
        async with LocalSlack(own_manifest(), host, port, public_url=public_url, credentials=secrets) as slack:
            sys.stderr.write(f"The local Slack is at {slack.page_url}\n")
            await stop.wait()
    except (OSError, OverflowError) as error:
        raise SettingsError(f"Cannot listen on {host}:{port}: {error}") from error


if __name__ == "__main__":
    sys.exit(main())

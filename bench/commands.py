"""Slash commands under load: how long an ack takes, and how long the health takes to stand in the channel.

The bot is ``tandem serve`` as a process, with a real Redis and Sentinels behind it and the local Slack in front. Beside
it a bare Bolt app gets the same commands and only acks them; the two take turns.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from contextlib import AsyncExitStack

from bench.processes import BARE, TANDEM, Running, running
from bench.table import p99, spread, table, verdict
from sandbox.redis import build, sentinel
from sandbox.slack import LocalSlack

CHANNEL, PERSON = "C0INCIDENT", "U0ONCALL"
A_SECOND, ROUND_S = 20, 5.0
LINES = ("/redis help", "/redis health", "/redis status", "/redis diagnose", "/redis helath", "/redis", "/redis runs")
HEALTH_LOOKS = 20
ACK_GOAL_MS, HEALTH_GOAL_MS = 100.0, 500.0


async def main(rounds: int) -> None:
    """Print the acks' times and the health's.

    Args:
        rounds: how many turns of five seconds each of the two gets.
    """
    async with AsyncExitStack() as stack:
        topology = await stack.enter_async_context(sentinel(build()))
        tandem = await stack.enter_async_context(running(TANDEM, topology))
        bare = await stack.enter_async_context(running(BARE, topology))
        healths = [await _health_ms(tandem.slack) for _ in range(HEALTH_LOOKS + 1)][1:]
        for _ in range(rounds):
            for one in (bare, tandem):
                await _load(one.slack)
    title = f"Acks at {A_SECOND} commands a second, {rounds} rounds of {ROUND_S:g} s each"
    head = ("bot", "commands", "acked", "median ms", "99 % within ms", "goal", "")
    rows = [_acks("a bare Bolt app that only acks", bare), _acks("tandem serve", tandem, ACK_GOAL_MS)]
    print(table(title, head, rows), flush=True)
    met = verdict(met=max(healths) < HEALTH_GOAL_MS)
    title = f"/redis health in the channel, 3 nodes and 3 Sentinels, {HEALTH_LOOKS} times"
    row = ("tandem serve", spread(healths), f"< {HEALTH_GOAL_MS:g}", met)
    print(table(title, ("bot", "ms from typing to the message", "goal", ""), [row]), flush=True)


async def _load(slack: LocalSlack) -> None:
    """Type for a round, each command at its time whether or not those before are acked."""
    lines = itertools.cycle(LINES)
    started = time.monotonic()
    typed = []
    for number in range(int(A_SECOND * ROUND_S)):
        await asyncio.sleep(max(0.0, started + number / A_SECOND - time.monotonic()))
        typed.append(asyncio.create_task(slack.person(PERSON).types(CHANNEL, next(lines))))
    await asyncio.gather(*typed)


async def _health_ms(slack: LocalSlack) -> float:
    """From typing until the message is posted."""
    seen = len(slack.calls)
    started = time.monotonic()
    await slack.person(PERSON).types(CHANNEL, "/redis health")
    posted = await slack.waits_for(lambda: _posted(slack, seen))
    return 1000 * (posted[0] - started)


def _posted(slack: LocalSlack, after: int) -> list[float]:
    """When messages were posted, of the calls after so many."""
    return [call.at for call in slack.calls[after:] if call.method == "chat.postMessage" and not call.error]


def _acks(name: str, bot: Running, goal_ms: float | None = None) -> tuple[str, ...]:
    """The commands of the rounds; those before them were typed one at a time."""
    loaded = bot.slack.deliveries if goal_ms is None else bot.slack.deliveries[HEALTH_LOOKS + 1 :]
    took = [1000 * delivery.latency for delivery in loaded]
    acked = sum(delivery.error is None for delivery in loaded)
    high = p99(took)
    goal = ("", "") if goal_ms is None else (f"< {goal_ms:g}", verdict(met=high < goal_ms and acked == len(loaded)))
    return (name, str(len(loaded)), str(acked), f"{statistics.median(took):.1f}", f"{high:.1f}", *goal)

"""The bot in this process, between the local Slack and real servers, as ``tandem serve`` would run it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

import actions.registry
import bot.app
from actions.kit.action import ChangeAction
from actions.kit.plan import Cost, Plan, Risk
from bot.app import running
from bot.render.blocks import Message as Drawn
from bot.service import Service
from bot.settings import Settings
from sandbox.redis import build, sentinel
from sandbox.redis.topology import Topology
from sandbox.slack import LocalSlack, Message
from tests.bot.render.slack_judges import accepted
from tests.failover import PATIENT

MANIFEST = Path(__file__).parents[3] / "manifest.yml"
INCIDENT = "C0INCIDENT"
ALERTS_TOKEN = "alerts-have-a-token"
LONG_S = 30.0


@pytest.fixture
async def slack(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LocalSlack]:
    """It gives a busy machine longer than Slack's three seconds; ``test_acks`` shows that no ack waits for work."""
    monkeypatch.setattr("sandbox.slack.state.TRIGGER_SECONDS", LONG_S)
    monkeypatch.setattr("bot.slack.clicks.STORED_WITHIN_S", LONG_S)
    monkeypatch.setattr("bot.slack.directory.WITHIN_S", LONG_S)
    async with LocalSlack(MANIFEST) as local:
        local.courier.ack_seconds = 2 * LONG_S
        yield local
        judge_everything(local)


@pytest.fixture
def down_after_ms() -> int:
    """Longer than a busy machine stands still: nobody fails over but who is asked to."""
    return 30_000


@pytest.fixture
async def redis(request: pytest.FixtureRequest, down_after_ms: int) -> AsyncIterator[Topology]:
    """On the first build of this machine, or on the one that a test is parametrized with."""
    which = build(getattr(request, "param", None))
    async with sentinel(which, master_name="mymaster", down_after_ms=down_after_ms) as topology:
        yield topology


def planned(action: str, risk: Risk) -> Plan:
    return Plan("orders", action, risk, "It was asked for.", Cost(), (), ("nothing",))


RESTART = ChangeAction("restart", "Restart.", Risk.DESTRUCTIVE, lambda *_: planned("restart", Risk.DESTRUCTIVE))
WIPE = ChangeAction("wipe", "Empty it.", Risk.IRREVERSIBLE, lambda *_: planned("wipe", Risk.IRREVERSIBLE))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failover is looked at again after two seconds; the browser's story waits half a minute."""
    monkeypatch.setattr("actions.kit.sentinel_failover.LOOK_AGAIN_S", 2)


@pytest.fixture
def harmless_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two changes that do nothing, so that no Redis has to be there."""
    for module in (bot.app, actions.registry):
        monkeypatch.setattr(module, "ACTIONS", (*actions.registry.ACTIONS, RESTART, WIPE))


def targets(topology: Topology | None, **more: object) -> dict[str, object]:
    """``targets.yaml`` for one target, ``orders``; without a topology nothing listens there."""
    return {
        "approvers": {"usergroup": "S0REDISOPS"},
        "targets": {
            "orders": {
                "kind": "sentinel",
                "master_name": "mymaster",
                "sentinels": list(topology.sentinel_addresses) if topology else ["127.0.0.1:1"],
                "nodes": list(topology.node_addresses) if topology else ["127.0.0.1:2"],
                "channels": [INCIDENT],
                "limits": PATIENT,
                **more,
            }
        },
    }


class House:
    """Settings in one folder; the bot can be started there more than once, as after a restart."""

    def __init__(self, slack: LocalSlack, folder: Path) -> None:
        self.slack, self.folder = slack, folder
        self.minutes = 15.0
        self.ledger_url = f"sqlite+aiosqlite:///{folder / 'tandem.db'}"
        self.over_http = False
        self.watch_nodes_s = 0.0
        self.keep(targets(None))

    def keep(self, content: dict[str, object]) -> None:
        (self.folder / "targets.yaml").write_text(yaml.safe_dump(content, sort_keys=False))

    @asynccontextmanager
    async def bot(self) -> AsyncIterator[Service]:
        token = {"slack_signing_secret": self.slack.signing_secret} if self.over_http else {}
        settings = Settings(
            slack_bot_token=self.slack.bot_token,
            slack_app_token=None if self.over_http else self.slack.app_token,
            slack_api_url=self.slack.api_url,
            targets_file=self.folder / "targets.yaml",
            ledger_url=self.ledger_url,
            http_port=0,
            approval_minutes=self.minutes,
            break_glass_minutes=min(self.minutes, 2),
            alerts_token=ALERTS_TOKEN,
            watch_nodes_seconds=self.watch_nodes_s,
            **token,
        )
        before = {one.number for one in self.slack.sockets.connections}
        async with running(settings) as service:
            await self._ready(service, before)
            yield service

    def thread(self, message: Message) -> str:
        """Everything in the thread of a message."""
        return "\n".join(one.plain() for one in self.slack.messages(message.channel, thread_ts=message.ts))

    async def _ready(self, service: Service, before: set[int]) -> None:
        """``before``: the connections of other bots, and of one that has just ended."""
        wanted = 0 if self.over_http else 2
        await self.slack.waits_for(
            lambda: service.bolt and len({one.number for one in self.slack.sockets.connections} - before) >= wanted
        )
        if self.over_http:
            self.slack.request_url = f"http://127.0.0.1:{service.port}/slack/events"


@pytest.fixture
def house(slack: LocalSlack, tmp_path: Path) -> House:
    return House(slack, tmp_path)


def judge_everything(slack: LocalSlack) -> None:
    """Let all judges see whatever the bot put on the screen, each state of a message that was changed as well."""
    shown = [(post.text, post.blocks) for post in slack.world.posts if post.app_owned and not post.files]
    shown += [(call.args["text"], call.args.get("blocks")) for call in slack.calls if "text" in call.args]
    for text, blocks in shown:
        accepted(Drawn(text, tuple(json.loads(blocks) if isinstance(blocks, str) else blocks or ())))


def saying(slack: LocalSlack, text: str, channel: str = INCIDENT) -> Message | None:
    """The newest message of the channel that says this."""
    return next((one for one in reversed(slack.messages(channel)) if text in one.plain()), None)


def whispered(slack: LocalSlack, user: str, text: str) -> Message | None:
    """The newest message that only this person sees and that says this."""
    private = [one for one in slack.messages(INCIDENT) if one.ephemeral_for == user]
    return next((one for one in reversed(private) if text in one.plain()), None)


async def asked(slack: LocalSlack) -> Message:
    """The card of a failover that oncall asks for."""
    await slack.person("U0ONCALL").types(INCIDENT, "/redis failover orders")
    return await slack.waits_for(lambda: saying(slack, "failover orders: destructive"))

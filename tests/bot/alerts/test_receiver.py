"""10,000 bodies at ``POST /alerts``: the right code for each, nothing told twice, nothing that Slack would not take."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web

from bot.alerts.mapping import Places
from bot.alerts.receiver import PATH, Receiver
from bot.ledger import Ledger
from bot.render.blocks import Message, Screen
from bot.render.shown import Shown, screen
from bot.targets import load_targets
from tests.bot.render.slack_judges import accepted
from tests.databases import rows

TOKEN = "secret-of-the-fuzzer"
SETTINGS = {
    "alerts": {"channel": "C0ALERTS"},
    "targets": {
        "orders": {"kind": "replication", "nodes": ["10.0.0.1:6379"], "channels": ["C0INCIDENT"]},
        "carts": {"kind": "replication", "nodes": ["10.0.1.1:6379"]},
    },
}
AT_ONCE = 250
"""Bodies of one batch; all go to one ledger, many of them at the same time."""
BATCHES = 40
AGAIN = 50
"""So many of them are sent once more, as Alertmanager does for hours."""

NASTY = (
    *("<!channel>", "<!here> <@U0LEAD>", "*bold* `code` ~x~ _y_", "a\x00b", "\ud800", "\u202eright to left", "\r\n\t"),
    *(
        "<https://example.org|click>",
        "&lt;!channel&gt;",
        "x" * 9_000,
        "\N{PILE OF POO}" * 300,
        "```",
        "",
        " ",
        "orders",
    ),
    *("redis://user:word@10.0.0.1:6379", "10.0.0.1:6379", "javascript:alert(1)", "https://[", "http://a b|c>"),
)
TIMES = (
    *("2026-11-22T18:49:43.206Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"),
    *("2026-11-22", "2026-W47-7", "1969-12-31T23:59:59Z", "2999-01-01T00:00:00Z", "20261122T184943Z", "now", ""),
    "2026-11-22T18:49:43.206789123Z",
)
NUMBERS = (0, -1, 2**63, 10**400, 0.1, float("nan"), float("-inf"), 1e308)
LABELS = ("alertname", "severity", "group", "instance", "target", "pod", "master_name", "summary", "runbook_url")
RIGHT = {"Authorization": f"Bearer {TOKEN}"}
HEADERS = (
    *([RIGHT] * 12),
    *({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": "Bearer \x80\xff"}),
    {"Authorization": f"bearer  {TOKEN} ", "Content-Type": "text/html; charset=nowhere"},
    RIGHT | {"Content-Encoding": "gzip"},
    RIGHT | {"Content-Encoding": "nothing-known"},
)


class Fuzzer:
    """Makes bodies that are nearly right, and some that are nothing at all; the same ones for the same number."""

    def __init__(self, number: int) -> None:
        self._random = random.Random(number)

    def request(self) -> tuple[bytes, Mapping[str, str]]:
        """A body and its headers."""
        return self._body(), self._one(HEADERS)

    def _one(self, choices: Sequence[Any]) -> Any:
        return choices[self._random.randrange(len(choices))]

    def _chance(self, of: float) -> bool:
        return self._random.random() < of

    def _body(self) -> bytes:
        if self._chance(0.05):
            return self._random.randbytes(self._random.randrange(80))
        if self._chance(0.05):
            return b"[" * self._random.randrange(1, 20_000)
        # A lone surrogate is written as an escape, and NaN as Go never would.
        raw = json.dumps(self._value(3) if self._chance(0.1) else self._delivery()).encode()
        return raw[: self._random.randrange(len(raw) + 1)] if self._chance(0.1) else raw

    def _delivery(self) -> object:
        body = {"version": "4", "alerts": [self._alert() for _ in range(self._random.randrange(4))]}
        return self._spoiled(body | {"truncatedAlerts": self._random.randrange(3)}, 0.1)

    def _alert(self) -> object:
        alert = {
            "status": self._one(("firing", "resolved")),
            "labels": self._texts(),
            "annotations": self._texts(),
            "startsAt": self._one(TIMES),
            "endsAt": self._one(TIMES),
            "fingerprint": self._one(("f1", "f2", "f3", *NASTY)),
            "generatorURL": self._text(),
        }
        return self._spoiled(alert, 0.3)

    def _spoiled(self, thing: dict[str, object], chance: float) -> object:
        """The same with one part gone, or of another type; or something else in its place."""
        if not self._chance(chance):
            return thing
        if self._chance(0.1):
            return self._value(2)
        name = self._one(tuple(thing))
        changed = {key: value for key, value in thing.items() if key != name}
        return changed if self._chance(0.3) else changed | {name: self._value(2)}

    def _texts(self) -> dict[str, object]:
        return {self._one((*LABELS, *NASTY)): self._text() for _ in range(self._random.randrange(7))}

    def _text(self) -> str:
        if self._chance(0.7):
            return str(self._one(NASTY))
        return "".join(chr(self._random.randrange(0x11_0000)) for _ in range(self._random.randrange(20)))

    def _value(self, depth: int) -> object:
        kind = self._random.randrange(6 if depth else 4)
        if kind == 4:
            return [self._value(depth - 1) for _ in range(self._random.randrange(4))]
        if kind == 5:
            return {self._text(): self._value(depth - 1) for _ in range(self._random.randrange(4))}
        return (None, self._chance(0.5), self._one(NUMBERS), self._text())[kind]


class House:
    """A receiver on a port of its own, with a ledger on SQLite."""

    def __init__(self, url: str, session: aiohttp.ClientSession, ledger_url: str) -> None:
        self._url, self._session, self._ledger_url = url, session, ledger_url

    async def posted(self, raw: bytes, given: Mapping[str, str]) -> tuple[int, str]:
        async with self._session.post(
            self._url, data=raw, headers=given, skip_auto_headers=("Content-Type",)
        ) as answer:
            return answer.status, await answer.text()

    def messages(self) -> dict[str, Mapping[str, Any]]:
        """What the channels are to be told, by the channel and the incident."""
        found = rows(self._ledger_url, "SELECT channel, body FROM outbox ORDER BY id")
        told = [(channel, json.loads(body)) for channel, body in found]
        return {f"{channel} {body['id']}": body for channel, body in told}


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    written = folder / "targets.yaml"
    written.write_text(yaml.safe_dump(SETTINGS))
    url = f"sqlite+aiosqlite:///{folder}/tandem.db"
    ledger = await Ledger.open(url)
    site = web.Application()
    Receiver(ledger.incidents, Places(load_targets(written)), TOKEN).add(site.router)
    runner = web.AppRunner(site, access_log=None, shutdown_timeout=5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
            yield House(f"http://127.0.0.1:{port}{PATH}", session, url)
    finally:
        await runner.cleanup()
        await ledger.aclose()


@pytest.mark.parametrize("number", range(BATCHES))
async def test_whatever_is_posted(number: int, tmp_path: Path) -> None:
    fuzzer = Fuzzer(number)
    await _all_is_well(tmp_path, [fuzzer.request() for _ in range(AT_ONCE)])


async def _all_is_well(folder: Path, sent: Sequence[tuple[bytes, Mapping[str, str]]]) -> None:
    async with house(folder) as receiver:
        answers = await asyncio.gather(*(receiver.posted(*one) for one in sent))
        for (raw, given), (status, answer) in zip(sent, answers, strict=True):
            assert status in _right_codes(raw, given), (status, answer, raw, given)
            assert TOKEN not in answer
        told = receiver.messages()
        for body in told.values():
            _can_be_shown(body)
        again = [one for one, (status, _) in zip(sent, answers, strict=True) if status == 200][:AGAIN]
        for status, answer in await asyncio.gather(*(receiver.posted(*one) for one in again)):
            assert (status, json.loads(answer)["opened"]) == (200, 0)
        assert receiver.messages().keys() == told.keys()


def _right_codes(raw: bytes, given: Mapping[str, str]) -> set[int]:
    scheme, _, token = given.get("Authorization", "").partition(" ")
    if (scheme.lower(), token.strip()) != ("bearer", TOKEN):
        return {401}
    if given.get("Content-Encoding") == "gzip":
        return {400}
    return {200} if _is_delivery(raw) else {400}


def _is_delivery(raw: bytes) -> bool:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and isinstance(body.get("alerts"), list)


def _can_be_shown(body: Mapping[str, Any]) -> None:
    shown = screen(Shown("incident", body))
    assert isinstance(shown, Message | Screen)
    text = accepted(shown).replace("<!date^", "")
    assert "<!" not in text
    assert "<@" not in text

"""A request that is over is one trace, as a collector gets it."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from actions.kit.errors import SettingsError
from actions.kit.loop import Ending, Outcome, StepState
from bot.app import running
from bot.settings import Settings
from bot.traces import Traces
from tests.bot.ledger.given import LEAD, Clock, filed, ledger_in

TARGETS = 'targets: {orders: {kind: replication, nodes: ["127.0.0.1:1"], channels: [C0INCIDENT]}}'


@asynccontextmanager
async def collector() -> AsyncIterator[tuple[str, list[Span]]]:
    """Its address, and the spans that it was sent."""
    spans: list[Span] = []

    async def taken(request: web.Request) -> web.Response:
        sent = ExportTraceServiceRequest.FromString(await request.read())
        spans.extend(span for one in sent.resource_spans for scope in one.scope_spans for span in scope.spans)
        return web.Response(content_type="application/x-protobuf")

    runner = web.AppRunner(site := web.Application())
    site.router.add_post("/v1/traces", taken)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/", spans
    finally:
        await runner.cleanup()


def told(span: Span) -> dict[str, str]:
    return {one.key: one.value.string_value for one in span.attributes if one.value.string_value}


async def test_a_run_is_one_trace_with_its_approval_and_its_steps(tmp_path: Path) -> None:
    clock = Clock()
    async with collector() as (url, spans):
        traces = Traces(url)
        async with ledger_in(tmp_path, watcher=traces, clock=clock) as ledger:
            request = await filed(ledger)
            clock.passes(seconds=60)
            await ledger.decide(request.id, LEAD, "approve")
            clock.passes(seconds=1)
            lease = await ledger.begin(request.id)
            journal = ledger.journal(lease)
            await journal.intends(0, request.plan.steps[0])
            clock.passes(seconds=5)
            await journal.ended(0, StepState.FAILED, "it is busy")
            await ledger.end(lease, Ending(Outcome.UNDONE, ("it is busy",)))
            denied = await filed(ledger)
            await ledger.decide(denied.id, LEAD, "deny", "no")
        await traces.aclose()
    mine = next(one.trace_id for one in spans if told(one).get("request") == request.id)
    by_name = {one.name: one for one in spans if one.trace_id == mine}
    assert set(by_name) == {"request tune", "approval", "run tune", "Set"}
    root, approval, run, step = (by_name[name] for name in ("request tune", "approval", "run tune", "Set"))
    assert told(root).items() >= {"request": request.id, "target": "orders", "state": "ended"}.items()
    above = [one.parent_span_id for one in (root, approval, run, step)]
    assert above == [b"", root.span_id, root.span_id, run.span_id]
    lasted = [(one.end_time_unix_nano - one.start_time_unix_nano) / 1e9 for one in (root, approval, run, step)]
    assert lasted == [66, 60, 5, 5]
    assert told(step) == {"title": "Set maxclients", "state": "failed", "note": "it is busy"}
    assert run.status.message == "it is busy"
    (other,) = [one for one in spans if one.trace_id != mine]
    assert (told(other)["request"], told(other)["state"]) == (denied.id, "denied")


async def test_without_the_sdk_the_setting_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "targets.yaml").write_text(TARGETS)
    monkeypatch.setitem(sys.modules, "bot.traces", None)
    settings = Settings(
        slack_bot_token="xoxb-1",
        slack_app_token="xapp-1",
        targets_file=tmp_path / "targets.yaml",
        ledger_url=f"sqlite+aiosqlite:///{tmp_path}/tandem.db",
        traces_url="http://127.0.0.1:1",
    )
    with pytest.raises(SettingsError, match=r"pip install 'tandem-bot\[traces\]'"):
        async with running(settings):
            pass

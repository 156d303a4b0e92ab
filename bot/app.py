"""The composition root of the running bot: the one place that wires everything, starts it, and stops it in order.

What was left by an earlier process is seen to first, whether Slack can be reached or not.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiohttp import ClientError, ClientSession, web
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError

from actions.adapters import connect
from actions.kit.errors import SettingsError
from actions.registry import ACTIONS
from bot import logs
from bot.alerts.mapping import Places
from bot.alerts.receiver import Receiver
from bot.alerts.sources import Sources
from bot.alerts.watch import Watch as IncidentWatch
from bot.fleet import Fleet
from bot.happenings import Happenings
from bot.ledger import Ledger
from bot.ledger.watcher import Several, Watcher
from bot.metrics import lag
from bot.metrics.counts import Counts
from bot.metrics.exposed import Exposed
from bot.people import Keeper, Memory
from bot.policy import Policy
from bot.policy_values import policy_values
from bot.requests import Desk
from bot.requests.terms import Terms
from bot.service import Service
from bot.settings import Settings
from bot.slack.app import Wiring, build
from bot.slack.calls import traced
from bot.slack.client import Introduction, code_of, is_silence, new_session, plain_client, web_client
from bot.slack.directory import SlackDirectory
from bot.slack.hearing import Watch
from bot.slack.http import add_events, add_health
from bot.slack.messages import Messages
from bot.slack.sender import Sender
from bot.slack.sockets import Sockets
from bot.slack.tasks import Tasks
from bot.targets import load_targets
from bot.tls import server_context

log = logging.getLogger(__name__)

AGAIN_S = 5.0
PATIENCE_S = 30.0
BOT_NAME = "tandem"


@dataclass(frozen=True, slots=True)
class _Parts:
    wiring: Wiring
    desk: Desk
    introduction: Introduction
    keeper: Keeper


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT, or until it cannot go on.

    Raises:
        SettingsError: the settings, the targets or the tokens are wrong.
        LedgerError: the ledger cannot be used.
    """
    logs.set_up()
    stop = asyncio.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    async with running(settings) as service:
        log.info("started", extra={"port": service.port})
        waits = [asyncio.create_task(event.wait()) for event in (stop, service.failed)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        log.info("stopping")
    if service.why:
        raise SettingsError(service.why)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Service]:
    """Everything wired and started; stopped in reverse at the end, what is in hand first brought to its end.

    Raises:
        SettingsError: as ``serve``; so is ``LedgerError``.
    """
    settings.check_slack()
    fleet = load_targets(settings.targets_file)
    async with AsyncExitStack() as stack:
        counts = Counts()
        ledger = await Ledger.open(
            settings.ledger_url, watcher=Several(counts, Happenings(), *_traces(stack, settings))
        )
        stack.push_async_callback(ledger.aclose)
        session = await stack.enter_async_context(new_session(traced(counts)))
        terms = settings.terms()
        await _note_policy(ledger, fleet, terms)
        parts = _wire(settings, fleet, ledger, session, terms)
        sender = _sender(parts.wiring, ledger, counts)
        stack.push_async_callback(sender.aclose)
        stack.push_async_callback(parts.wiring.tasks.aclose)
        stack.push_async_callback(parts.desk.aclose, PATIENCE_S)
        sender.start()
        service = Service(over_sockets=settings.slack_app_token is not None)
        places = Places(fleet)
        receiver = Receiver(
            ledger.incidents,
            places,
            _secret(settings.alerts_token),
            by_certificate=settings.alerts_client_ca_file is not None,
        )
        exposed = Exposed(counts, ledger.figures, service.connections, service.why_not_ready)
        stack.callback(asyncio.create_task(lag.sample(counts.lagged)).cancel)
        await _listen(stack, settings, service, receiver, exposed)
        await parts.desk.recover()
        incidents = IncidentWatch(ledger.incidents, parts.desk.look, parts.desk.locks.why_not_now)
        incidents.start()
        stack.push_async_callback(incidents.aclose)
        sources = Sources(fleet, places, ledger, parts.desk.look, settings.watches())
        sources.start()
        stack.push_async_callback(sources.aclose)
        parts.keeper.start()
        stack.push_async_callback(parts.keeper.aclose)
        joining = asyncio.create_task(_join(service, parts, _secret(settings.slack_app_token)))
        stack.push_async_callback(_leave, service, joining)
        watch = Watch(ledger.hearing, service.proof)
        watch.start()
        stack.push_async_callback(watch.aclose)
        yield service


def _wire(settings: Settings, fleet: Fleet, ledger: Ledger, session: ClientSession, terms: Terms) -> _Parts:
    """Make everything that needs no answer from Slack."""
    token = _secret(settings.slack_bot_token)
    client = web_client(session, settings.slack_api_url, token)
    introduction, messages, tasks = Introduction(client), Messages(client, BOT_NAME), Tasks()
    memory = Memory(ledger)
    directory = SlackDirectory(client, introduction, memory)
    policy = Policy(fleet, directory)
    desk = Desk(ledger, fleet, connect, policy, terms=terms)
    wiring = Wiring(
        session=session,
        api_url=settings.slack_api_url,
        bot_token=token,
        signing_secret=_secret(settings.slack_signing_secret),
        messages=messages,
        desk=desk,
        fleet=fleet,
        policy=policy,
        actions=ACTIONS,
        outbox=ledger.outbox,
        incidents=ledger.incidents,
        tasks=tasks,
    )
    return _Parts(wiring, desk, introduction, Keeper(ledger, memory, directory, fleet))


async def _note_policy(ledger: Ledger, fleet: Fleet, terms: Terms) -> None:
    changed = await ledger.policies.note(policy_values(fleet, terms.lasts_s))
    if changed is not None:
        log.info("the audit is told what may be done, and by whom", extra={"difference": list(changed)})


def _traces(stack: AsyncExitStack, settings: Settings) -> Iterator[Watcher]:
    """What sends traces, where they are wanted: the SDK is an extra, and large."""
    if settings.traces_url is None:
        return
    try:
        from bot.traces import Traces  # noqa: PLC0415 -- See above.
    except ImportError as error:
        raise SettingsError(
            "TANDEM_TRACES_URL is set, but what sends traces is not installed: pip install 'tandem-bot[traces]'."
        ) from error
    traces = Traces(settings.traces_url)
    stack.push_async_callback(traces.aclose)
    yield traces


def _sender(wiring: Wiring, ledger: Ledger, counts: Counts) -> Sender:
    client = plain_client(wiring.session, wiring.api_url, wiring.bot_token)
    messages = Messages(client, BOT_NAME)
    return Sender(wiring.outbox, ledger.request, messages, wiring.fleet, prompted=counts.prompted)


async def _listen(
    stack: AsyncExitStack, settings: Settings, service: Service, receiver: Receiver, exposed: Exposed
) -> None:
    """Start the HTTP side."""
    context = server_context(settings.http_tls_cert_file, settings.http_tls_key_file, settings.alerts_client_ca_file)
    site = web.Application()
    exposed.add(site)
    add_health(site.router, service.why_not_ready)
    receiver.add(site.router)
    if settings.slack_app_token is None:
        add_events(site.router, lambda: service.bolt)
    runner = web.AppRunner(site, access_log=None, shutdown_timeout=5)
    stack.push_async_callback(runner.cleanup)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.http_host, settings.http_port, ssl_context=context).start()
    except OSError as error:
        where = f"{settings.http_host}:{settings.http_port}"
        raise SettingsError(
            f"Cannot listen on {where}: {error.strerror}. Change TANDEM_HTTP_HOST or TANDEM_HTTP_PORT."
        ) from error
    service.port = int(runner.addresses[0][1])


async def _join(service: Service, parts: _Parts, app_token: str) -> None:
    """Find out who we are, however long that takes, then let commands and clicks in."""
    while service.bolt is None:
        try:
            service.bolt = build(parts.wiring, await parts.introduction.identity())
        except (SlackApiError, ClientError, TimeoutError, OSError) as error:
            code = code_of(error)
            if not is_silence(error):
                service.why = f"Slack does not accept TANDEM_SLACK_BOT_TOKEN: {code}."
                service.failed.set()
                return
            log.warning("Slack cannot be reached; trying again", extra={"error": code})
            await asyncio.sleep(AGAIN_S)
    if app_token:
        service.sockets = Sockets(service.bolt, app_token)
        service.sockets.start()


async def _leave(service: Service, joining: asyncio.Task[None]) -> None:
    joining.cancel()
    await asyncio.gather(joining, return_exceptions=True)
    if service.sockets is not None:
        await service.sockets.aclose()


def _secret(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret is not None else ""

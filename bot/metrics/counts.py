"""Everything that this process counts and measures, under the names that docs/operations.md lists.

No label ever holds what can be many: no ids, people, keys, or texts of errors.
"""

from __future__ import annotations

import platform
from functools import partial
from importlib import metadata

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

from bot.ledger import RequestState
from bot.ledger.incident_records import Taken
from bot.ledger.records import Request
from bot.ledger.watcher import TransactionKind

disable_created_metrics()  # type: ignore[no-untyped-call] # A second series for each one, which nobody asks for.

_OVER = (RequestState.ENDED, RequestState.VOID)
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 300.0)
_SHORT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0)
_LONG = (1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 300.0, 600.0, 1800.0)


class Counts:
    """One for each process, with a registry of its own; a ``ledger.watcher.Watcher`` and a ``calls.CallWatcher``."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        counter, histogram = partial(Counter, registry=registry), partial(Histogram, registry=registry)
        build = Gauge("tandem_build_info", "1", ("version", "python"), registry=registry)
        build.labels(metadata.version("tandem-bot"), platform.python_version()).set(1)
        over = "Requests approved, or over before their run: denied, withdrawn, expired, refused."
        self._filed = counter("tandem_requests_filed", "Requests filed.", ("action",))
        self._decided = counter("tandem_requests_decided", over, ("action", "outcome"))
        self._runs = counter("tandem_runs", "Runs that have ended.", ("action", "outcome"))
        lasted = "From the beginning of a run to its end."
        self._durations = histogram("tandem_run_duration_seconds", lasted, ("action", "outcome"), buckets=_LONG)
        self._steps = counter("tandem_steps", "Steps of the runs that have ended.", ("kind", "state"))
        self._alerts = counter("tandem_alerts", "Alerts that were taken in.", ("outcome",))
        self._opened = counter("tandem_incidents_opened", "Incidents that alerts have opened.")
        prompted = "From taking an alert in to Slack's answer to the first post about it."
        self._prompts = histogram("tandem_alert_to_prompt_seconds", prompted, buckets=_SECONDS)
        self._http = counter("tandem_http_requests", "Requests to Tandem, /alerts among them.", ("path", "code"))
        called = "Calls to Slack's Web API, each attempt by itself."
        self._slack = histogram("tandem_slack_call_duration_seconds", called, ("method", "outcome"), buckets=_SECONDS)
        self._limits = counter("tandem_slack_rate_limits", "Times that Slack said: later.", ("method",))
        wait = "What it wanted to be left alone."
        self._limited = counter("tandem_slack_rate_limit_wait_seconds", wait, ("method",))
        turn = "Transactions, with the wait for their turn."
        self._ledger = histogram("tandem_ledger_transaction_duration_seconds", turn, ("kind",), buckets=_SHORT)
        self._failures = counter("tandem_ledger_failures", "Transactions that the database failed.", ("kind",))
        for kind in ("read", "write"):
            self._ledger.labels(kind)
            self._failures.labels(kind)
        late = "How much later than due the event loop came to a timer."
        self._lag = histogram("tandem_event_loop_lag_seconds", late, buckets=_SHORT)

    def transacted(self, kind: TransactionKind, seconds: float, *, failed: bool) -> None:
        """A transaction is over."""
        self._ledger.labels(kind).observe(seconds)
        if failed:
            self._failures.labels(kind).inc()

    def filed(self, request: Request) -> None:
        """A request was filed."""
        self._filed.labels(request.action).inc()

    def became(self, request: Request) -> None:
        """A request was decided, or its run has ended."""
        if request.state in _OVER:
            self._ended(request)
        elif request.state is not RequestState.WAITING:
            self._decided.labels(request.action, request.state.value).inc()

    def received(self, taken: Taken) -> None:
        """Alerts were taken in."""
        self._opened.inc(taken.opened)
        for outcome in ("changed", "known", "unheard"):
            self._alerts.labels(outcome).inc(getattr(taken, outcome))

    def prompted(self, seconds: float) -> None:
        """The first message about an incident stands."""
        self._prompts.observe(seconds)

    def answered(self, path: str, code: int) -> None:
        """A request to Tandem was answered; ``path`` is one of its routes."""
        self._http.labels(path, str(code)).inc()

    def called(self, method: str, outcome: str, seconds: float) -> None:
        """Slack was called."""
        self._slack.labels(method, outcome).observe(seconds)

    def limited(self, method: str, wait_s: float) -> None:
        """Slack wants to be left alone for a while."""
        self._limits.labels(method).inc()
        self._limited.labels(method).inc(wait_s)

    def lagged(self, seconds: float) -> None:
        """The event loop came so much later than it should."""
        self._lag.observe(seconds)

    def _ended(self, request: Request) -> None:
        run = request.run
        if run is None or run.ended_at is None:
            return
        outcome = "void" if request.state is RequestState.VOID else run.state.value
        self._runs.labels(request.action, outcome).inc()
        self._durations.labels(request.action, outcome).observe((run.ended_at - run.started_at).total_seconds())
        for step, record in zip(request.plan.steps, run.steps, strict=False):
            self._steps.labels(type(step).__name__, record.state).inc()

"""What looks at targets in a terminal. Imports Redis only, and each action by itself."""

# ruff: noqa: PLC0415 -- What a command needs is imported when it runs, since the terminal starts often.

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from actions.adapters import connect
from actions.kit.errors import Refused, SettingsError, UsageError
from bot.cli import screen
from bot.cli.exits import Exit, exit_of_checks, exit_of_diagnosis, exit_of_fleet
from bot.environment import targets_file
from bot.render import json
from bot.render.words import listed
from bot.targets import load_targets

if TYPE_CHECKING:
    from actions.kit.action import Progress, ReadAction, Seen
    from actions.kit.charting import Chart
    from actions.kit.topology import Target
    from bot.fleet import Fleet

OWN_RUNS = 200
"""So many of Tandem's own runs are looked through for a time line."""
T = TypeVar("T")


def health(name: str | None, *, as_json: bool) -> Exit:
    """Look at one target and show its topology."""
    from actions.health import ACTION

    seen = _done(_look(ACTION, chosen(name), {}, screen.say))
    _show(seen, json.seen_json, lambda terminal: terminal.health(seen), as_json=as_json)
    _tell_frozen([seen.snapshot.target], as_json=as_json)
    return exit_of_diagnosis(seen.diagnosis)


def diagnose(name: str | None, *, compare: bool = False, names: bool = False, as_json: bool) -> Exit:
    """Look at one target and show the verdict with its evidence; on demand what two masters hold.

    Raises:
        Refused: this person may not see names.
    """
    from actions.diagnose import ACTION, COMPARE, NAMES

    target = chosen(name)
    if names:
        asyncio.run(_may_see_names(target))
    options = {one.name: "" for one, wanted in ((COMPARE, compare), (NAMES, names)) if wanted}
    seen = _done(_look(ACTION, target, options, screen.say))
    _show(seen, json.diagnosed_json, lambda terminal: terminal.diagnosis(seen), as_json=as_json)
    _tell_frozen([seen.snapshot.target], as_json=as_json)
    return exit_of_diagnosis(seen.diagnosis)


def verify(name: str | None, again: float, since: str | None, *, as_json: bool) -> Exit:
    """Put one target to the proof, with a bar for the wait."""
    seen = _done(_verified(chosen(name), again, since))
    _show(seen, json.verified_json, lambda terminal: terminal.checks(seen), as_json=as_json)
    return exit_of_checks(seen)


def events(name: str | None, since: str | None, *, as_json: bool) -> Exit:
    """What happened to one target, Tandem's own runs among it."""
    from actions.events import ACTION

    seen = _done(_happened(ACTION, chosen(name), {"since": since} if since else {}))
    _show(seen, json.events_json, lambda terminal: terminal.happenings(seen), as_json=as_json)
    return Exit.UNDETERMINED if _silent_tellers(seen) else Exit.AS_IT_SHOULD_BE


def connection(name: str | None, client: str | None, *, as_json: bool) -> Exit:
    """How an application connects to one target; one snippet alone goes to stdout as it stands, for a file."""
    from actions.connect import ACTION
    from bot.render.connecting import connection_lines, remark_lines

    seen = _done(_look(ACTION, chosen(name), {"client": client} if client else {}, screen.say))
    if as_json:
        screen.show_json(json.connected_json(seen))
    elif client and seen.connection:
        for line in remark_lines(seen):
            screen.tell(line)
        screen.show_text(seen.connection.snippets[0].text)
    else:
        screen.show_text("\n".join([*connection_lines(seen), ""]))
    return Exit.AS_IT_SHOULD_BE


def chart(name: str | None, since: str | None, length: str | None, out: Path | None, *, as_json: bool) -> Exit:
    """The panels of one target over time: as text, as JSON, and as a picture where there is a file for it."""
    from actions.chart import ACTION, FOR, SINCE, check
    from bot.cli.files import writing_bytes

    target = chosen(name)
    options = {one.name: text for one, text in ((SINCE, since), (FOR, length)) if text is not None}
    seconds, _ = check(options, known=target.prometheus is not None)  # Before anything is made or waited for.
    with contextlib.ExitStack() as stack:
        write = stack.enter_context(writing_bytes(out)) if out else None
        seen = _done(_charted(ACTION, target, options, seconds))
        _show(seen, json.charted_json, lambda terminal: terminal.charted(seen), as_json=as_json)
        if write is not None and seen.chart is not None:
            write(_picture(seen.snapshot.target, seen.chart))
            screen.tell(f"The picture is in {out}.")
    return Exit.UNDETERMINED if seen.chart is None or seen.chart.is_empty else Exit.AS_IT_SHOULD_BE


def status(*, as_json: bool) -> Exit:
    """Look at all targets at once."""
    rows = _done(_glances(load_targets(targets_file())))
    if as_json:
        screen.show_json(json.fleet_json(rows))
    else:
        from bot.render import terminal

        screen.show(terminal.fleet(rows))
    _tell_frozen([target.name for target, _ in rows], as_json=as_json)
    return exit_of_fleet(seen for _, seen in rows)


def _done(looking: Coroutine[Any, Any, T]) -> T:
    """``asyncio.run``, whose end has Python write out the whole result, of 150 nodes maybe, for an error that it drops.

    To put SIGINT back, ``signal`` asks whether asyncio's handler, which holds the task, is one of its constants.
    """
    done: list[T] = []

    async def look() -> None:
        done.append(await looking)

    asyncio.run(look())
    return done[0]


def chosen(name: str | None, fleet: Fleet | None = None) -> Target:
    """The target that is meant, of the fleet in the settings by default: the only one where none is named.

    Raises:
        UsageError: there is no such target, or there are several and none is named.
    """
    fleet = fleet or load_targets(targets_file())
    return fleet.target(only_one(name, fleet).name)


def only_one(name: str | None, fleet: Fleet) -> Target:
    """The target that is meant, covered or not: the only one where none is named.

    Raises:
        UsageError: there is no such target, or there are several and none is named.
    """
    if name is None and len(fleet.targets) > 1:
        raise UsageError(f"Which target? There are {listed(fleet.targets)}.")
    return fleet.target(next(iter(fleet.targets)) if name is None else name)


async def _look(action: ReadAction, target: Target, options: Mapping[str, str], progress: Progress) -> Seen:
    hands = connect(target)
    try:
        return await action.look(hands, options, progress)
    finally:
        await hands.aclose()


async def _may_see_names(target: Target) -> None:
    """Names of keys are the application's data: whoever sees them is known, and may approve what destroys it."""
    from bot.cli.office import office

    async with office() as at:
        person = await at.signed_in()
        no = await at.policy.may_see_names(person.id, target.name)
        at.vouched(person)
    if no is not None:
        raise Refused(no)


async def _happened(action: ReadAction, target: Target, options: Mapping[str, str]) -> Seen:
    """The look, with the runs that the ledger tells of; nothing where there is none."""
    from bot.cli.records import existing_ledger
    from bot.ledger import Ledger, LedgerError
    from bot.render.happenings import with_runs

    seen = await _look(action, target, options, screen.say)
    try:
        ledger = await Ledger.open(existing_ledger(), upgrades=False)
    except SettingsError:
        return seen
    except LedgerError as error:
        screen.tell(f"What Tandem itself did is not known: {error}")
        return seen
    try:
        return with_runs(seen, await ledger.runs(limit=OWN_RUNS, target=target.name))
    finally:
        await ledger.aclose()


def _silent_tellers(seen: Seen) -> bool:
    """AWS, or Kubernetes, has events and did not tell them."""
    group, kubernetes = seen.snapshot.group, seen.snapshot.kubernetes
    aws = group is not None and (group.unasked is not None or group.tests_in_region is None)
    return aws or (kubernetes is not None and kubernetes.unasked is not None)


async def _verified(target: Target, again: float, since: str | None) -> Seen:
    from actions.verify import ACTION

    async with screen.waiting(again) as progress:
        return await _look(ACTION, target, {"again": f"{again:g}", **({"since": since} if since else {})}, progress)


async def _charted(action: ReadAction, target: Target, options: Mapping[str, str], seconds: float) -> Seen:
    async with screen.waiting(seconds) as progress:
        return await _look(action, target, options, progress)


def _picture(target: str, chart: Chart) -> bytes:
    from bot.drawing import draw

    with screen.working("Drawing"):
        return asyncio.run(draw(target, chart))


async def _glances(fleet: Fleet) -> list[tuple[Target, Seen | str]]:
    from actions.status import ACTION

    with screen.counting("Looking at all targets", len(fleet.targets)) as done:

        async def glance(target: Target) -> tuple[Target, Seen | str]:
            seen = await _look(ACTION, target, {}, screen.say)
            done()
            return target, seen

        return await asyncio.gather(*map(glance, fleet.targets.values()))


def _show(
    seen: Seen, as_object: Callable[[Seen], json.Json], as_text: Callable[[ModuleType], Any], *, as_json: bool
) -> None:
    if as_json:
        screen.show_json(as_object(seen))
    else:
        from bot.render import terminal

        screen.show(as_text(terminal))


def _tell_frozen(targets: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        return
    from bot.cli.frozen import tell_frozen

    tell_frozen(targets)

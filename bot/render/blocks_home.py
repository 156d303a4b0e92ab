"""Shows the home tab. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from actions.kit.action import Seen
from bot.ledger.records import Request
from bot.render.blocks import MAX_SECTION, Block, context, header, section
from bot.render.blocks_findings import glance
from bot.render.blocks_menu import View, request_line
from bot.render.blocks_request import moment
from bot.render.blocks_review import review_lines

_LINES = 10


@dataclass(frozen=True, slots=True)
class Requests:
    """What the home tab lists: reviews to be signed, what waits for a decision or runs, what was done lately."""

    unsigned: Sequence[Request] = ()
    waiting: Sequence[Request] = ()
    recent: Sequence[Request] = ()


def home(fleet: Sequence[tuple[str, str, Seen | str]], notes: Mapping[str, str], requests: Requests) -> View:
    """The fleet's verdicts with what else has to be known of each target (``notes``), then the requests."""
    verdicts = (
        glance(fleet, "you", notes).message.blocks if fleet else (section("There is no target that you may see."),)
    )
    blocks: list[Block] = [*(block for block in verdicts if block["type"] != "context"), *_looked(fleet)]
    if requests.unsigned:
        blocks += [header("Reviews to be signed"), *review_lines(requests.unsigned[:_LINES])]
    blocks += [header("Waiting for a decision, or at work"), *_lines(requests.waiting)]
    blocks += [header("Lately"), *_lines(requests.recent)]
    return {"type": "home", "callback_id": "home", "blocks": blocks[:100]}


def _looked(fleet: Sequence[tuple[str, str, Seen | str]]) -> list[Block]:
    """When these verdicts were seen: the tab may stay open for hours."""
    moments = [seen.snapshot.observed_at for *_, seen in fleet if isinstance(seen, Seen)]
    return [context(f"Seen {moment(min(moments))}; opening this tab again looks anew.")] if moments else []


def _lines(requests: Sequence[Request]) -> list[Block]:
    if not requests:
        return [context("Nothing.")]
    return [section(request_line(request)[:MAX_SECTION]) for request in requests[:_LINES]]

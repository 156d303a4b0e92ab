"""Whether a request can be put back by another one, and by which. No I/O here."""

from __future__ import annotations

from actions.kit.action import Options
from actions.kit.errors import UsageError
from actions.kit.tuning.undoing import options_back
from bot.ledger import Request, RequestState, RunState


def what_puts_back(request: Request) -> Options:
    """The options with which the same action puts back what a request has set.

    Raises:
        UsageError: there is nothing to put back, or nothing that could be put back so; says what to do.
    """
    why = _why_not(request)
    if why is not None:
        raise UsageError(why)
    return options_back(request.plan)


def _why_not(request: Request) -> str | None:
    if not request.plan.cost.settings_only:
        return f"{request.id} is a {request.action}: only settings, which tune has changed, can be put back."
    if request.standing in (RunState.DONE, RunState.INCOMPLETE):
        return None
    if request.standing is RunState.UNDONE:
        return f"{request.id} was not done: everything was put back then."
    if request.state in (RequestState.RUNNING, RequestState.ENDED):
        return f"{request.id} is {request.standing}: cancel {request.id} stops it and puts everything back."
    return f"{request.id} is {request.standing}: nothing was changed by it, and nothing is to be put back."

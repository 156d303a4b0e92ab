"""The commands that change something, and their words. Each needs a token, which says who is at the terminal."""

# ruff: noqa: PLC0415 -- What a command needs is imported when it runs, since the terminal starts often.

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.choices import Application, Database, Host, Keep, Settings, Shard, To, given, settings_in
from bot.cli.exits import Exit

changes = typer.Typer()
token = typer.Typer(help="Your own tokens. /redis token in Slack issues one.")

Target = Annotated[str | None, typer.Argument(metavar="T", help="The target; not needed where there is only one.")]
RequestId = Annotated[str, typer.Argument(metavar="R", help="The id of a request or run, such as R-7F3K9.")]
Reason = Annotated[str, typer.Option(help="Why; it stays in the audit.")]
All = Annotated[bool, typer.Option("--all", help="All targets.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; for programs.")]
BreakGlass = Annotated[
    bool, typer.Option("--break-glass", help="In an emergency: without approval; needs --reason, leaves a review.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]


@changes.command()
def request(  # noqa: PLR0913 -- Each is an option that people type.
    action: Annotated[str, typer.Argument(metavar="ACTION", help="What to do, such as failover.")],
    target: Target = None,
    settings: Settings = None,
    to: To = None,
    reason: Reason = "",
    shard: Shard = None,
    host: Host = None,
    *,
    application: Application = None,
    keep: Keep = None,
    db: Database = None,
    break_glass: BreakGlass = False,
    as_json: Json = False,
) -> Exit:
    """Plan a change and ask for its approval; nothing is done before that."""
    from bot.cli import changing

    how = changing.How(reason, break_glass=break_glass)
    target, said = settings_in(target, settings)
    options = said | given(to=to, shard=shard, host=host, application=application, keep=keep, db=db)
    return changing.request(action, target, options, how, as_json=as_json)


@changes.command()
def tune(
    target: Target = None,
    settings: Settings = None,
    reason: Reason = "",
    *,
    break_glass: BreakGlass = False,
    as_json: Json = False,
) -> Exit:
    """Ask for other settings on all nodes, such as: tandem tune orders maxmemory=4gb. The same as request tune."""
    from bot.cli import changing

    name, options = settings_in(target, settings)
    return changing.request("tune", name, options, changing.How(reason, break_glass=break_glass), as_json=as_json)


@changes.command()
def flush(
    target: Target = None,
    reason: Reason = "",
    *,
    db: Database = None,
    as_json: Json = False,
) -> Exit:
    """Ask to delete all keys of one database, or of all, after a verified copy of them. The same as request flush."""
    from bot.cli import changing

    return changing.request("flush", target, given(db=db), changing.How(reason), as_json=as_json)


@changes.command()
def approve(
    request: RequestId,
    *,
    yes: Yes = False,
    typed: Annotated[
        str, typer.Option("--typed", metavar="T", help="With --yes, for what cannot be undone: the target's name.")
    ] = "",
    as_json: Json = False,
) -> Exit:
    """Show what somebody else has asked for, approve it, and follow it to its end."""
    from bot.cli import deciding

    return deciding.approve(request, typed, yes=yes, as_json=as_json)


@changes.command()
def deny(request: RequestId, reason: Reason = "", *, as_json: Json = False) -> Exit:
    """Say no to a request; --reason says why."""
    from bot.cli import deciding

    return deciding.deny(request, reason, as_json=as_json)


@changes.command()
def withdraw(request: RequestId, *, as_json: Json = False) -> Exit:
    """Take your own request back while it waits."""
    from bot.cli import deciding

    return deciding.withdraw(request, as_json=as_json)


@changes.command()
def follow(request: RequestId, *, as_json: Json = False) -> Exit:
    """Follow a request to its end; what was cut off, and no bot has taken up, is settled here."""
    from bot.cli import deciding

    return deciding.see_through(request, as_json=as_json)


@changes.command()
def cancel(request: RequestId, *, as_json: Json = False) -> Exit:
    """Stop a run before its next step, and have it put back what it did; possible until the roles move."""
    from bot.cli import answering

    return answering.cancel(request, as_json=as_json)


@changes.command()
def undo(request: RequestId, reason: Reason = "", *, break_glass: BreakGlass = False, as_json: Json = False) -> Exit:
    """Ask to put back the settings that a run of tune has changed; it takes the same approvals."""
    from bot.cli import changing

    return changing.undo(request, changing.How(reason, break_glass=break_glass), as_json=as_json)


@changes.command()
def resume(request: RequestId, *, yes: Yes = False, as_json: Json = False) -> Exit:
    """Tell a run that was cut off, and asks, to go on; what destroys takes an approver."""
    return _answer(request, "resume", yes=yes, as_json=as_json)


@changes.command()
def rollback(request: RequestId, *, yes: Yes = False, as_json: Json = False) -> Exit:
    """Tell a run that was cut off, and asks, to put everything back."""
    return _answer(request, "roll-back", yes=yes, as_json=as_json)


@changes.command()
def abandon(request: RequestId, *, yes: Yes = False, as_json: Json = False) -> Exit:
    """End a run that was cut off, and asks, as it stands."""
    return _answer(request, "abandon", yes=yes, as_json=as_json)


def _answer(request_id: str, given: str, *, yes: bool, as_json: bool) -> Exit:
    from actions.kit.settlement import Answer
    from bot.cli import answering

    return answering.answer(request_id, Answer(given), yes=yes, as_json=as_json)


@changes.command()
def sign(
    request: RequestId,
    note: Annotated[str, typer.Option(help="What you found.")] = "",
    *,
    as_json: Json = False,
) -> Exit:
    """Close the review of what ran without approval; it takes an approver who has not asked for it."""
    from bot.cli import deciding

    return deciding.sign(request, note, as_json=as_json)


@changes.command()
def freeze(target: Target = None, reason: Reason = "", *, everything: All = False, as_json: Json = False) -> Exit:
    """Let no change begin on a target; --reason says why."""
    from bot.cli import locking

    return locking.freeze(target, reason, everything=everything, as_json=as_json)


@changes.command()
def thaw(target: Target = None, reason: Reason = "", *, everything: All = False, as_json: Json = False) -> Exit:
    """End a freeze, and the cooldown of a target; it takes an approver."""
    from bot.cli import locking

    return locking.thaw(target, reason, everything=everything, as_json=as_json)


@token.callback(invoke_without_command=True)
def start_token(context: typer.Context) -> None:
    """Show the help where no command is given."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@token.command("list")
def list_tokens(*, as_json: Json = False) -> Exit:
    """List those that are good now."""
    from bot.cli import tokens

    return tokens.show(as_json=as_json)


@token.command("revoke")
def revoke_tokens(
    token_id: Annotated[str | None, typer.Argument(metavar="ID", help="Only this one, such as T-7F3K9.")] = None,
    *,
    as_json: Json = False,
) -> Exit:
    """End all of yours, or one; the one in TANDEM_TOKEN too."""
    from bot.cli import tokens

    return tokens.revoke(token_id, as_json=as_json)

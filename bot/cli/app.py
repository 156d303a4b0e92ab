"""The commands of ``tandem`` and their words."""

# ruff: noqa: PLC0415 -- What a command needs is imported when it runs, since the terminal starts often.

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.app_changes import changes, token
from bot.cli.app_ledger import ledger
from bot.cli.choices import Application, Database, Host, Keep, Settings, Shard, To, given, settings_in
from bot.cli.exits import Exit

app = typer.Typer(
    name="tandem",
    help="Looks at Redis, says what is wrong and how it knows, and plans what to do about it.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
audit = typer.Typer(help="Verify, export and read the audit: who did what, and when.")
app.add_typer(audit, name="audit")
app.add_typer(ledger, name="ledger")
app.add_typer(changes)
app.add_typer(token, name="token")

Target = Annotated[str | None, typer.Argument(metavar="T", help="The target; not needed where there is only one.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context, *, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Show the help where no command is given."""
    if version:
        from importlib import metadata

        typer.echo(metadata.version("tandem-bot"))
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def serve() -> None:
    """Run the bot: Slack and HTTP, until it is told to stop."""
    import asyncio

    from bot.app import serve as run
    from bot.settings import load_settings

    asyncio.run(run(load_settings()))


@app.command()
def demo(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where the page is.")] = 8070,
    *,
    kind: Annotated[
        str, typer.Option(help="What stands there: sentinel, replication, cluster, elasticache or kubernetes.")
    ] = "sentinel",
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
) -> None:
    """Start a real Redis and an incident channel in the browser."""
    from sandbox.demo import run

    run(kind=kind, port=port, open_page=open_page)


@app.command()
def doctor(*, as_json: Json = False) -> Exit:
    """Check settings, Slack, approvers, targets and ledger, and change nothing."""
    from bot.cli import doctor as checking

    return checking.doctor(as_program=as_json)


@app.command()
def status(*, as_json: Json = False) -> Exit:
    """The fleet at a glance: a line and a verdict for each target."""
    from bot.cli import looking

    return looking.status(as_json=as_json)


@app.command()
def health(target: Target = None, *, as_json: Json = False) -> Exit:
    """Roles, links, lag, Sentinels and quorum of one target."""
    from bot.cli import looking

    return looking.health(target, as_json=as_json)


@app.command()
def diagnose(
    target: Target = None,
    *,
    compare: Annotated[
        bool, typer.Option("--compare", help="Where there are two masters: count the keys that differ.")
    ] = False,
    names: Annotated[
        bool, typer.Option("--names", help="With --compare: some of their names; you must be an approver.")
    ] = False,
    as_json: Json = False,
) -> Exit:
    """The verdict, how sure it is, the evidence, and what to do."""
    from bot.cli import looking

    return looking.diagnose(target, compare=compare, names=names, as_json=as_json)


@app.command()
def verify(
    target: Target = None,
    again: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, max=600, help="Look again after so long; 0 for one look only.")
    ] = 30,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Search the application's log so far back: 30m, 2h. By default 5m."),
    ] = None,
    *,
    as_json: Json = False,
) -> Exit:
    """Put one target to the proof: roles, replication, a write, every Sentinel; and a second look."""
    from bot.cli import looking

    return looking.verify(target, again, since, as_json=as_json)


@app.command()
def events(
    target: Target = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="How far back: 90m, 24h, 14d. By default 24h.")
    ] = None,
    *,
    as_json: Json = False,
) -> Exit:
    """What AWS, Kubernetes and Tandem did to one target, on one time line."""
    from bot.cli import looking

    return looking.events(target, since, as_json=as_json)


@app.command()
def connect(
    target: Target = None,
    client: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Only that for redis-py, asyncio, env or redis-cli."),
    ] = None,
    *,
    as_json: Json = False,
) -> Exit:
    """How an application connects: snippets that find the master and repeat nothing twice."""
    from bot.cli import looking

    return looking.connection(target, client, as_json=as_json)


@app.command()
def chart(
    target: Target = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="From Prometheus, so far back: 30m, 24h, 7d. By default 1h, where there is one."
        ),
    ] = None,
    length: Annotated[
        str | None,
        typer.Option("--for", metavar="TIME", help="Sample for so long instead: 30s, 2m. By default 30s."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Write the picture into this new file.")] = None,
    *,
    as_json: Json = False,
) -> Exit:
    """Clients, memory, replication lag, commands a second and hit ratio over time."""
    from bot.cli import looking

    return looking.chart(target, since, length, out, as_json=as_json)


@app.command()
def plan(  # noqa: PLR0913 -- Each is an option that people type.
    action: Annotated[str, typer.Argument(metavar="ACTION", help="What to plan, such as failover.")],
    target: Target = None,
    settings: Settings = None,
    to: To = None,
    shard: Shard = None,
    host: Host = None,
    *,
    application: Application = None,
    keep: Keep = None,
    db: Database = None,
    as_json: Json = False,
) -> Exit:
    """Show what a change would do now, and change nothing."""
    from bot.cli import planning

    target, said = settings_in(target, settings)
    options = said | given(to=to, shard=shard, host=host, application=application, keep=keep, db=db)
    return planning.plan(action, target, options, as_json=as_json)


@app.command()
def show(
    request: Annotated[str, typer.Argument(metavar="R", help="The id of a request or run, such as R-7F3K9.")],
    *,
    as_json: Json = False,
) -> Exit:
    """Show one request: who decided, and its run with its steps and times."""
    from bot.cli import records

    return records.show(request, as_json=as_json)


@app.command()
def runs(
    target: Annotated[str | None, typer.Argument(metavar="T", help="Only those of this target.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 20,
    *,
    as_json: Json = False,
) -> Exit:
    """List the latest requests and runs."""
    from bot.cli import records

    return records.runs(target, limit, as_json=as_json)


@audit.callback(invoke_without_command=True)
def start_audit(context: typer.Context) -> None:
    """Show the help where no command is given."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@audit.command("verify")
def verify_audit(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="An export; else the bot's ledger.")] = None,
    expect: Annotated[
        str | None, typer.Option(metavar="HASH", help="The last hash as it was noted earlier: finds a cut-off end.")
    ] = None,
    after: Annotated[
        str | None, typer.Option(metavar="HASH", help="The last hash of the export that FILE continues.")
    ] = None,
    *,
    as_json: Json = False,
) -> Exit:
    """Name the first row that was changed, removed or reordered."""
    from bot.cli import audit as auditing

    return auditing.verify(file, expect, after, as_json=as_json)


@audit.command("export")
def export_audit(
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="A new file; else it goes to stdout.")] = None,
) -> Exit:
    """Write every row as one line of JSON."""
    from bot.cli import audit as auditing

    return auditing.export(out)


@app.command("timeline")
@audit.command("timeline")
def audit_timeline(
    request: Annotated[str, typer.Argument(metavar="R", help="The id of a request or run, such as R-7F3K9.")],
    *,
    as_json: Json = False,
) -> Exit:
    """Tell one request from beginning to end, as Markdown for a post-mortem."""
    from bot.cli import audit as auditing

    return auditing.timeline(request, as_json=as_json)

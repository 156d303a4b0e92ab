"""Shows a person in a terminal what was seen: trees, tables, and a word beside every colour. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from actions.kit.action import Seen
from actions.kit.findings import Confidence, Diagnosis, Finding, Severity
from actions.kit.proof import Check
from actions.kit.snapshot import NodeView, SentinelView, Snapshot, Unasked
from actions.kit.topology import Address, Target
from actions.kit.vantage import matrix
from bot.render.charting import chart_lines
from bot.render.compared import comparison_lines, name_lines
from bot.render.group import group_lines
from bot.render.happenings import happening_count, happening_lines
from bot.render.json import link_word
from bot.render.kubernetes import kubernetes_lines
from bot.render.matrix_table import matrix_table
from bot.render.shards import shard_lines
from bot.render.suggested import suggestion
from bot.render.words import duration, plain, size

STYLES = {Severity.OK: "green", Severity.INFO: "cyan", Severity.WARNING: "yellow", Severity.CRITICAL: "bold red"}


def health(seen: Seen) -> RenderableType:
    """The verdict, the topology, and a line for each finding."""
    findings = [one for one in seen.diagnosis.findings if one.severity is not Severity.OK]
    return Group(_headline(seen), *_topology(seen.snapshot), *(_finding_line(one) for one in findings))


def diagnosis(seen: Seen) -> RenderableType:
    """The verdict, each finding with its evidence and what to do, the topology, and what could not be asked."""
    verdict, *others = seen.diagnosis.findings
    parts: list[RenderableType] = [
        _finding_tree(verdict, _headline(seen), f"{verdict.severity.word}, {verdict.confidence.value}")
    ]
    parts += [_finding_tree(one, _finding_line(one), one.confidence.value) for one in others]
    parts += [*_topology(seen.snapshot), matrix_table(matrix(seen.snapshot))]
    parts += [Text(line) for line in (*comparison_lines(seen), *name_lines(seen.comparisons))]
    unasked = seen.snapshot.unasked
    if unasked:
        tree = Tree(Text("Not answered", style="yellow"))
        for one in unasked:
            tree.add(Text(f"{plain(one.source, 80)}: {_why(one)}"))
        parts.append(tree)
    return Group(*parts)


def checks(seen: Seen) -> RenderableType:
    """Each check of a ``verify``, then the verdict."""
    table = Table(box=None, show_header=False, padding=(0, 1))
    for _ in range(3):
        table.add_column(overflow="fold")
    for check in seen.checks:
        table.add_row(tick(ok=check.ok), Text(plain(check.title, 200)), Text(plain(check.observation), style="dim"))
    return Group(table, _tally(seen.checks), _headline(seen))


def happenings(seen: Seen) -> RenderableType:
    """The time line, the oldest first, and who keeps one and did not tell it."""
    lines = happening_lines(seen)
    head = Text(f"{seen.snapshot.target}: {happening_count(seen)}", style="bold")
    silent = (f"Not told by {plain(one.source, 80)}: {_why(one)}" for one in seen.snapshot.unasked)
    return Group(head, *map(Text, lines), *(Text(line, style="yellow") for line in silent))


def charted(seen: Seen) -> RenderableType:
    """The panels as small curves and numbers, and what happened."""
    if seen.chart is None:
        return _headline(seen)
    head, *lines = chart_lines(seen.chart)
    return Group(_headline(seen), Text(head, style="bold"), *map(Text, lines))


def fleet(rows: Sequence[tuple[Target, Seen | str]]) -> RenderableType:
    """A line a target: its verdict, and what is wrong."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("target", "kind", "environment", "verdict", ""):
        table.add_column(heading, overflow="fold")
    for target, seen in rows:
        if isinstance(seen, str):
            verdict, summary = Text("not looked at", style="yellow"), seen
        else:
            verdict, summary = _verdict(seen.diagnosis), seen.diagnosis.verdict.summary
        words = (target.name, target.kind.value, target.environment)
        table.add_row(*map(Text, words), verdict, Text(plain(summary)))
    return table


def tick(*, ok: bool) -> Text:
    """``ok`` or ``FAILED``."""
    return Text("ok", style="green") if ok else Text("FAILED", style="bold red")


def _headline(seen: Seen) -> Text:
    verdict = seen.diagnosis.verdict
    name = Text(f"{seen.snapshot.target} ({seen.snapshot.kind})  ", style="bold")
    return Text.assemble(name, _verdict(seen.diagnosis), "  ", plain(verdict.summary))


def _verdict(diagnosis: Diagnosis) -> Text:
    verdict = diagnosis.verdict
    unsure = "" if verdict.confidence is Confidence.CERTAIN else f" ({verdict.confidence.value})"
    return Text(f"{verdict.id.value}{unsure}", style=STYLES[verdict.severity])


def _finding_line(finding: Finding) -> Text:
    label = Text(f"{finding.severity.word}: {finding.id.value}  ", style=STYLES[finding.severity])
    return Text.assemble(label, plain(finding.summary))


def _finding_tree(finding: Finding, headline: Text, sure: str) -> Tree:
    tree = Tree(Text.assemble(headline, Text(f" ({sure})", style="dim")))
    for one in finding.evidence:
        tree.add(Text.assemble(Text(f"{plain(one.source, 80)}: ", style="dim"), plain(one.observation)))
    for line in finding.suggests:
        tree.add(suggestion(line))
    return tree


def _topology(snapshot: Snapshot) -> Iterator[Tree]:
    """The nodes, a cluster's by its shards; then the Sentinels, what AWS says and what Kubernetes says."""
    if snapshot.in_cluster:
        yield _told(shard_lines(snapshot))
    else:
        yield from _nodes(snapshot)
    if snapshot.sentinels:
        tree = Tree(Text(f"Sentinels of {plain(snapshot.master_name, 60)}", style="bold"))
        for view in snapshot.sentinels:
            tree.add(_sentinel_line(view))
        yield tree
    if snapshot.group is not None:
        yield _told(group_lines(snapshot.group))
    if snapshot.kubernetes is not None:
        yield _told(kubernetes_lines(snapshot))


def _told(lines: Iterable[str]) -> Tree:
    """A headline and what stands below it; a line that is drawn as a twig already hangs on the one before it."""
    head, *below = lines
    tree = branch = Tree(Text(plain(head), style="bold"))
    for line in below:
        text = line.lstrip("├└─ ")
        hanging = Text(plain(text), style="red" if "✗" in line else "")
        if line.startswith(("├", "└")):
            branch.add(hanging)
        else:
            branch = tree.add(hanging)
    return tree


def _nodes(snapshot: Snapshot) -> Iterator[Tree]:
    """Masters with those that follow them beneath; then nodes that follow nobody known."""
    roots = [node for node in snapshot.nodes if _followed(snapshot, node) is None]
    for root in roots:
        yield _branch(snapshot, root, Tree(_node_line(snapshot, root)), {root.address})
    circle = [node for node in snapshot.nodes if not any(_reaches(snapshot, node, root.address) for root in roots)]
    for node in circle:  # Replicas that follow each other.
        yield Tree(_node_line(snapshot, node))


def _branch(snapshot: Snapshot, node: NodeView, tree: Tree, seen: set[Address]) -> Tree:
    for other in snapshot.nodes:
        if _followed(snapshot, other) == node.address and other.address not in seen:
            _branch(snapshot, other, tree.add(_node_line(snapshot, other)), seen | {other.address})
    return tree


def _followed(snapshot: Snapshot, node: NodeView) -> Address | None:
    """The node in this picture that a replica follows."""
    link = node.info.link if node.info and node.is_replica else None
    return link.master if link and snapshot.node(link.master) else None


def _reaches(snapshot: Snapshot, node: NodeView, root: Address) -> bool:
    """Whether a node is shown below this root: following its masters leads there."""
    seen: set[Address] = set()
    here: NodeView | None = node
    while here is not None and here.address not in seen:
        if here.address == root:
            return True
        seen.add(here.address)
        here = snapshot.node(_followed(snapshot, here))
    return False


def _node_line(snapshot: Snapshot, node: NodeView) -> Text:
    address = Text(plain(str(node.address), 80), style="bold")
    if node.info is None:
        why = _why(node.unasked) if node.unasked else "nothing is known of it"
        return Text.assemble(address, "  ", Text(f"NO ANSWER, {why}", style="bold red"))
    info = node.info
    version = f"{plain(info.flavour, 20)} {'.'.join(map(str, info.version))}"
    if node.is_master:
        return Text.assemble(
            address, "  ", Text("master", style="green"), f"  offset {info.offset:,}  {version}", _loading(node)
        )
    lag = snapshot.lag_bytes(node)
    behind = "unknown" if lag is None else size(lag)
    return Text.assemble(address, "  replica  ", _link(node), f"  lag {behind}{_lag_s(snapshot, node)}", _loading(node))


def _link(node: NodeView) -> Text:
    link = node.info.link if node.info else None
    word = link_word(node)
    if link is None or word is None:
        return Text("link unknown", style="yellow")
    since = f" for {duration(link.down_since_s)}" if word == "down" and link.down_since_s is not None else ""
    master = f" to {plain(str(link.master), 80)}"
    return Text(f"link {word.upper() if word == 'down' else word}{since}{master}", style="" if word == "up" else "red")


def _lag_s(snapshot: Snapshot, node: NodeView) -> str:
    """What the master says: seconds since the replica last told it where it is."""
    for other in snapshot.masters:
        for replica in other.info.replicas if other.info else ():
            if replica.address == node.address:
                return f", acknowledged {replica.lag_s} s ago"
    return ""


def _loading(node: NodeView) -> Text:
    return Text("  LOADING", style="yellow") if node.info and node.info.loading else Text()


def _sentinel_line(view: SentinelView) -> Text:
    address = Text(plain(str(view.address), 80), style="bold")
    if view.master is None:
        why = _why(view.unasked) if view.unasked else "does not know this master"
        knows = f"; it monitors {plain(', '.join(view.knows), 200)}" if view.knows else ""
        return Text.assemble(address, "  ", Text(f"NO ANSWER, {why}{knows}", style="bold red"))
    trouble = sorted(view.master.flags - {"master"}) + (["TILT"] if view.tilt else [])
    quorum = {True: "quorum ok", False: "NO QUORUM", None: "quorum not asked"}[view.quorum_ok]
    return Text.assemble(
        address,
        f"  names {plain(str(view.master.address), 80)}, epoch {view.master.config_epoch}, ",
        Text(quorum, style="red" if view.quorum_ok is False else ""),
        Text(f"  {', '.join(map(plain, trouble))}" if trouble else "", style="red"),
    )


def _tally(all_checks: Sequence[Check]) -> Text:
    failed = sum(not one.ok for one in all_checks)
    if failed:
        return Text(f"{failed} of {len(all_checks)} checks FAILED.", style="bold red")
    return Text(f"All {len(all_checks)} checks passed.", style="green")


def _why(unasked: Unasked) -> str:
    why = plain(unasked.why, 200)
    return why if unasked.reason.value.lower() in why.lower() else f"{unasked.reason.value}: {why}"

"""Keeps what servers say of themselves from doing anything where it is shown: one line, no control characters.

Markup is the matter of whoever renders it. No I/O here.
"""

from __future__ import annotations

from dataclasses import replace

from actions.kit.findings import Evidence, Finding


def printable(finding: Finding) -> Finding:
    """The same with each character that is not printable replaced, such as a line break or a change of direction."""
    if finding.summary.isprintable() and all(map(_is_printable, finding.evidence)):
        return finding
    evidence = tuple(Evidence(_clean(one.source), _clean(one.observation)) for one in finding.evidence)
    return replace(finding, summary=_clean(finding.summary), evidence=evidence)


def _is_printable(one: Evidence) -> bool:
    return one.source.isprintable() and one.observation.isprintable()


def _clean(text: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)

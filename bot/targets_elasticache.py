"""Reads what a target of kind elasticache is asked by: its region and the id of its replication group."""

from __future__ import annotations

import re

from actions.kit.topology import Kind, ReplicationGroup
from bot.environment import aws_endpoint_url
from bot.marked import Section

REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}")
_GROUP = re.compile(r"[a-zA-Z](-?[a-zA-Z0-9]){0,39}")


def read_group(section: Section, kind: Kind) -> ReplicationGroup | None:
    """The replication group; ``None`` for the other kinds.

    Raises:
        SettingsError: a name is missing or cannot be one, or is there though the kind is another.
    """
    for name in ("region", "replication_group_id"):
        field = section.get(name)
        if field is not None and kind is not Kind.ELASTICACHE:
            raise field.wrong(f"is for kind elasticache only; this target's kind is {kind}.")
    if kind is not Kind.ELASTICACHE:
        return None
    if (nodes := section.get("nodes")) is not None:
        raise nodes.wrong("is not for kind elasticache: AWS says which nodes there are. Remove it.")
    region = section.need("region", "AWS is asked there").matching(REGION, "the name of a region, such as eu-west-1")
    group = section.need("replication_group_id", "AWS is asked about it")
    name = group.matching(_GROUP, "the id of a replication group: at most 40 letters, digits and single hyphens")
    return ReplicationGroup(region, name.lower(), aws_endpoint_url())  # AWS keeps it in lower case.

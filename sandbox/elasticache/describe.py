"""Shows replication groups and cache clusters as AWS describes them. No I/O here.

With cluster mode disabled a node group has its endpoints and each member its role; with cluster mode enabled the group
has a configuration endpoint, a node group its slots, and nobody is told who is primary.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.elasticache.errors import cluster_not_found, group_not_found
from sandbox.elasticache.paging import page
from sandbox.elasticache.state import ACCOUNT, NODE_ID, Group, Member, NodeGroup

Groups = Mapping[str, Group]


def replication_groups(groups: Groups, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to DescribeReplicationGroups; an id is not case sensitive."""
    wanted = asked.get("ReplicationGroupId")
    if wanted is not None and wanted.lower() not in groups:
        raise group_not_found(wanted)
    found = [group for group in groups.values() if wanted is None or group.id == wanted.lower()]
    marker, shown = page(found, asked)
    return {"Marker": marker, "ReplicationGroups": [replication_group(group) for group in shown]}


def cache_clusters(groups: Groups, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to DescribeCacheClusters; nodes only where ShowCacheNodeInfo asks for them."""
    everyone = [(group, *pair) for group in groups.values() for pair in group.members]
    wanted = asked.get("CacheClusterId")
    found = [one for one in everyone if wanted is None or one[2].id == wanted.lower()]
    if wanted is not None and not found:
        raise cluster_not_found(wanted)
    if asked.get("ShowCacheClustersNotInReplicationGroups"):
        found = []
    marker, shown = page(found, asked)
    with_nodes = bool(asked.get("ShowCacheNodeInfo"))
    return {"Marker": marker, "CacheClusters": [_cache_cluster(*one, with_nodes=with_nodes) for one in shown]}


def replication_group(group: Group) -> dict[str, Any]:
    """One group."""
    return {
        "ReplicationGroupId": group.id,
        "Description": group.description,
        "Status": group.status,
        "PendingModifiedValues": group.pending,
        "MemberClusters": [member.id for _, member in group.members],
        "NodeGroups": [_node_group(group, node_group) for node_group in group.node_groups],
        "SnapshottingClusterId": group.snapshotting_cluster,
        "AutomaticFailover": group.automatic_failover,
        "MultiAZ": group.multi_az,
        "ConfigurationEndpoint": _endpoint(group.node_groups[0].nodes.primary_endpoint)
        if group.cluster_enabled
        else None,
        "SnapshotRetentionLimit": group.snapshot_retention,
        "SnapshotWindow": group.snapshot_window,
        "ClusterEnabled": group.cluster_enabled,
        "CacheNodeType": group.node_type,
        "AuthTokenEnabled": group.auth_token,
        "TransitEncryptionEnabled": group.tls,
        "AtRestEncryptionEnabled": False,
        "ARN": group.arn,
        "ReplicationGroupCreateTime": group.created,
        "DataTiering": "disabled",
        "AutoMinorVersionUpgrade": True,
        "NetworkType": "ipv4",
        "IpDiscovery": "ipv4",
        "TransitEncryptionMode": "required" if group.tls else None,
        "ClusterMode": "enabled" if group.cluster_enabled else "disabled",
        "Engine": group.engine,
    }


def _node_group(group: Group, node_group: NodeGroup) -> dict[str, Any]:
    shown: dict[str, Any] = {"NodeGroupId": node_group.id, "Status": node_group.status}
    if group.cluster_enabled:
        shown["Slots"] = node_group.slots
    else:
        shown["PrimaryEndpoint"] = _endpoint(node_group.nodes.primary_endpoint)
        shown["ReaderEndpoint"] = _endpoint(node_group.nodes.reader_endpoint)
    shown["NodeGroupMembers"] = [_node_group_member(group, node_group, member) for member in node_group.members]
    return shown


def _node_group_member(group: Group, node_group: NodeGroup, member: Member) -> dict[str, Any]:
    shown: dict[str, Any] = {"CacheClusterId": member.id, "CacheNodeId": NODE_ID}
    if not group.cluster_enabled:
        shown["ReadEndpoint"] = _endpoint(node_group.address(member))
        shown["CurrentRole"] = member.role
    shown["PreferredAvailabilityZone"] = member.zone
    return shown


def _cache_cluster(group: Group, node_group: NodeGroup, member: Member, *, with_nodes: bool) -> dict[str, Any]:
    return {
        "CacheClusterId": member.id,
        "ClientDownloadLandingPage": f"https://console.aws.amazon.com/elasticache/home?region={group.region}",
        "CacheNodeType": group.node_type,
        "Engine": group.engine,
        "EngineVersion": group.engine_version,
        "CacheClusterStatus": member.status,
        "NumCacheNodes": 1,
        "PreferredAvailabilityZone": member.zone,
        "CacheClusterCreateTime": member.created,
        "PreferredMaintenanceWindow": group.maintenance_window,
        "PendingModifiedValues": {},
        "CacheNodes": [_cache_node(node_group, member)] if with_nodes else None,
        "AutoMinorVersionUpgrade": True,
        "ReplicationGroupId": group.id,
        "SnapshotRetentionLimit": group.snapshot_retention,
        "SnapshotWindow": group.snapshot_window,
        "AuthTokenEnabled": group.auth_token,
        "TransitEncryptionEnabled": group.tls,
        "AtRestEncryptionEnabled": False,
        "ARN": f"arn:aws:elasticache:{group.region}:{ACCOUNT}:cluster:{member.id}",
        "ReplicationGroupLogDeliveryEnabled": False,
        "NetworkType": "ipv4",
        "IpDiscovery": "ipv4",
    }


def _cache_node(node_group: NodeGroup, member: Member) -> dict[str, Any]:
    return {
        "CacheNodeId": NODE_ID,
        "CacheNodeStatus": member.status,
        "CacheNodeCreateTime": member.created,
        "Endpoint": _endpoint(node_group.address(member)),
        "ParameterGroupStatus": "in-sync",
        "CustomerAvailabilityZone": member.zone,
    }


def _endpoint(address: tuple[str, int]) -> dict[str, Any]:
    return {"Address": address[0], "Port": address[1]}

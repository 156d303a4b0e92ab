"""What is done to a release of the Bitnami chart."""

from sandbox.kubernetes import Release


async def promote_another_pod(release: Release) -> None:
    """By hand, and the old master follows: the Service for writes selects that one for ever."""
    host, _, port = release.address("redis-replicas-0").rpartition(":")
    await release.command("redis-replicas-0", "REPLICAOF", "NO", "ONE")
    await release.command("redis-master-0", "REPLICAOF", host, port)

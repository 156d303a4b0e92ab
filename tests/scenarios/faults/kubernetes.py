"""What is done to a release of the Bitnami chart."""

from sandbox.kubernetes import Release, faults
from sandbox.kubernetes.api.resources import PODS
from sandbox.kubernetes.kubelet.status import is_ready


async def promote_another_pod(release: Release) -> None:
    """By hand, and the old master follows: the Service for writes selects that one for ever."""
    host, _, port = release.address("redis-replicas-0").rpartition(":")
    await release.command("redis-replicas-0", "REPLICAOF", "NO", "ONE")
    await release.command("redis-master-0", "REPLICAOF", host, port)


async def crash(release: Release) -> None:
    """The last pod ends as soon as it is started, again and again."""
    await faults.crash_loop(release, release.pod_names()[-1])


async def kill_for_memory(release: Release) -> None:
    """The kernel killed a replica for its memory; it is back."""
    pod = release.pod_names()[-1]
    await faults.out_of_memory(release, pod)
    await release.ready()


async def spoil_readiness(release: Release) -> None:
    pod = release.pod_names()[-1]
    await faults.unready(release, pod)
    await release.cluster.until(lambda: not is_ready(release.cluster.get(PODS, release.namespace, pod)))


async def silence_the_api(release: Release) -> None:
    await release.cluster.api.switch_off()


async def hang_the_master_pod(release: Release) -> None:
    (master,) = await release.masters()
    await faults.hang(release, master, "redis")

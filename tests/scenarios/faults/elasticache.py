"""What is done to a group in the local AWS, and to what AWS lets us ask."""

from tests.elasticache import Scene


async def change_the_group(scene: Scene) -> None:
    """Automatic failover is being turned off, and stays so."""
    scene.aws.hold()
    await scene.hands.elasticache.set_failover("disabled", "disabled")


async def fail_over(scene: Scene) -> None:
    """AWS is at it, and not done."""
    scene.aws.hold()
    await scene.hands.elasticache.test_failover("0001")


async def failed_over(scene: Scene) -> None:
    await scene.hands.elasticache.test_failover("0001")
    await scene.aws.settled()


async def swap_behind_aws(scene: Scene) -> None:
    """Another node is the master, and AWS does not know."""
    nodes = scene.group.node_groups[0].nodes
    await nodes.promote(1)
    await nodes.follow(0, 1)


async def two_masters_behind_aws(scene: Scene) -> None:
    await scene.group.node_groups[0].nodes.promote(1)


async def turn_failover_off(scene: Scene) -> None:
    await scene.hands.elasticache.set_failover("disabled", "disabled")
    await scene.aws.settled()


async def deny_everything(scene: Scene) -> None:
    scene.aws.faults.denied = {"DescribeReplicationGroups", "DescribeCacheClusters", "DescribeEvents"}


async def deny_events(scene: Scene) -> None:
    scene.aws.faults.denied = {"DescribeEvents"}


async def lose_primary_unnoticed(scene: Scene) -> None:
    """AWS has not noticed yet."""
    scene.aws.hold()
    await scene.aws.lose(scene.group, scene.member(1))


async def lose_replica_unnoticed(scene: Scene) -> None:
    scene.aws.hold()
    await scene.aws.lose(scene.group, scene.member(3))

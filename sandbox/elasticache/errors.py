"""AWS's errors, with their codes, HTTP statuses and sentences. No I/O here."""

from dataclasses import dataclass

from sandbox.elasticache.protocol import MODEL


@dataclass
class AwsError(Exception):
    """What AWS answers instead of a result; `sender` is false where the fault is Amazon's."""

    code: str
    message: str
    status: int = 400
    sender: bool = True

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def fault(shape: str, message: str) -> AwsError:
    """One of the service's own errors by its name in the service model, which gives code and status."""
    about = MODEL.shape_for(shape).metadata["error"]
    return AwsError(about["code"], message, about["httpStatusCode"])


def invalid_value(message: str) -> AwsError:
    """A parameter that cannot have this value."""
    return fault("InvalidParameterValueException", message)


def invalid_combination(message: str) -> AwsError:
    """Parameters that exclude each other, or what the group is."""
    return fault("InvalidParameterCombinationException", message)


def group_not_found(group_id: str) -> AwsError:
    """No such replication group in this region."""
    return fault("ReplicationGroupNotFoundFault", f"ReplicationGroup {group_id} not found.")


def cluster_not_found(cluster_id: str) -> AwsError:
    """No such cache cluster in this region."""
    return fault("CacheClusterNotFoundFault", f"CacheCluster not found: {cluster_id}")

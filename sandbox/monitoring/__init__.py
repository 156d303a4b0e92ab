"""A Prometheus, an Alertmanager and a redis_exporter of our own, with the rules and settings of deploy/prometheus."""

from sandbox.monitoring.chain import Firing, Monitoring
from sandbox.monitoring.programs import Programs, installed
from sandbox.monitoring.settings import Watched

__all__ = ["Firing", "Monitoring", "Programs", "Watched", "installed"]

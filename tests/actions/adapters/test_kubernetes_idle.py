"""The SDK of Kubernetes costs 58 MB: a target without it never loads it, and one with it only once it is asked."""

import subprocess
import sys

ASKS = """
import asyncio, sys
from actions.adapters import connect
from actions.kit.kubernetes.place import KubernetesPlace
from actions.kit.topology import Address, Kind, Target
place = KubernetesPlace("aragora", "redis", kubeconfig="nowhere")
async def main():
    plain = connect(Target("plain", Kind.REPLICATION, nodes=(Address("127.0.0.1", 1),)))
    await plain.observe()
    await plain.aclose()
    hands = connect(Target("orders", Kind.REPLICATION, kubernetes=place))
    print("kubernetes" in sys.modules)
    snapshot = await hands.observe()
    print("kubernetes" in sys.modules)
    print(snapshot.kubernetes.unasked.why)
    await hands.aclose()
asyncio.run(main())
"""


def test_the_sdk_is_loaded_when_the_first_question_is_asked():
    done = subprocess.run([sys.executable, "-c", ASKS], capture_output=True, text=True, timeout=120, check=True)
    before, after, said = done.stdout.splitlines()
    assert (before, after) == ("False", "True")
    assert said.startswith("Nothing says how to reach Kubernetes: nowhere cannot be used (")

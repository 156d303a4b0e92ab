"""The one node of the cluster: pods are real processes of this machine, each with an address of its own."""

"""Kubernetes: the only package that imports its SDK, and only once something is asked. ``Kubernetes`` is the way in."""

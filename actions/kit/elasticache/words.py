"""AWS's words that are compared with. No I/O here."""

AVAILABLE = "available"
"""The status of a group, a node group or a member that nothing is done to."""
ENABLED = "enabled"
DISABLED = "disabled"

"""Settings of running servers: which may be changed, what that costs, and the steps. Pure but for ``steps``."""

"""The flush of a target: what it is planned from, why not now, the plan, the steps."""

"""The repair of a split brain: which side is kept, why not now, the plan, the steps."""

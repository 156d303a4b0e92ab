"""What can be done: one module an action, all on the pure kit, all through the ports that the adapters fill."""

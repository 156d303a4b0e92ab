"""What stands in for the world in the demo, the drill and the tests: a local Slack and local Redis topologies."""

"""Alerts from outside become incidents: one message each, with what Tandem sees itself, kept up to date to its end."""

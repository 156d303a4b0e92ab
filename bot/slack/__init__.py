"""Slack as a view: what is typed and pressed comes in, messages go out. The only package that speaks to Slack."""

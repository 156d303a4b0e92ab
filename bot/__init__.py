"""The ways in: Slack, the terminal, HTTP; settings, policy, ledger, rendering and the composition root."""

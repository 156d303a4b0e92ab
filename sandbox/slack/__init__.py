"""A local Slack that speaks the real wire protocol to an unmodified Bolt app; used by the demo and by the tests.

It proves nothing about the real Slack: it is checked against the published schemas and against Bolt's own client.
"""

from sandbox.slack.browser import DemoButton
from sandbox.slack.deliver import Answer, Delivery
from sandbox.slack.messages import Message
from sandbox.slack.people import NoSuchControlError, Person
from sandbox.slack.server import LocalSlack
from sandbox.slack.views import View
from sandbox.slack.webapi import Call

__all__ = ["Answer", "Call", "Delivery", "DemoButton", "LocalSlack", "Message", "NoSuchControlError", "Person", "View"]

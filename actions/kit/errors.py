"""The one error tree: what can go wrong, and whether trying again can help. No I/O here.

TandemError                     a sentence for a person, always
├── UsageError                  the words are wrong: unknown target, action, option, value
├── SettingsError               the settings are wrong; names the file and the line
├── Refused                     a plan or a policy says no; carries every reason
├── JournalDown                 what a run does cannot be written down
├── Stopped                     a run is to stop before the step that it would begin now
└── ActionError                 something outside did not do what was asked
    ├── Temporary               the same call may go through later
    │   ├── Unreachable         no answer: timed out, closed, busy, loading
    │   │   └── Gone            the connection was refused: nothing listens there any more
    │   └── NotYet              answered, but what was waited for did not come about in time
    └── Permanent               asking again changes nothing
        ├── AccessDenied        NOAUTH, WRONGPASS, NOPERM, a certificate that is not trusted
        ├── CommandRefused      the server understood and refused
        ├── TooLate             what was to be stopped or undone has come about
        ├── Reverted            what could not be undone any more has come undone by itself
        ├── RescueFailed        no verified copy came about, and none lies under its name
        │   └── RescueDamaged   a copy is there, and is not what it was
        └── Garbled             the answer is not what this command answers
"""

from __future__ import annotations


class TandemError(Exception):
    """Base of all expected errors; ``str(error)`` is a sentence that a person can act on."""


class UsageError(TandemError):
    """The words are wrong: an unknown target, action, option or value. Says what is known instead."""


class SettingsError(TandemError):
    """The settings cannot be used. Names the file, the line where there is one, and the mend."""


class Refused(TandemError):  # noqa: N818 -- A refusal is an answer, not a fault.
    """Policy or plan says no.

    Args:
        reasons: every reason, a sentence each.
    """

    def __init__(self, *reasons: str) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


class JournalDown(TandemError):  # noqa: N818 -- Reads as what it is where it is caught.
    """What a run does cannot be written down: nothing new may begin, what is begun has to be made safe."""


class Stopped(TandemError):  # noqa: N818 -- Reads as what it is where it is caught.
    """Somebody wants the run to stop before its next step; says who or what."""


class ActionError(TandemError):
    """Something outside did not do what was asked."""


class Temporary(ActionError):  # noqa: N818 -- Reads as what it is where it is caught.
    """The same call may go through later."""


class Unreachable(Temporary):
    """No usable answer from a node or a Sentinel: refused, timed out, closed, busy, loading."""


class Gone(Unreachable):
    """The connection was refused: the process is gone, and with it all that it had in hand."""


class NotYet(Temporary):
    """What was waited for did not come about within its time."""


class Permanent(ActionError):  # noqa: N818 -- Reads as what it is where it is caught.
    """Asking again changes nothing."""


class AccessDenied(Permanent):
    """Authentication, authorisation or TLS trust failed."""


class CommandRefused(Permanent):
    """The server understood the command and refused it; the message holds its own words."""


class TooLate(Permanent):
    """What was to be stopped or undone has come about after all."""


class Reverted(Permanent):
    """A point of no return was passed, and what it did is seen to have come undone: the run can go back."""


class DataLost(TooLate):
    """A new master came back without what it was promoted with: nobody may throw his own copy away for it."""


class RescueFailed(Permanent):
    """No verified copy came about, and nothing lies under its name; says why and what to do."""


class RescueDamaged(RescueFailed):
    """A copy is there and is not what it was when it was taken."""


class Garbled(Permanent):
    """The answer is not what this command answers."""

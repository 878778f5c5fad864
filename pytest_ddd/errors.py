"""Every exception this package raises, as one tree.

DddError                      what is wrong, where, and `hint`: what to type next
+-- UsageError                a mistake in what the user typed (exit status 4)
|   +-- BaselineError         mistakes in baseline files, all of them at once
|   +-- UnknownTargetError    no such host, group or environment
+-- CannotLookError           could not look: the outcome is UNKNOWN, never green
|   +-- CommandTimeoutError   a command did not end in time and was killed
|   +-- OutputLimitError      a command printed more than may be kept
|   +-- UnreachableError      the host cannot be reached, or its connection is lost
|       +-- RefusedError      authentication or host key refused: a person has to act
+-- NotApplicableError        nothing is there, and the baseline allows that
+-- UntrustedError            a signature that nobody who is trusted has made
+-- RecordError               record, history or evidence could not be written (exit 76)
"""

from __future__ import annotations

from collections.abc import Sequence


class DddError(Exception):
    """Something went wrong that a person can mend.

    Args:
        message: what is wrong and where, in one sentence.
        hint: the next command to type or line to change; empty when there is none.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class UsageError(DddError):
    """What the user typed cannot be used; exit status 4, no traceback."""


class BaselineError(UsageError):
    """Mistakes in baseline files.

    Args:
        mistakes: one line each, `file:line: path: what is wrong`.
    """

    def __init__(self, mistakes: Sequence[str], *, hint: str = "") -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes), hint=hint)


class UnknownTargetError(UsageError):
    """No host, group or environment of that name."""


class CannotLookError(DddError):
    """A probe could not look; the check becomes UNKNOWN, never green."""


class CommandTimeoutError(CannotLookError):
    """A command did not end within its limit and was killed."""


class OutputLimitError(CannotLookError):
    """A command printed more bytes than may be kept."""


class UnreachableError(CannotLookError):
    """A host does not answer, or its connection was lost."""


class RefusedError(UnreachableError):
    """Authentication or host key was refused; the hint says which command helps."""


class NotApplicableError(DddError):
    """Nothing is there to look at, and the baseline allows that: the outcome is NOT_APPLICABLE."""


class UntrustedError(DddError):
    """Nobody who is trusted made a signature; the message has what ssh-keygen said."""


class RecordError(DddError):
    """Record, history or evidence could not be written; exit status 76."""

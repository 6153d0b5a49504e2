"""The exceptions that HCCResponseLib raises.

Every message is one or two sentences that a radiologist understands: it names the series or node,
says what was found, and says what to do.
"""

__all__ = ["Cancelled", "GeometryError", "HCCResponseError", "InputError"]


class HCCResponseError(Exception):
    """Base of all errors raised on purpose by HCCResponseLib."""


class InputError(HCCResponseError, ValueError):
    """An input cannot be used: wrong shape, too few samples, missing header field, wrong unit."""


class GeometryError(InputError):
    """Positions, orientations or spacings contradict each other or do not fit together."""


class Cancelled(HCCResponseError):
    """The user stopped a long computation; no result was written."""

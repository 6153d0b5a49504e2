"""Status codes that carry their explanation."""

from enum import IntEnum

__all__ = ["VoxelStatus"]


class VoxelStatus(IntEnum):
    """Base of the codes in the ``status`` arrays: members are written ``NAME = code, "explanation"``."""

    explanation: str

    def __new__(cls, code: int, explanation: str):
        """Make a member that is an int and carries its explanation."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.explanation = explanation
        return member

"""The command ``hccresponse``: whole jobs from files to files, in a terminal."""

from .main import main, parser

__all__ = ["main", "parser"]

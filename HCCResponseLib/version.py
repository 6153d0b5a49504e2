"""The version of HCCResponse, written into everything it exports."""

__all__ = ["__version__"]

__version__ = "0.1.0"

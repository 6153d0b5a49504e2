"""Treatment-response MRI of liver cancer: the library behind the HCCResponse modules of 3D Slicer.

Floors, top to bottom; each imports only from those below it:
``command``, ``scene`` / ``workflow``, ``report``, ``phantom``, ``dicom``, ``response``, ``statistics``, ``lesions``, ``quantification``,
and below them all the plain facts ``errors``, ``progress``, ``geometry`` and ``version``.
"""

from .version import __version__

__all__ = ["__version__"]

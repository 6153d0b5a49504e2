"""``python -m HCCResponseLib.command`` is ``hccresponse``."""

import sys

from .main import main

sys.exit(main())

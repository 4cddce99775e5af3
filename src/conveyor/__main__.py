"""`python -m conveyor`: the command line, also for `torchrun -m conveyor train …`."""

from __future__ import annotations

import sys

from conveyor.cli import main

if __name__ == "__main__":
    sys.exit(main())

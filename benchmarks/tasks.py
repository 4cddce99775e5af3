"""The bars of the tasks: forecasting (`tasks_forecast.py`) and sequences (`tasks_sequences.py`), each in a process.

    python benchmarks/tasks.py --data FOLDER [--seeds 3] [--peers PYTHON]

See those files for the sets that FOLDER holds and the packages that PYTHON's environment has.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PARTS = ("tasks_forecast.py", "tasks_sequences.py")


def main() -> int:
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__)
        return 0
    here = Path(__file__).parent
    return max(
        subprocess.run([sys.executable, str(here / part), *sys.argv[1:]], check=False).returncode
        for part in PARTS
        if (here / part).exists()
    )


if __name__ == "__main__":
    sys.exit(main())

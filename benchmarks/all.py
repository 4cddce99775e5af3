"""The whole table of targets: what conveyor is held to, measured here and now.

    python benchmarks/all.py [--threads 2] [--seconds 1] [--json FILE] [--compile] [ROW ...]

Rows are chosen by name; `--list` names them. Nothing is timed before its numbers are right. A product is measured
before and after each line: one during which the machine was not its usual self is measured again, and void in the end.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from conveyor.bench.session import Options, carry_out
from conveyor.errors import ConveyorError
from release.targets import ROWS, choose


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="names of rows; all of them without any")
    parser.add_argument("--threads", type=int, help="how many threads; as many as torch uses without it")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long the functions of a line run in turns")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all of it there as well")
    parser.add_argument("--force", action="store_true", help="overwrite that file")
    parser.add_argument("--compile", action="store_true", help="with the rows that wait minutes for torch.compile")
    parser.add_argument("--markdown", action="store_true", help="markdown on a terminal too")
    parser.add_argument("--list", action="store_true", help="name the rows and their bars")
    given = parser.parse_args(arguments)
    try:
        if given.list:
            for row in ROWS:
                missing = row.missing()
                print(f"{row.name:<20} {row.title}{f' (not here: {missing})' if missing else ''}")
                for target in row.targets:
                    print(f"{'':<20}   {target.text}")
            return 0
        options = Options(given.threads, given.seconds, "float32", given.json, given.force, given.markdown)
        rows = choose(given.rows, given.compile)
        return carry_out(rows, options, Console(), Console(file=sys.stderr, soft_wrap=True))
    except ConveyorError as error:
        print(f"all.py: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())

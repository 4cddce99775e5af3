"""`conveyor doctor`: tells what runs here, what does not and why, and whether compiled code is right.

facts    collects the facts
check    tries the compiled backend in a process of its own, which runs trial
report   the facts as text
"""

from conveyor.doctor.facts import Report, examine
from conveyor.doctor.report import as_text

__all__ = ["Report", "as_text", "examine"]

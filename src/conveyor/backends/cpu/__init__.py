"""The CPU backend: programs compiled through LLVM for the very machine that they run on.

recipe    what a program needs of a pass, forward and backward
joins     sums of products that are made as one
schedule  the order of work inside a step
vector    vectors and elementary functions in LLVM IR
gemm      the product kernels; packing brings matrices into their form
emit      a schedule as code
driver    the pass as code: chunks of steps, threads; waiting is how they wait for each other
target    which instructions this CPU has
compile   IR to code; disk keeps it
table     how code is told where its arrays are
room      memory and the jobs on it; frame lays out what a pass over sequences of one shape needs
memory    what passes work in, used again
threads   runs a pass on torch's threads; crowd tells whether others want the cores
sequence  the two passes
resident  one step after another, with the weights packed once
"""

from conveyor.backends.cpu.runtime.sequence import Kept, run_backward, run_forward
from conveyor.backends.cpu.runtime.step_executor import Resident
from conveyor.backends.lowering.passes import saved_nodes

__all__ = ["Kept", "Resident", "run_backward", "run_forward", "saved_nodes"]

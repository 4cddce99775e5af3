"""The CPU backend: programs compiled through LLVM for the very machine that they run on.

schedule  the order of work inside a step
vector    vectors and elementary functions in LLVM IR
gemm      the product kernel
emit      the time loop
target    which instructions this CPU has
compile   IR to code; disk keeps it
table     how code is told where its arrays are
pack      matrices as the kernel reads them
steps     runs a loop on tensors; threads splits the rows
recipe    what a program needs of the loop, forward and backward
sequence  the two passes; after is what follows the backward loop
"""

from conveyor.backends.cpu.sequence import Kept, run_backward, run_forward

__all__ = ["Kept", "run_backward", "run_forward"]

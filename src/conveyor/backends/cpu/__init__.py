"""The CPU backend: programs compiled by LLVM for the machine that they run on.

codegen       from lowered passes to machine code
runtime       compiled passes on tensors
memory_model  the memory use of the forward and backward pass
"""

from conveyor.backends.cpu.runtime.launch import Launch, Signature
from conveyor.backends.cpu.runtime.sequence import run_backward, run_forward
from conveyor.backends.lowering.passes import saved_nodes

__all__ = ["Launch", "Signature", "run_backward", "run_forward", "saved_nodes"]

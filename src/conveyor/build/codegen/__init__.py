"""From a plan to an object, by LLVM.

functions  elementary functions for a single row
emit       the step as LLVM IR, by emit_step and emit_loop
dot        products of 8-bit numbers
compile    from IR to an object, in a process of its own
"""

"""Code generation: from lowered passes to machine code by LLVM. No torch here.

isa             the instruction sets (ISA) of this CPU, and the register blocks for them
vector loops    vectors, elementary functions, loops and integers in LLVM IR
trigonometry    sine and cosine
gemm            the kernels of matrix products
panel_packing   the kernel that copies a matrix into panels
emit            LLVM IR for a schedule
argument_table  the argument table: the base, offset and strides of each array
few_rows        the loop for few rows: products and pointwise work together
scheduling/     the schedule of a pass: chunks of time steps, threads, stacks
compile         LLVM IR to machine code
code_cache      compiled code on disk
"""

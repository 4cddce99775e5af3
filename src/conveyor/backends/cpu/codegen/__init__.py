"""Code generation: from lowered passes to machine code by LLVM. No torch here.

isa             which instructions this CPU has, and what follows for registers
vector loops    vectors, elementary functions, loops and whole numbers in LLVM IR
gemm            the product kernels
panel_packing   the kernel that copies a matrix into panels
emit            a schedule as code
argument_table  the table that tells that code where its arrays are
few_rows        the loop for few rows: products and pointwise work together
scheduling/     the run of a pass: chunks of steps, threads, stacks
compile         IR to code
code_cache      compiled code on disk
"""

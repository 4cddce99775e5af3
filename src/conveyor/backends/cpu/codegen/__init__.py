"""From lowered passes to machine code, by LLVM. No torch here.

isa             which instructions this CPU has, and what follows for registers
vector loops    vectors, elementary functions, loops and whole numbers in LLVM IR
gemm            the product kernels
panel_packing   the kernel that copies a matrix into panels
emit            a schedule as code
argument_table  how that code is told where its arrays are
driver          the pass as code: chunks of steps, threads
few_rows        the loop for few rows: products and pointwise work together
task_scheduler  the passes of a stack in one function: directions at the same time, layers as a wavefront
barrier         how threads wait for each other
compile         IR to code
code_cache      compiled code on disk
"""

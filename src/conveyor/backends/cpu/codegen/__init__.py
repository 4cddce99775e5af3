"""From lowered passes to machine code, by LLVM. No torch here.

isa             which instructions this CPU has, and what follows for registers
vector loops    vectors, elementary functions, loops and whole numbers in LLVM IR
gemm            the product kernels
panel_packing   the kernel that copies a matrix into panels
emit            a schedule as code
argument_table  how that code is told where its arrays are
driver          the pass as code: chunks of steps, threads
barrier         how threads wait for each other
compile         IR to code
code_cache      compiled code on disk
"""

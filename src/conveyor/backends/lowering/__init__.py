"""Lowering of a program to the schedules of a pass, for every compiled backend. Neither LLVM nor torch here.

passes       what a program needs of a pass, forward and backward
schedule     the order of work inside a step: products, pointwise work, what needs a whole row
gemm_fusion  sums of products by several matrices, made as one product
array_names  what the arrays between two stretches of work are called
"""

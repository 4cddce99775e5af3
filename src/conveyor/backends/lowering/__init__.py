"""Lowering of a program to the schedules of a pass, for every compiled backend. Neither LLVM nor torch here.

passes       the schedules of a forward and a backward pass
schedule     the stages of a step: products, pointwise work, reductions
gemm_fusion  sums of products by several matrices, fused to one product
array_names  the names of the arrays between schedules
"""

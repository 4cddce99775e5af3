"""The lowering of a program to the work of a pass, for every compiled backend. Neither LLVM nor torch here.

passes       the lowered forward and backward pass
schedule     the stages of a time step: products, pointwise work, reductions over a row
gemm_fusion  the fusion of sums of matrix products into one product
array_names  the names of the arrays between schedules
"""

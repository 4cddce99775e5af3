"""From a network to the order of its work and the memory of its numbers. No torch and no LLVM here.

graph   a step as one graph of operations; lower makes it from a network
stages  the order of work: loops over units, level by level
tiling  how each loop runs on a target
pack    weights as loops read them: float32, bf16, int8
memory  where numbers lie in the state
plan    all of this together
"""

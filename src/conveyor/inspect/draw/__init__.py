"""Pictures and explanations of a trained layer, derived from its program.

`roles` names the role of each block of a cell, `walk` shows one real step in numbers, `text` colours a text by a unit,
`heat`, `memory` and `flow` are figures.
"""

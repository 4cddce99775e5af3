"""Pictures and walks of a trained layer, derived from its program.

`roles` says what each part of a cell is for, `walk` tells one real step in numbers, `text` colours a text by a unit,
`heat`, `memory` and `flow` are figures.
"""

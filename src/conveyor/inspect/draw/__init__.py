"""Pictures and stories of a trained layer, all of them derived from its program.

`roles` says what each part of a cell is for, `walk` tells one real step in numbers, `text` colours a text by a unit,
`heat`, `memory` and `flow` are figures.
"""

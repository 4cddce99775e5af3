"""From a table to windows of series.

`table` reads, `frequency` and `profile` say what was found, `panel` is the regular grid, `calendar` and `encode` make
numbers of it, `dataset` and `windows` cut it; `buffer` keeps the last steps of a stream.
"""

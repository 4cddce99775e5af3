"""The report on a trained layer: one page that needs no network, and the data and figures beside it.

`gather` collects what is measured, `page` sets it, `write` puts page, data and figures into a folder.
"""

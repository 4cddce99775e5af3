"""A program for readers.

equations  as plain text and LaTeX
diagram    as a picture
"""

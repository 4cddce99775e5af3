"""Canonical forms of equations, independent of the names and the order of their terms.

polynomials  values as polynomials of what the step reads and of functions of polynomials
linear       a polynomial as a pre-activation: matrices, weights and biases
"""

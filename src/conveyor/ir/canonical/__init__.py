"""Equations in one form, whatever they are called and in whatever order they stand.

polynomials  values as polynomials of what the step reads and of functions of polynomials
linear       a polynomial as a pre-activation: matrices, weights and biases
"""

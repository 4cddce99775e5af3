"""The canonical form of equations, independent of names and order.

polynomials  values as polynomials of the step's inputs and of functions of polynomials
linear       a polynomial as a pre-activation: matrices, weights and biases
"""

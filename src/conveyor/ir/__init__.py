"""The intermediate representation of a recurrence: one time step as a frozen list of operations. No torch here.

ops         the one table of operations: name, arity, derivative, text, LaTeX
types       types of values, inputs, parameters, nodes, results
printer     programs as text
verify      the executable definition of a well-formed program
program     programs, and the builder that makes one
parser      programs from their text
transforms  transforms and analyses of programs: backward program, plan, parameter layout
canonical   the canonical form of equations, by which they are compared
"""

"""The intermediate representation of a recurrence: one time step as a frozen list of operations. No torch here.

ops         the one table of operations: name, arity, derivative, text, LaTeX
types       types of values, inputs, parameters, nodes, results
printer     programs as text
verify      the executable definition of a well-formed program
program     programs, and the builder that makes one
parser      programs from their text
transforms  programs made from programs, and what is worked out from one: backward program, plan, parameter layout
canonical   equations in one form, so that they can be compared by what they say
"""

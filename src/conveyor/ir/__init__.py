"""The intermediate representation of a recurrence: one time step as a frozen list of operations. No torch here.

ops         the one table of operations: name, arity, derivative, text, LaTeX
program     values, nodes, programs, and the builder that makes one
verify      the executable definition of a well-formed program
text        programs as text, and back
transforms  programs made from programs, and what is worked out from one: backward program, plan, parameter layout
canonical   equations in one form, so that they can be compared by what they say
"""

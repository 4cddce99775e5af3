"""The recurrent operators of other libraries, found in a program's equations alone.

activations  the functions that those operators know, found in equations and written as equations
recognise    whether a program computes what one of the operators does
"""

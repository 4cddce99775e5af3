"""Records of the values that layers compute inside a call.

recorder  saves the values inside calls
record    records of a layer or a model
trace     every named value at every step
tables    traces as tables
"""

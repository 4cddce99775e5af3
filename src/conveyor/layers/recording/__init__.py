"""Records of the named values that layers compute inside a call.

recorder  the recorder of named values
record    records of a layer or a model
trace     every named value at every time step
tables    traces as tables
"""

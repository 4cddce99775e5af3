"""The table of targets that every release is held to, and what only it needs.

targets     the table, a row a claim
cells       every other built-in cell, beside our own LSTM of the same size
user        a user's cell, beside the best plain loop; user_cell is that cell
steps       single steps; onnx_step is a peer of theirs
end_to_end  what a run as a whole costs; process runs what needs a process of its own
"""

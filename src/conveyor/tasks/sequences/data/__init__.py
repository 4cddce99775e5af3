"""From files and arrays to a collection of sequences and its parts; `reading` finds the reader of a file."""

"""Long sequences in pieces: truncated backpropagation through time, and contiguous streams."""

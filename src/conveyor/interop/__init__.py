"""Weights and cells in and out: other libraries' layers, their weight orders, and conveyor's own files."""

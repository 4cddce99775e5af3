"""Weights and models in and out: files and modules of other libraries."""

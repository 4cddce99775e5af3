"""Look inside a layer."""

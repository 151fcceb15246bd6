"""Media providers, one module each."""

"""Keys that prove who acts, and how much one may do."""

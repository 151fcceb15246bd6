"""The proofs, laid out as the tree they prove; see CONTRIBUTING for the kinds."""

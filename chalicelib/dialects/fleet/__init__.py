"""What media workers tell the control plane, and ask of it: no public API."""

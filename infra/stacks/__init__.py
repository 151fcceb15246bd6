"""The CDK stacks: each only composes components from the values in the wiring."""

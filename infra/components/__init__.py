"""The constructs that the stacks compose, one kind of resource per module.

May import the wiring and aws_cdk; knows no stack.
"""

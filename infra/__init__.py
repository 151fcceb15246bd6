"""How Parley is put together: the wiring, and the CDK and laptop stacks built from it.

May import anything of the product; nothing of the product imports it.
"""

"""The table brought back by point-in-time recovery, and looked at before it is used.

``table`` asks DynamoDB, ``findings`` looks at what came back. May import the product's
adapters, for it reads their items.
"""

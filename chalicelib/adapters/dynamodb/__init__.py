"""The repositories in one DynamoDB table, through pynamodb.

``rows`` says what an item looks like, ``calls`` and ``lanes`` read and write them.
"""

"""``python -m infra.demo``: calls between people on the running stack.

Each scene is a call that ends in its own way, through one dialect or from one to
another; then its webhooks are shown as the business received and verified them. The
last is a session of Active Call. The exit status tells whether all of it happened.
"""

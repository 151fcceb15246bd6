"""A receiver of webhooks: the standard library, and `standardwebhooks`."""

"""Receivers of webhooks to begin from: one in Python, one in TypeScript."""

"""Use cases over ports: one function of the business each, none of its plumbing.

Imports the domain and the protocol; adapters implement the ports.
"""

"""The public APIs: one folder each, a thin translation of one domain.

``routes.py`` identifies, parses, calls one service and renders; ``wire.py`` is
pure and never imports Chalice. Dialects never import each other.
"""

"""The control plane: calls, who may touch them, and how the world hears of them.

Layers, each importing only what stands after it:
``dialects | triggers > bootstrap > adapters > services > domain > protocol``.
"""

"""A voice agent: it greets, hears, answers, and lets itself be interrupted.

``python -m examples.agent`` talks with a recording of a person, or with you;
``python -m examples.agent --phone`` with whoever calls ``sip:agent@…``.
"""

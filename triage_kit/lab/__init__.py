"""Throwaway PostgreSQL servers and practice incidents whose truth is known.

``server`` starts and stops a real server, ``incidents`` fills it with a story and says what is true of it, ``demo``
writes the case folder that any other case would have.
"""

"""The scoreboard: practice incidents rebuilt, looked at with different eyes, and judged against what is true of them.

``python -m triage_kit.score`` rebuilds every incident on every major that is found, collects it as each view, draws the
conclusions and compares them with the truth; nothing else in the package needs it.
"""

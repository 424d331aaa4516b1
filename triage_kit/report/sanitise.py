"""The net below the escaping: what a page may contain, whatever an output holds.

nh3 removes what is not listed. Text was escaped before it came here; this catches a forgotten value, a hand-written
notebook and foreign markup in an output.
"""

from __future__ import annotations

import nh3

# fmt: off
TEXT = {
    "a", "abbr", "b", "bdi", "blockquote", "br", "caption", "code", "col", "colgroup", "dd", "del", "details", "div",
    "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "ins", "kbd", "li", "mark",
    "ol", "p", "pre", "q", "s", "section", "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td",
    "tfoot", "th", "thead", "time", "tr", "tt", "u", "ul", "wbr",
}
DRAWING = {
    "svg", "g", "path", "polygon", "polyline", "ellipse", "circle", "rect", "line", "text", "tspan", "title", "desc",
    "defs", "clipPath", "linearGradient", "stop",
}
SHAPE = {
    "class", "id", "d", "points", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry", "dx", "dy",
    "width", "height", "viewBox", "preserveAspectRatio", "transform", "fill", "stroke", "stroke-width",
    "stroke-dasharray", "stroke-linejoin", "stroke-linecap", "stroke-opacity", "fill-opacity", "fill-rule", "opacity",
    "text-anchor", "dominant-baseline", "font-family", "font-size", "font-weight", "font-style", "clip-path",
    "offset", "stop-color", "xml:space",
}
# fmt: on
PLAIN = {"class", "id", "title", "dir", "lang", "role", "aria-label", "tabindex"}
ATTRIBUTES = {
    "*": PLAIN,
    "a": {"href"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "time": {"datetime"},
    "details": {"open"},
    "ol": {"start"},
}


def html(markup: str) -> str:
    """The markup with text elements only; links lead to places in the page.

    >>> html('<p onclick="x()">a<script>y()</script> <a href="https://e.org">b</a> <a href="#E3">c</a></p>')
    '<p>a <a>b</a> <a href="#E3">c</a></p>'
    """
    return nh3.clean(markup, tags=TEXT, attributes=ATTRIBUTES, attribute_filter=_local, link_rel=None)


def svg(markup: str) -> str:
    """The drawing with shapes, text and titles only.

    >>> svg('<svg viewBox="0 0 9 9" onload="x()"><title>t</title><script>y()</script></svg>')
    '<svg viewBox="0 0 9 9"><title>t</title></svg>'
    """
    shapes = dict.fromkeys(DRAWING, SHAPE)
    return nh3.clean(markup, tags=DRAWING, attributes=shapes, attribute_filter=_local, link_rel=None)


def _local(element: str, attribute: str, value: str) -> str | None:
    """The value of an attribute, or None when it would lead out of the page."""
    if attribute in ("href", "clip-path"):
        return value if value.startswith(("#", "url(#")) else None
    return value

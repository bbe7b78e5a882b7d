#!/usr/bin/env python3
"""Draws the pictures of the documentation: docs/pictures/NAME.txt becomes NAME.svg beside it.

    tools/draw.py            draws all of them
    tools/draw.py --check    fails if one differs from its text; a test runs this

A text has one thing a line; lengths are pixels, and `#` begins a comment:
    size WIDTH HEIGHT
    frame X Y WIDTH HEIGHT TITLE               what holds others
    box   NAME X Y WIDTH HEIGHT KIND TITLE     KIND: spout, bolt, daemon or other
    arrow NAME NAME [TITLE]                    from the edge of one box to that of the other
    note  X Y TEXT
A title may have several lines, with `|` between them.
"""
import html
import pathlib
import sys

PICTURES = pathlib.Path(__file__).resolve().parent.parent / "docs" / "pictures"
LINE = 15  # Between the lines of a title.
STYLE = """
svg { font: 12px system-ui, sans-serif; background: #fff }
text { fill: #1f2933; text-anchor: middle }
.left { text-anchor: start } .small { font-size: 11px; fill: #52606d }
rect { stroke: #52606d; stroke-width: 1.2; fill: #f5f7fa }
.frame { fill: none; stroke: #9aa5b1; stroke-dasharray: 5 4 }
.spout { fill: #d3f0e0 } .bolt { fill: #d6e6fb } .daemon { fill: #fdeccb }
line { stroke: #52606d; stroke-width: 1.3; marker-end: url(#head) } #head path { fill: #52606d }
@media (prefers-color-scheme: dark) {
svg { background: #161b22 } text { fill: #e6edf3 } .small { fill: #9aa5b1 } rect { fill: #21262d }
.frame { fill: none } .spout { fill: #12432d } .bolt { fill: #12355b } .daemon { fill: #553c10 }
line { stroke: #9aa5b1 } #head path { fill: #9aa5b1 } }
"""


def text(x, y, title, style=""):
    lines = title.split("|")
    top = y - LINE * (len(lines) - 1) / 2
    for i, line in enumerate(lines):
        yield (f'<text class="{style}" x="{x:g}" y="{top + i * LINE:g}">'
               f"{html.escape(line.strip())}</text>")


def edge_of(box, toward):
    """Where the line from the middle of `box` to that of `toward` leaves `box`, and 3 px beyond."""
    x, y, width, height = box
    middle = (x + width / 2, y + height / 2)
    dx = toward[0] + toward[2] / 2 - middle[0]
    dy = toward[1] + toward[3] / 2 - middle[1]
    share = min((width / 2 + 3) / abs(dx) if dx else 9, (height / 2 + 3) / abs(dy) if dy else 9)
    return middle[0] + dx * share, middle[1] + dy * share


def svg_of(description):
    boxes, shapes, size = {}, [], (100, 100)
    for line in description.splitlines():
        what, *rest = line.split("#")[0].split(None, 1) or [""]
        if what == "size":
            size = tuple(map(int, rest[0].split()))
        elif what == "frame":
            *numbers, title = rest[0].split(None, 4)
            x, y, width, height = map(int, numbers)
            shapes.append(f'<rect class="frame" x="{x}" y="{y}" width="{width}" '
                          f'height="{height}" rx="6"/>')
            shapes += text(x + 10, y + 17, title, "small left")
        elif what == "box":
            name, *numbers, kind, title = rest[0].split(None, 6)
            x, y, width, height = boxes[name] = tuple(map(int, numbers))
            shapes.append(f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" '
                          f'height="{height}" rx="5"/>')
            shapes += text(x + width / 2, y + height / 2 + 4, title)
        elif what == "arrow":
            source, target, title = (rest[0].split(None, 2) + [""])[:3]
            x1, y1 = edge_of(boxes[source], boxes[target])
            x2, y2 = edge_of(boxes[target], boxes[source])
            shapes.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')
            if title:
                shapes += text((x1 + x2) / 2, (y1 + y2) / 2 - 6, title, "small")
        elif what == "note":
            x, y, title = rest[0].split(None, 2)
            shapes += text(int(x), int(y), title, "small left")
        elif what:
            raise ValueError(f"no such thing: {what}")
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" '
        f'width="{size[0]}" height="{size[1]}">', f"<style>{STYLE}</style>",
        '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 L10 5 L0 10 z"/></marker></defs>',
        *shapes, "</svg>", ""])


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    stale = 0
    for source in sorted(PICTURES.glob("*.txt")):
        drawing = source.with_suffix(".svg")
        wanted = svg_of(source.read_text())
        if not sys.argv[1:]:
            drawing.write_text(wanted)
        elif not drawing.is_file() or drawing.read_text() != wanted:
            print(f"{drawing.relative_to(PICTURES.parent.parent)} is not what its text says; "
                  "run tools/draw.py")
            stale += 1
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())

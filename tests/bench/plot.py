# SPDX-License-Identifier: BSD-3-Clause
"""Plots of the results as SVG: plots(results) gives {file name: text}. The same results make the same text."""
from xml.sax.saxutils import escape

import idle
import scenarios

COLOURS = ("#888888", "#0072b2", "#d55e00", "#009e73", "#cc79a7")
WIDTH, LEFT, RIGHT, TOP = 760, 170, 60, 58
BAR, GAP = 14, 12
COST = ("bridge-1", "bridge-1k", "bridge-100k", "bridge-1k-macs", "bridge-100k-macs", "vhost")
SIZES = (64, 256, 512, 1518)


def text(x, y, what, anchor="start", size=12):
    return '<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d">%s</text>' % (x, y, anchor, size, escape(what))


def line(x1, y1, x2, y2, colour="#444444", width=1.0):
    return '<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%.1f"/>' % (x1, y1, x2, y2, colour, width)


def rect(x, y, width, height, colour):
    return '<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>' % (x, y, width, height, colour)


def drawing(height, title, labels, parts):
    head = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" fill="#222222">' % (WIDTH, height),
            rect(0, 0, WIDTH, height, "#ffffff"), text(10, 22, title, size=15)]
    x = 10
    for label, colour in labels.items():
        head += [rect(x, 34, 11, 11, colour), text(x + 16, 44, label)]
        x += 30 + 7 * len(label)
    return "\n".join(head + parts + ["</svg>"]) + "\n"


def ticks(top):
    """Some round numbers from 0 to a little above `top`."""
    step = 10.0 ** (len(str(int(top))) - 1)
    step = next(s for s in (step / 5, step / 2, step, step * 2) if top / s <= 8)
    return [i * step for i in range(int(top / step) + 2)]


def bars(title, groups):
    """Groups {name: {label: summary}} of horizontal bars, with a thin line from the smallest to the largest round."""
    labels = {}
    for rows in groups.values():
        for label in rows:
            labels.setdefault(label, COLOURS[len(labels) % len(COLOURS)])
    marks = ticks(max(row["max"] for rows in groups.values() for row in rows.values()))
    scale = (WIDTH - LEFT - RIGHT) / marks[-1]
    parts, y = [], TOP + 6
    for name, rows in groups.items():
        parts.append(text(LEFT - 8, y + BAR * len(rows) / 2 + 4, name, "end"))
        for label, row in rows.items():
            middle = y + BAR / 2
            parts += [rect(LEFT, y, row["median"] * scale, BAR - 2, labels[label]),
                      line(LEFT + row["min"] * scale, middle - 1, LEFT + row["max"] * scale, middle - 1),
                      text(LEFT + row["max"] * scale + 5, middle + 3, "%.0f" % row["median"], size=10)]
            y += BAR
        y += GAP
    grid = [line(LEFT + m * scale, TOP, LEFT + m * scale, y, "#dddddd", 0.7) for m in marks]
    grid += [text(LEFT + m * scale, y + 14, "%g" % m, "middle", 10) for m in marks]
    return drawing(y + 24, title, labels, grid + parts)


def curves(title, places, series, height=300):
    """Series {label: [summary or None at each place]} over places [name], with a mark from the smallest to the largest."""
    labels = {label: COLOURS[i % len(COLOURS)] for i, label in enumerate(series)}
    marks = ticks(max(row["max"] for rows in series.values() for row in rows if row))
    bottom, scale = height - 34, (height - 34 - TOP - 6) / marks[-1]
    xs = [LEFT / 2 + i * (WIDTH - LEFT / 2 - RIGHT) / max(1, len(places) - 1) for i in range(len(places))]
    parts = [line(LEFT / 2, bottom - m * scale, WIDTH - RIGHT, bottom - m * scale, "#dddddd", 0.7) for m in marks]
    parts += [text(LEFT / 2 - 8, bottom - m * scale + 4, "%g" % m, "end", 10) for m in marks]
    parts += [text(x, bottom + 18, place, "middle") for x, place in zip(xs, places)]
    for label, rows in series.items():
        points = [(x, row) for x, row in zip(xs, rows) if row]
        parts.append('<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/>' % (
            labels[label], " ".join("%.1f,%.1f" % (x, bottom - row["median"] * scale) for x, row in points)))
        parts += [line(x, bottom - row["min"] * scale, x, bottom - row["max"] * scale, labels[label], 4) for x, row in points]
    return drawing(height, title, labels, parts)


def figures_of(results, name, unit):
    return results["scenarios"].get(name, {}).get("figures", {}).get(unit, {})


def plots(results):
    """Only those whose scenarios are in the results."""
    made = {}
    groups = {name: figures_of(results, name, scenarios.CYCLES) for name in COST}
    groups = {name: rows for name, rows in groups.items() if rows}
    if groups:
        made["bench-cost.svg"] = bars("Cycles per packet, 64-byte frames, one core", groups)
    names = ["bridge-1k" + ("" if size == 64 else "-%d" % size) for size in SIZES]
    rows = [figures_of(results, name, scenarios.CYCLES) for name in names]
    if all(rows):
        made["bench-sizes.svg"] = curves("Cycles per packet by frame size in bytes, 1000 flows", list(map(str, SIZES)), {
            label: [r.get(label) for r in rows] for label in rows[0]})
    busy = figures_of(results, "idle-ports", idle.BUSY)
    if busy:
        made["bench-idle.svg"] = curves("Cycles per packet of a busy port beside idle guests", list(busy), {"Sluice bridge": list(busy.values())}, 240)
    return made

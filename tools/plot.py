"""The charts in docs/, drawn without a library: SVG text that is the same for the same numbers."""
import math


def svg(xname, yname, series, log):
    """A plain line chart: axes from 0 (x: decades if log), a word at the end of each line."""
    w, h, left, bottom, top, right = 560, 320, 60, 45, 15, 110
    at = (lambda x: math.log10(x)) if log else (lambda x: x)
    xs = [at(x) for _, p in series for x, _ in p]
    most = max(y for _, p in series for _, y in p) * 1.1 or 1.0
    lo, hi = (min(xs), max(xs)) if log else (0, max(xs))
    px = lambda x: left + (at(x) - lo) / (hi - lo) * (w - left - right)
    py = lambda y: h - bottom - y / most * (h - bottom - top)
    o = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" font-family="sans-serif" font-size="11">',
         f'<rect width="{w}" height="{h}" fill="white"/>',
         f'<path d="M{left} {top}V{h - bottom}H{w - right}" fill="none" stroke="#333"/>']
    free = 0  # where the next word under the axis may begin
    for x in sorted({x for _, p in series for x, _ in p}):
        if px(x) < free:
            continue
        free = px(x) + 7 * len(f"{x:,}") + 6
        o.append(f'<text x="{px(x):.1f}" y="{h - bottom + 15}" text-anchor="middle">{x:,}</text>')
    step = 10 ** math.floor(math.log10(most / 2))
    step *= next(m for m in (1, 2, 5, 10) if most / (step * m) <= 6)
    for i in range(int(most / step) + 1):
        o.append(f'<path d="M{left} {py(i * step):.1f}H{w - right}" stroke="#ddd"/>'
                 f'<text x="{left - 6}" y="{py(i * step) + 4:.1f}" text-anchor="end">{i * step:g}</text>')
    ends = []
    for (name, p), colour in zip(series, ("#1f5fa8", "#c0392b", "#2e8b57")):
        o.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="'
                 + " ".join(f"{px(x):.1f},{py(y):.1f}" for x, y in p) + '"/>')
        o += [f'<circle cx="{px(x):.1f}" cy="{py(y):.1f}" r="3" fill="{colour}"/>' for x, y in p]
        end = py(p[-1][1]) + 4
        while any(abs(end - other) < 12 for other in ends):
            end -= 12
        ends.append(end)
        o.append(f'<text x="{px(p[-1][0]) + 8:.1f}" y="{end:.1f}" fill="{colour}">{name}</text>')
    o.append(f'<text x="{(left + w - right) / 2}" y="{h - 8}" text-anchor="middle">{xname}</text>')
    o.append(f'<text transform="translate(14 {(h - bottom + top) / 2}) rotate(-90)" text-anchor="middle">{yname}</text></svg>\n')
    return "\n".join(o)

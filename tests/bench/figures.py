# SPDX-License-Identifier: BSD-3-Clause
"""The bench's arithmetic: accounts that must close, medians of rounds, and what the devices of a round are beside its floor."""
import statistics


class Ledger(Exception):
    """What went in did not come out and was not accounted for: there is no figure."""


def close(what, total, parts):
    """Raises Ledger, with all the numbers, unless the parts ({name: packets}) add up to the total, a pair (name, packets)."""
    if total[1] != sum(parts.values()):
        rows = [total] + sorted(parts.items()) + [("not accounted for", total[1] - sum(parts.values()))]
        raise Ledger("%s: the accounts do not close\n" % what + "\n".join("  %-24s %20d" % row for row in rows))


def summary(values, floor=None):
    """Median, smallest and largest of the rounds. With the floor's rounds also the medians of the differences to it and of
    the ratios, each taken within a round, as what disturbs a round disturbs all of it."""
    row = {"median": statistics.median(values), "min": min(values), "max": max(values), "runs": values}
    if floor is not None:
        row["above"] = statistics.median(v - f for v, f in zip(values, floor))
        row["ratio"] = statistics.median(v / f for v, f in zip(values, floor))
    return row


def highest(passes, top, precision=0.01):
    """The highest rate up to `top` at which passes(rate), to that precision, or None if there is none above top/1000."""
    if passes(top):
        return top
    low, high = 0.0, top
    while high - low > precision * high and high > top / 1000:
        middle = (low + high) / 2
        if passes(middle):
            low = middle
        else:
            high = middle
    return low or None


def line_rate_cycles(size, tsc_hz, gbps=10):
    """Cycles that a packet may take at line rate; `size` with FCS, on the wire come 20 bytes of preamble and gap."""
    return tsc_hz * (size + 20) * 8 / (gbps * 1e9)


def missed(scenario, target, rows):
    """None, or one line that says by how much the figures ({unit: {device: summary}}) miss a target."""
    row = rows.get(target.unit, {}).get(target.device)
    if row is None:
        return "%s: %s was not measured" % (scenario, target.device)
    got = row[target.of]
    if (got <= target.limit) if target.at_most else (got >= target.limit):
        return None
    what = {"above": "%+.1f %s above the floor", "ratio": "%.2f times the floor in %s", "median": "%.1f %s"}[target.of] % (got, target.unit)
    return "%s, %s: %s, not %s %g" % (scenario, target.device, what, "at most" if target.at_most else "at least", target.limit)

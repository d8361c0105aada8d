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

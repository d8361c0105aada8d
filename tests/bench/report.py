# SPDX-License-Identifier: BSD-3-Clause
"""Results as text: the tables of a run, and those in the documents.

In a document, what stands between `<!-- bench: NAME -->` and `<!-- bench end -->` is written from the results: tables() has
the names. `./dev bench --write-docs` does it, and a test says when a document and docs/bench.json differ.
"""
import re

DOCUMENTS = ("README.md", "docs/performance.md")
RESULTS = "docs/bench.json" # of the run that the documents show
PLACE = re.compile(r"(<!-- bench: ([a-z0-9-]+) -->\n).*?(<!-- bench end -->)", re.S)
IO, SLUICE, OVS = "testpmd io", "Sluice bridge", "OVS-DPDK NORMAL"


def number(value):
    return "%.0f" % value if value >= 1000 else "%.3g" % value if value >= 100 else "%.1f" % value


def beside(row):
    return number(row["median"]) + (" (%+.*f)" % (0 if abs(row["above"]) >= 100 else 1, row["above"]) if "above" in row else "")


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def headline(results):
    rows = []
    for name in ("bridge-1k", "bridge-100k", "bridge-1k-macs", "bridge-100k-macs", "vhost"):
        scenario = results["scenarios"].get(name)
        if scenario:
            d = scenario["devices"]
            rows.append([scenario["text"], number(d[IO]["median"]), "**%s**" % beside(d[SLUICE]), beside(d[OVS]) if OVS in d else ""])
    return table(["cycles per packet (in brackets: above io)", "testpmd io", "Sluice", "OVS-DPDK"], rows)


def every(results):
    parts = []
    for name, scenario in results["scenarios"].items():
        compared = any("above" in row for row in scenario["devices"].values())
        rows = []
        for label, r in scenario["devices"].items():
            row = [label, number(r["median"]), "%s ... %s" % (number(r["min"]), number(r["max"]))]
            rows.append(row + (["%+.1f" % r["above"], "%.2f" % r["ratio"]] if compared else []))
        rows += [[label, "skipped: " + why] + [""] * (3 if compared else 1) for label, why in scenario["skipped"].items()]
        parts.append("**%s**: %s\n\n" % (name, scenario["text"]) + table([scenario["unit"], "median", "range"] +
                     (["above io", "x io"] if compared else []), rows))
    return "\n\n".join(parts)


def measured_on(results):
    m = results["machine"]
    return ("Measured on %s, %d CPUs, TSC at %.1f GHz, Linux %s, DPDK %s, OVS %s; Sluice %s; %d rounds of %g s." %
            (m["cpu"], m["cpus"], m["tsc_hz"] / 1e9, ".".join(m["kernel"].split(".")[:2]), m["dpdk"] or "none", m["ovs"] or "none", m["commit"] or "unknown",
             results["rounds"], results["seconds"]))


TABLES = {"headline": headline, "every": every, "machine": measured_on}


def rewritten(text, results):
    """The document with its tables made anew."""
    return PLACE.sub(lambda m: m.group(1) + "\n" + TABLES[m.group(2)](results) + "\n\n" + m.group(3), text)


def console(name, scenario):
    compared = any("above" in row for row in scenario["devices"].values())
    lines = ["", "%s: %s" % (name, scenario["text"]),
             "  %-26s %8s %8s %8s" % (scenario["unit"], "median", "min", "max") + (" %10s %8s" % ("above io", "x io") if compared else "")]
    for label, r in scenario["devices"].items():
        lines.append("  %-26s %8.1f %8.1f %8.1f" % (label, r["median"], r["min"], r["max"]) +
                     (" %+10.1f %8.2f" % (r["above"], r["ratio"]) if compared else ""))
    lines += ["  %-26s skipped: %s" % item for item in scenario["skipped"].items()]
    return "\n".join(lines)

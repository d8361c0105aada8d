# SPDX-License-Identifier: BSD-3-Clause
"""Results as text: the tables of a run, and those in the documents.

In a document, what stands between `<!-- bench: NAME -->` and `<!-- bench end -->` is written from the results: TABLES has
the names. `./dev bench all --write-docs` does it, and a test says when a document and docs/bench.json differ.
"""
import json
import re

import figures
import scenarios

DOCUMENTS = ("README.md", "docs/performance.md")
RESULTS = "docs/bench.json" # of the run that the documents show
PLACE = re.compile(r"(<!-- bench: ([a-z0-9-]+) -->\n).*?(<!-- bench end -->)", re.S)
HEADLINE = ("bridge-1k", "bridge-100k", "bridge-1k-macs", "bridge-100k-macs", "route4-256", "route4-1k", "route4-100k",
            "flows-1k-rules", "flows-100k", "vhost")


def number(value):
    return "%.0f" % value if abs(value) >= 100 else "%.1f" % value if abs(value) >= 10 else "%.2f" % value


def beside(row):
    """A figure with, in brackets, what it is above the floor."""
    return number(row["median"]) + (" (%+.*f)" % (0 if abs(row["above"]) >= 100 else 1, row["above"]) if "above" in row else "")


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def costs(results):
    """{name: ({label: summary}, result)} of what is compared with testpmd io in cycles per packet."""
    found = {}
    for name, result in results["scenarios"].items():
        rows = result["figures"].get(scenarios.CYCLES, {})
        if scenarios.IO in rows:
            found[name] = (rows, result)
    return found


def cells(rows, ours="%s"):
    """testpmd, Sluice, OVS of a row of figures."""
    def of(brand, form="%s"):
        got = [form % beside(r) for label, r in rows.items() if label.startswith(brand)]
        return ", ".join(got)
    return [number(rows[scenarios.IO]["median"]), of("Sluice", ours), of("OVS")]


def headline(results):
    found = costs(results)
    rows = [[found[name][1]["text"]] + cells(found[name][0], ours="**%s**") for name in HEADLINE if name in found]
    return table(["cycles per packet (above testpmd io)", "testpmd io", "Sluice", "OVS-DPDK"], rows)


def cost(results):
    rows = [[name, result["text"]] + cells(devices) for name, (devices, result) in costs(results).items()]
    reasons = {}
    for name, result in results["scenarios"].items():
        for label, why in result["skipped"].items():
            reasons.setdefault((label, why), []).append(name)
    left_out = ["Without %s, as %s: %s." % (label, why, ", ".join(names)) for (label, why), names in reasons.items()]
    return "\n\n".join([table(["scenario", "what", "testpmd io", "Sluice", "OVS-DPDK"], rows)] + left_out)


def ranged(row):
    ratio = ", x %.2f" % row["ratio"] if row.get("ratio", 1.0) != 1.0 else ""
    same = row["min"] == row["max"]
    return number(row["median"]) + ("" if same else " (%s ... %s)" % (number(row["min"]), number(row["max"]))) + ratio


def others(results):
    """Every figure that is not in the table of costs, with its range and its ratio to the floor."""
    parts, told = [], costs(results)
    for name, result in results["scenarios"].items():
        units = {u: rows for u, rows in result["figures"].items() if name not in told or u != scenarios.CYCLES}
        if units:
            labels = dict.fromkeys(label for rows in units.values() for label in rows)
            lines = [[label] + [ranged(rows[label]) if label in rows else "" for rows in units.values()] for label in labels]
            parts.append("**%s**: %s\n\n" % (name, result["text"]) + table([""] + list(units), lines))
    return "\n\n".join(parts)


def asked(target):
    sign = "at most" if target.at_most else "at least"
    return {"above": "%s %+g %s above the floor", "ratio": "%s %g times the floor in %s", "median": "%s %g %s"}[target.of] % (
        sign, target.limit, target.unit)


def targets(results):
    rows = []
    for s in scenarios.ALL:
        result = results["scenarios"].get(s.name, {"figures": {}})
        for t in s.targets:
            row = result["figures"].get(t.unit, {}).get(t.device)
            met = "" if row is None else "yes" if figures.missed(s.name, t, result["figures"]) is None else "**no**"
            rows.append([s.name, t.device, asked(t), "" if row is None else "%+.1f" % row["above"] if t.of == "above" else number(row[t.of]), met])
    return table(["scenario", "device", "target", "measured", "met"], rows)


def measured_on(results):
    m = results["machine"]
    disturbed = sorted(name for name, result in results["scenarios"].items() if result["disturbed_used"])
    return ("Measured on an %s (family %s, model %s, microcode %s), %d CPUs, TSC at %.1f GHz, Linux %s, DPDK %s, OVS %s; Sluice %s; medians of %d "
            "rounds of %g s." % (m["cpu"], m["family"], m["model"], m["microcode"], m["cpus"], m["tsc_hz"] / 1e9,
                                 ".".join(m["kernel"].split(".")[:2]), m["dpdk"] or "none", m["ovs"] or "none", m["commit"] or "unknown",
                                 results["rounds"], results["seconds"]) +
            (" The machine was disturbed in: %s." % ", ".join(disturbed) if disturbed else ""))


TABLES = {"headline": headline, "cost": cost, "others": others, "targets": targets, "machine": measured_on}


def rewritten(text, results):
    """The document with its tables made anew."""
    return PLACE.sub(lambda m: m.group(1) + "\n" + TABLES[m.group(2)](results) + "\n\n" + m.group(3), text)


def as_json(results):
    return json.dumps(results, indent=1) + "\n"


def console(name, scenario):
    lines = ["", "%s: %s" % (name, scenario["text"])]
    for unit, devices in scenario["figures"].items():
        compared = any("above" in row for row in devices.values())
        lines.append("  %-44s %10s %10s %10s" % (unit, "median", "min", "max") + (" %10s %8s" % ("above", "ratio") if compared else ""))
        for label, r in devices.items():
            lines.append("  %-44s %10.2f %10.2f %10.2f" % (label, r["median"], r["min"], r["max"]) +
                         (" %+10.2f %8.2f" % (r["above"], r["ratio"]) if compared else ""))
    lines += ["  %-44s skipped: %s" % item for item in scenario["skipped"].items()]
    if scenario["disturbed"]:
        lines.append("  disturbed and measured again: %d, the last %s" % (len(scenario["disturbed"]), scenario["disturbed"][-1]))
    if scenario["disturbed_used"]:
        lines.append("  DISTURBED all the same: %d rounds of these figures; the machine was not quiet" % scenario["disturbed_used"])
    return "\n".join(lines)


def budget_line(scenario, result, tsc_hz):
    """Cycles used and spare against 10 GbE of 64-byte frames, the hardest there are."""
    if scenario.unit != scenarios.CYCLES or not scenario.frames or scenario.frames.size > 64:
        return None
    budget = figures.line_rate_cycles(64, tsc_hz)
    uses = ["%s uses %.0f, spares %+.0f" % (label, row["median"], budget - row["median"])
            for label, row in result["figures"][scenario.unit].items()]
    return "  10 GbE at 64 bytes: %.0f cycles a packet; %s" % (budget, "; ".join(uses))

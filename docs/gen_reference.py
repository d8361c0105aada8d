#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the generated parts of the reference, from what the programs say of themselves.

  docs/gen_reference.py [--build build] [--socket PATH] [--check]

asks the daemon at PATH, or one that it starts for the purpose, for rpc.describe and both programs for --help, and fills what is between the marks
"begin generated: NAME" and "end generated" of docs/control-api.md and docs/man/*. With --check nothing is written: the
exit status is 1 and the difference printed if the files do not say what the programs say.
"""
import argparse
import difflib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

DOCS = os.path.dirname(os.path.abspath(__file__))


# --- what the schema says, as words ----------------------------------------------------------------------------------


def sentence(text):
    text = " ".join((text or "").split())
    if re.match(r"[\w-]+: ", text):  # explains words, which stay as they are
        return text + ("" if text.endswith(".") else ".")
    return text[:1].upper() + text[1:] + ("" if not text or text.endswith(".") else ".")


def param_type(p):
    text = p["type"]
    if "choices" in p:
        text = ("any of " if text == "strings" else "") + ", ".join(p["choices"])
    elif "min" in p or "max" in p:
        text += " %s to %s" % (p.get("min", ""), p.get("max", ""))
        if text.startswith(("string", "objects")):
            text += " bytes" if p["type"] == "string" else ""
    return text + (" " + p["unit"] if p.get("unit") and not text.endswith(" " + p["unit"]) else "")


def param_default(p):
    if p.get("required"):
        return "required"
    return json.dumps(p["default"]) if "default" in p else ""


def all_params(params, prefix=""):
    """The parameters, and those of the elements of lists of objects."""
    for p in params:
        yield prefix + p["name"], p
        yield from all_params(p.get("items", []), prefix + p["name"] + "[].")


def own_params(method):
    """Without dry_run, which is the same everywhere, and told once."""
    return [p for p in method["params"] if not (method["changes"] and p["name"] == "dry_run")]


def command_word(key, value):
    if isinstance(value, bool):
        value = "yes" if value else "no"
    elif isinstance(value, list) and value and all(isinstance(v, (int, str)) for v in value):
        value = ",".join(map(str, value))
    elif not isinstance(value, str):
        value = json.dumps(value)
    return shlex.quote("%s=%s" % (key, value))


def command(method):
    return " ".join(["sluicectl", method["name"]] + [command_word(k, v) for k, v in method["example"].items()])


def help_options(text):
    """The options of --help: [(option, meaning)]."""
    options = []
    for line in text.splitlines():
        found = re.match(r" {2}(-\S.*?)(?: {2,}(.*))?$", line)
        if found:
            options.append([found[1], found[2] or ""])
        elif options and re.match(r" {8,}\S", line):
            options[-1][1] = (options[-1][1] + " " + line.strip()).strip()
        elif options and not line.strip():
            break
    return options


def help_commands(text):
    """The commands of sluicectl --help: [(usage, meaning)]."""
    lines = text.split("\nCommands:\n", 1)[1].split("\n\n", 1)[0].splitlines()
    return [(a.strip(), b.strip()) for a, b in zip(lines[::2], lines[1::2])]


# --- Markdown ------------------------------------------------------------------------------------------------------


def md(text):
    return str(text).replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def md_code(text):
    return "`%s`" % text if text else ""


def md_params(params):
    rows = list(all_params(params))
    if not rows:
        return []
    return ["", "| parameter | type | default | meaning |", "|---|---|---|---|"] + [
        "| `%s` | %s | %s | %s |" % (name, md(param_type(p)), "**required**" if p.get("required") else
                                     md(md_code(param_default(p))), md(sentence(p.get("help"))))
        for name, p in rows]


def md_methods(schema, _):
    out, topic = [], None
    for m in schema["methods"]:
        if m["name"].split(".")[0] != topic:
            topic = m["name"].split(".")[0]
            out += ["", "### " + topic]
        params = own_params(m)
        out += ["", "#### " + m["name"], "", md(sentence(m["help"]))]
        out += md_params(params)
        if m["name"] == "port.add":
            out += ["", "More parameters by type: see [Port types](#port-types)."]
        answer = "`true`." if m.get("result", "").rstrip(".") == "true" else md(sentence(m.get("result")))
        out += ["", "Answer: " + answer] if answer else []
        if "example" in m:
            out += ["", "Example: `%s`" % command(m)]
    return out[1:]


def md_port_types(schema, _):
    out = []
    for t in schema["port_types"]:
        out += ["", "#### type=" + t["name"], "", md(sentence(t["help"]))] + md_params(t["params"])
    return out[1:]


def md_errors(schema, _):
    return ["| code | name | meaning |", "|---|---|---|"] + [
        "| %d | %s | %s |" % (e["code"], md(e["name"]), md(e["help"])) for e in schema["errors"]]


def md_drops(schema, _):
    return ["| reason | meaning |", "|---|---|"] + [
        "| `%s` | %s |" % (d["name"], md(sentence(d["help"]))) for d in schema["drop_reasons"]]


# --- man pages -------------------------------------------------------------------------------------------------------


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return "\\&" + text if text.startswith(".") else text


def man_item(head, text):
    return [".TP", ".B " + roff(head).replace('"', '\\(dq'), roff(text)]


def man_options(which):
    def generate(_, texts):
        out = []
        for option, meaning in help_options(texts[which]):
            out += man_item(option, sentence(meaning))
        return out
    return generate


def man_commands(_, texts):
    out = []
    for usage, meaning in help_commands(texts["sluicectl"]):
        out += man_item(usage, sentence(meaning))
    return out


def man_methods(schema, _):
    out = []
    for m in schema["methods"]:
        words = []
        for p in own_params(m):
            word = p["name"] + "=" + p["type"].upper()
            words.append(word if p.get("required") else "[" + word + "]")
        out += man_item(" ".join([m["name"]] + words), sentence(m["help"]))
    return out


def man_port_types(schema, _):
    out = []
    for t in schema["port_types"]:
        words = [p["name"] + "=" + p["type"].upper() if p.get("required") else "[%s=%s]" % (p["name"], p["type"].upper())
                 for p in t["params"]]
        out += man_item(" ".join(["type=" + t["name"]] + words), sentence(t["help"]))
    return out


# --- files -----------------------------------------------------------------------------------------------------------

FILES = {
    "control-api.md": {"methods": md_methods, "port types": md_port_types, "errors": md_errors, "drop reasons": md_drops},
    "man/sluicectl.1": {"options": man_options("sluicectl"), "commands": man_commands, "methods": man_methods,
                        "port types": man_port_types},
    "man/sluiced.8": {"options": man_options("sluiced")},
}


def fill(text, generators, schema, texts):
    """`text` with what is between the marks replaced."""
    left = set(generators)

    def replace(found):
        left.remove(found["name"])
        return found["begin"] + "\n".join(generators[found["name"]](schema, texts)) + "\n" + found["end"]

    text = re.sub(r"(?P<begin>[^\n]*begin generated: (?P<name>[a-z ]+?)(?: -->)?\n).*?(?P<end>[^\n]*end generated)", replace,
                  text, flags=re.S)
    if left:
        sys.exit("no mark for: " + ", ".join(sorted(left)))
    return text


def run(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, env=dict(os.environ, SLUICE_SOCKET="")).stdout


def describe(sluicectl, socket):
    return json.loads(run(sluicectl, "-s", socket, "-j", "rpc.describe"))


def describe_anew(sluicectl, sluiced):
    """What a daemon of our own says."""
    with tempfile.TemporaryDirectory() as folder:
        socket = os.path.join(folder, "sock")
        with open(os.path.join(folder, "log"), "w") as log:
            daemon = subprocess.Popen([sluiced, "--socket", socket, "--no-state", "--no-huge"], stderr=log)
        try:
            run(sluicectl, "-s", socket, "wait", "daemon", "timeout=30")
            return describe(sluicectl, socket)
        finally:
            daemon.terminate()
            daemon.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(DOCS, "../build"))
    parser.add_argument("--socket")
    parser.add_argument("--check", action="store_true")
    o = parser.parse_args()
    sluicectl, sluiced = os.path.join(o.build, "sluicectl"), os.path.join(o.build, "sluiced")
    schema = describe(sluicectl, o.socket) if o.socket else describe_anew(sluicectl, sluiced)
    texts = {"sluicectl": run(sluicectl, "--help"), "sluiced": run(sluiced, "--help")}
    differ = False
    for name, generators in FILES.items():
        path = os.path.join(DOCS, name)
        with open(path) as f:
            old = f.read()
        new = fill(old, generators, schema, texts)
        if new != old and o.check:
            differ = True
            sys.stdout.writelines(difflib.unified_diff(old.splitlines(True), new.splitlines(True), "docs/" + name,
                                                       "what the programs say"))
        elif new != old:
            with open(path, "w") as f:
                f.write(new)
    if differ:
        sys.exit("the reference is out of date: run ./dev docs")


main()

# SPDX-License-Identifier: BSD-3-Clause
"""What the figures were measured on: the machine and the versions of all that took part."""
import datetime
import os
import platform
import re
import subprocess


def output(*args):
    """What a command prints, or nothing if it is not there."""
    try:
        return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=20).stdout.strip()
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""


def package(name):
    return output("dpkg-query", "-W", "-f=${Version}", name)


def cpu_field(name):
    found = re.search(r"^%s\s*: (.*)$" % name, open("/proc/cpuinfo").read(), re.M)
    return found.group(1) if found else ""


def describe(build):
    commit = output("git", "rev-parse", "--short", "HEAD")
    changed = output("git", "status", "--porcelain", "--untracked-files=no", "--", "*.c", "*.h")
    return {"cpu": cpu_field("model name"), "family": cpu_field("cpu family"), "model": cpu_field("model"),
            "microcode": cpu_field("microcode"), "cpus": os.cpu_count(), "tsc_hz": None, "kernel": platform.release(),
            "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
            "commit": commit + ("+" if changed else ""), "sluice": output(os.path.join(build, "sluiced"), "--version"),
            "dpdk": package("librte-eal23"), "testpmd": package("dpdk-dev"), "ovs": package("openvswitch-switch-dpdk"),
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")}

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""sluicectl against a daemon that misbehaves: test_sluicectl.py SLUICECTL"""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SLUICECTL = os.path.abspath(sys.argv.pop(1))
DONE, REFUSED, USAGE, NO_DAEMON = range(4)


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.socket = self.path("s")
        self.start_daemon()

    def tearDown(self):
        self.stop_daemon()
        self.folder.cleanup()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def start_daemon(self):
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        self.daemon = subprocess.Popen([sys.executable, os.path.join(HERE, "fake_daemon.py"), self.socket],
                                       stdin=subprocess.PIPE)
        while not os.path.exists(self.socket):
            self.assertIsNone(self.daemon.poll())
            time.sleep(0.01)

    def stop_daemon(self):
        self.daemon.stdin.close()
        self.daemon.wait()

    def run_ctl(self, *args, stdin="", **more):
        return subprocess.run([SLUICECTL, "-s", self.socket, *args], input=stdin, text=True, capture_output=True,
                              timeout=60, **more)

    def check(self, status, *args, out=None, err="", **more):
        """Runs it, and compares the exit status, standard output (a regex) and what standard error contains."""
        r = self.run_ctl(*args, **more)
        self.assertEqual(r.returncode, status, (args, r.stdout[-500:], r.stderr[-2000:]))
        if out is not None:
            self.assertRegex(r.stdout, out)
        self.assertIn(err, r.stderr)
        if status == DONE and not err:
            self.assertEqual(r.stderr, "")
        return r.stdout

    def dialogue(self, script, *args):
        env = dict(os.environ, HOME=self.folder.name, SLUICE_SOCKET=self.socket)
        r = subprocess.run([sys.executable, os.path.join(HERE, "../dialogue.py"), SLUICECTL, *args], input=script, text=True,
                           capture_output=True, env=env, timeout=120)
        self.assertEqual(r.returncode, 0, r.stderr)


class Results(Case):
    def test_a_list_is_a_table_and_with_j_json(self):
        self.check(DONE, "port.list", out=r"^name  type        link   mtu  queues\nvm1   vhost-user  up    1500  0,1\n")
        self.assertEqual(json.loads(self.check(DONE, "-j", "port.list"))[1]["name"], "tap0")
        self.assertEqual(json.loads(self.check(DONE, "port.list", "-j", "name=vm1"))[0]["mtu"], 1500)

    def test_words_are_converted_by_declared_type(self):
        out = self.check(DONE, "-j", "echo", "i=3", "n=1.5k", "b=on", "li=1,3-5", "ls=a,b", "s=9", 'o={"x": 1}')
        self.assertEqual(json.loads(out),
                         {"i": 3, "n": 1500.0, "b": True, "li": [1, 3, 4, 5], "ls": ["a", "b"], "s": "9", "o": {"x": 1}})

    def test_a_huge_answer_arrives_whole(self):
        self.assertEqual(len(json.loads(self.check(DONE, "-j", "fake.huge"))), 100000)

    def test_notifications_in_between_are_no_answer(self):
        self.check(DONE, "fake.noise", out="^after the noise\n$")

    def test_an_answer_in_single_bytes_is_put_together(self):
        self.check(DONE, "fake.slow", out="^all of it\n$")

    def test_an_answer_to_somebody_else_is_skipped(self):
        self.check(DONE, "fake.other_id", out="^the right one\n$")

    def test_the_terminal_gets_no_control_characters(self):
        self.check(DONE, "fake.escape", out=r"\\x1b\[31mred\\x07\\x9b2J")


class Failures(Case):
    def test_a_refusal_names_field_value_and_allowed(self):
        self.check(REFUSED, "port.set", "name=a", "mtu=12", err="port.set: mtu is out of range (field mtu, value 12, allowed 68..9702)")
        r = self.run_ctl("-j", "port.set", "name=a", "mtu=12")
        self.assertEqual(json.loads(r.stderr)["data"]["field"], "mtu")
        self.assertEqual(r.stdout, "")

    def test_wrong_words_are_a_usage_error(self):
        self.check(USAGE, "port.lsit", err="did you mean 'port.list'?")
        self.check(USAGE, "shwo", "ports", err="did you mean 'show'?")
        self.check(USAGE, "port.set", "bogus=1", err="has no parameter 'bogus' (has: name, mtu, admin, dry_run)")
        self.check(USAGE, "port.set", "mtu=x", err="mtu: 'x' is not an integer")
        self.check(USAGE, "show", "nothing", err="show what?")
        self.check(USAGE, "wait", err="what for?")
        self.check(USAGE, "--bogus", err="--bogus")
        self.check(USAGE, "-t", "soon", "port.list", err="'soon' is not a number of seconds")
        self.check(USAGE, "-f", self.path("none"), err="cannot open")
        self.check(USAGE, "-f", "x", "port.list", err="exclude each other")
        self.check(USAGE, "-s", "/" + "x" * 200, "port.list", err="longer than 107 bytes")

    def test_no_daemon_has_its_own_status(self):
        self.stop_daemon()
        self.check(NO_DAEMON, "port.list", err="no daemon at %s: No such file" % self.socket)
        self.check(NO_DAEMON, "wait", "daemon", "timeout=0.2", err="within 0.2 s")
        self.check(NO_DAEMON, "events", err="no daemon")

    def test_a_daemon_that_dies_or_raves_is_told(self):
        for method, why in (("die", "closed the connection before it answered"), ("close", "closed the connection"),
                            ("garbage", "does not speak JSON-RPC"), ("scalar", "does not speak JSON-RPC")):
            self.check(NO_DAEMON, "fake." + method, out="^$", err="fake.%s: " % method)
            self.assertIn(why, self.run_ctl("fake." + method).stderr)

    def test_a_silent_daemon_is_not_waited_for_without_end(self):
        start = time.monotonic()
        self.check(NO_DAEMON, "-t", "0.3", "fake.mute", err="no answer within 0.3 s")
        self.assertLess(time.monotonic() - start, 5)

    def test_a_daemon_that_accepts_nobody_is_not_waited_for_without_end(self):
        path, clients = self.path("full"), []
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            server.listen(0)
            clients = [socket.socket(socket.AF_UNIX) for _ in range(2)]
            for c in clients:
                c.setblocking(False)
                try:
                    c.connect(path)
                except BlockingIOError:
                    pass  # the backlog is full, as it should be
            self.check(NO_DAEMON, "-s", path, "-t", "0.3", "rpc.ping", err="takes no connection within 0.3 s")
            for c in clients:
                c.close()

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "w") as full:
            r = subprocess.run([SLUICECTL, "-s", self.socket, "port.list"], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(r.returncode, USAGE)
        self.assertIn("cannot write", r.stderr)

    def test_a_reader_that_leaves_ends_it(self):
        for args in (["fake.huge"], ["events", "link"]):
            p = subprocess.Popen([SLUICECTL, "-s", self.socket, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            p.stdout.close()
            p.stderr.read()
            p.wait(timeout=20)
            p.stderr.close()


class Scripts(Case):
    def script(self, text):
        with open(self.path("script"), "w") as f:
            f.write(text)
        return self.path("script")

    def test_lines_run_until_one_fails(self):
        path = self.script("# set up\n\nrpc.ping\n  echo s='a b' o={\"x\": [1, 2]}  # words\nport.set name=a mtu=1\nrpc.ping\n")
        out = self.check(REFUSED, "-f", path, err="sluicectl: %s:5: port.set: mtu is out of range" % path)
        self.assertEqual(out, "pong\ns: a b\no: x=1,2\n")

    def test_k_goes_on_and_the_first_failure_counts(self):
        path = self.script("port.set mtu=x\nport.set name=a mtu=1\nrpc.ping\n")
        r = self.run_ctl("-k", "-f", path)
        self.assertEqual((r.returncode, r.stdout), (USAGE, "pong\n"))
        self.assertIn(path + ":1: ", r.stderr)
        self.assertIn(path + ":2: ", r.stderr)

    def test_standard_input_is_a_script(self):
        self.check(DONE, stdin="rpc.ping\nrpc.ping", out="^pong\npong\n$")
        self.check(USAGE, stdin="rpc.ping\necho s='", err="standard input:2: a quote is not closed")

    def test_load_runs_a_file_and_goes_on_after_failures(self):
        inner = self.script("port.set mtu=x\nrpc.ping\n")
        r = self.run_ctl("-k", stdin="load %s\nnonsense\nload %s.none\n" % (inner, inner))
        self.assertEqual((r.returncode, r.stdout), (USAGE, "pong\nRead CLI commands from %s\n" % inner))
        self.assertIn("sluicectl: %s:1: mtu: 'x' is not an integer" % inner, r.stderr)
        self.assertIn("sluicectl: standard input:2: no command", r.stderr)
        self.assertIn("cannot open %s.none: No such file" % inner, r.stderr)

    def test_a_file_that_loads_itself_ends(self):
        path = self.script("load %s\n" % self.path("script"))
        self.assertEqual(self.check(USAGE, "load", path, err="load one another").count("Read CLI commands"), 8)

    def test_quit_ends_all_scripts(self):
        path = self.script("rpc.ping\nquit\nrpc.ping\n")
        self.check(DONE, stdin="load %s\nrpc.ping\n" % path, out="^pong\n\nBye...\nRead CLI commands from .*\n$")

    def test_a_daemon_that_restarts_is_found_again(self):
        p = subprocess.Popen([SLUICECTL, "-s", self.socket], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2):
            p.stdin.write("rpc.ping\n")
            p.stdin.flush()
            self.assertEqual(p.stdout.readline(), "pong\n")
            self.stop_daemon()
            self.start_daemon()
        p.stdin.close()
        self.assertEqual(p.wait(timeout=20), DONE)
        p.stdout.close()


class Friendly(Case):
    def test_what_testpmd_has_and_we_have_not_is_refused_with_the_reason(self):
        self.check(REFUSED, "csum", "set", "ip", "hw", "0", err="csum set ip hw 0: not supported: checksums")
        self.check(REFUSED, "set", "fwd", "mac", err="set fwd mac: not supported: this sluiced has no method fwd.set")
        self.check(REFUSED, "set", "fwd", "mac", "retry", err="set fwd mac retry: not supported: a worker does not wait")
        self.check(DONE, "set", "verbose", "1", out="Change verbose level from 0 to 1", err="packets are not printed")
        self.check(REFUSED, "set", "corelist", "1", err="worker.assign")
        self.check(USAGE, "set", "nonsense", "1", err="Bad arguments (usage: set fwd MODE")
        self.check(USAGE, "port", "stop", err="Bad arguments (usage: port stop all|N)")
        self.check(USAGE, "set", "burst", "x", err="'x' is not 1 to 512")

    def test_a_budget_needs_no_daemon(self):
        self.stop_daemon()
        self.check(DONE, "budget", "--gbps", "10", out=r"packets/s: +14880952\nns per packet: +67.20\ncycles per packet: 134.4\n")
        self.assertAlmostEqual(json.loads(self.check(DONE, "-j", "budget", "--size=128"))["cycles_per_packet"], 236.8)
        self.check(USAGE, "budget", "--size", "1", err="budget: --size: '1' is not 64 to 16383")
        self.start_daemon()

    def test_events_are_printed_as_they_come(self):
        out = self.check(DONE, "events", "port", "count=3")
        self.assertRegex(out, r"^\d\d:\d\d:\d\d\.\d{3} port added name=p0\n")
        self.assertEqual(len(out.splitlines()), 3)
        lines = self.check(DONE, "-j", "events", "port", "count=2").splitlines()
        self.assertEqual(json.loads(lines[1])["data"], {"name": "p1"})
        self.check(REFUSED, "events", "port", "count=9", "timeout=0.3")

    def test_wait_ends_when_the_object_is_so(self):
        start = time.monotonic()
        self.check(DONE, "wait", "port", "tap0", "link=up", "timeout=10", out="^$")
        self.assertGreater(time.monotonic() - start, 0.2)
        self.check(DONE, "wait", "port", "nobody", "gone")
        self.check(REFUSED, "wait", "port", "vm1", "mtu=9", "timeout=0.3", err="last seen: name=vm1")
        self.check(USAGE, "wait", "nothing", err="nothing lists 'nothing'")
        self.check(DONE, "wait", "daemon")

    def test_help_knows_every_parameter(self):
        out = self.check(DONE, "help", "port.add")
        for text in ("type=vhost-user: A guest.", "queues", "int 1..8", "client,server", "required"):
            self.assertIn(text, out)
        self.check(USAGE, "help", "nothing", err="no command or method")
        self.check(DONE, "--help", out="Exit status")


class Completion(Case):
    def complete(self, *words):
        return self.check(DONE, "--complete", "--", *words).split()

    def test_what_fits_is_offered(self):
        self.assertIn("port.list", self.complete("po"))
        self.assertEqual(self.complete("sho"), ["show"])
        self.assertEqual(self.complete("port.set", ""), ["name=", "mtu=", "admin=", "dry_run="])
        self.assertEqual(self.complete("port.set", "name=a", "n"), [])
        self.assertEqual(self.complete("port.set", "name="), ["name=vm1", "name=tap0"])
        self.assertEqual(self.complete("port.set", "admin=y"), ["admin=yes"])
        self.assertEqual(self.complete("port.add", "type="), ["type=tap", "type=vhost-user"])
        self.assertEqual(self.complete("port.add", "type=vhost-user", "m"), ["mode="])
        self.assertEqual(self.complete("port.add", "type=vhost-user", "mode=c"), ["mode=client"])
        self.assertEqual(self.complete("events.subscribe", "topics=port,l"), ["topics=port,link"])
        self.assertEqual(self.complete("wait", "port", "vm"), ["vm1"])
        self.assertEqual(self.complete("port", "st"), ["start", "stop"])
        self.assertEqual(self.complete("set", "f"), ["fwd"])
        self.assertEqual(self.complete("set", "fwd", ""), []) # this daemon has no modes
        self.assertEqual(self.complete("clear", "port", ""), ["stats"])
        self.assertEqual(self.complete("port", "stop", ""), ["all", "vm1", "tap0"])
        self.assertEqual(self.complete("show", "port", ""), ["vm1", "tap0", "info", "stats", "xstats", "summary"])
        self.assertEqual(self.complete("show", "port", "stats", "v"), ["vm1"])

    def test_without_a_daemon_the_friendly_forms_remain(self):
        self.stop_daemon()
        self.assertEqual(self.complete("sh"), ["show"])
        self.assertIn("bridges", self.complete("show", ""))
        self.assertEqual(self.complete("port.set", ""), [])


    def bash(self, line):
        """What bash would offer for the line, and whether it would add a space."""
        script = """
            compopt() { echo "compopt $*"; }
            . "$1"
            COMP_LINE=$2 COMP_POINT=${#2}
            _sluicectl
            printf '%s\n' "${COMPREPLY[@]}"
        """
        program = os.path.join(HERE, "../../packaging/sluicectl.bash-completion")
        r = subprocess.run(["bash", "-c", script, "bash", program, line.replace("sluicectl", SLUICECTL, 1)], text=True,
                           capture_output=True, env=dict(os.environ, SLUICE_SOCKET=self.socket))
        self.assertEqual(r.stderr, "")
        return r.stdout.split("\n")[:-1]

    def test_bash_gets_the_same(self):
        self.assertEqual(self.bash("sluicectl sho"), ["show"])
        self.assertEqual(self.bash("sluicectl show p"), ["ports", "port"])
        self.assertEqual(self.bash("sluicectl port.set n"), ["compopt -o nospace", "name="])
        # Readline takes "name=" for a word of its own.
        self.assertEqual(self.bash("sluicectl -j port.set name="), ["vm1", "tap0"])
        self.assertEqual(self.bash("sluicectl -s %s port.set mtu=9 name=v" % self.socket), ["vm1"])
        self.assertEqual(self.bash("sluicectl --ti"), ["--timeout"])
        self.assertEqual(self.bash("sluicectl -f "), ["compopt -o default", ""])
        self.assertEqual(self.bash("sluicectl -s /nowhere show w"), ["workers", "worker"])


class Prompt(Case):
    def test_completion_history_and_interrupts(self):
        self.dialogue(r"""
expect sluice> 
send port.set na\tv\tmtu=15\n
expect port.set: mtu is out of range .field mtu, value 15
expect sluice> 
send port.add type=\t\t
expect tap +vhost-user
send t\tifname=x\n
expect type: +tap
expect sluice> 
# Ctrl-C drops the line, and ends a wait, but not the session.
send half a line
expect line
send \x03
expect sluice> 
send rpc.ping\n
expect pong
expect sluice> 
send fake.mute\n
file %s.mute
send \x03
expect interrupted
send rpc.ping\n
expect pong
send nonsense\n
expect no command or method
send quit\n
end 0
""" % self.socket)
        self.dialogue(r"""
expect sluice> 
send \x1b[A\x1b[A
expect rpc.ping
send \n
expect pong
expect sluice> 
raw
send \x04
end 0
""")

    def test_the_end_of_input_may_be_typed_ahead(self):
        self.dialogue(r"""
expect sluice> 
raw
send wait port vm1 mtu=9 timeout=0.5\n
cooked
send \x04
expect last seen
end 0
""")

    def test_a_lost_daemon_does_not_end_the_session(self):
        self.dialogue(r"""
expect sluice> 
send fake.exit\n
expect closed the connection
send rpc.ping\n
expect no daemon at
send quit\n
end 0
""")

    def test_without_a_daemon_there_is_no_prompt(self):
        self.stop_daemon()
        self.dialogue("expect no daemon at\nend 3\n")

    def test_a_narrow_terminal_gets_blocks(self):
        self.dialogue("expect sluice> \nsize 20 10\nsend port.list\\n\nexpect name: +vm1\nsend quit\\n\nend 0\n")


if __name__ == "__main__":
    unittest.main()

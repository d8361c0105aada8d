# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# The frame of the end-to-end tests. A test is an executable bash file in this folder that begins with
#
#   . "$(dirname "$0")/_init.sh"
#
# and then reads like a transcript: start_daemon, ctl ..., ns_add ..., assert_..., audit_ok. It ends at the first command
# that fails, and everything it started or made is taken down by a trap. Exit status 77 means skipped.
#
# Names are unique per run ($UNIQ), so that tests can run side by side. `D=name` before a command chooses the daemon
# instance (default "a"): `D=b start_daemon`, `D=b ctl show ports`.

set -Eeuo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${SLUICE_BUILD:-$ROOT/build}
TEST=$(basename "$0")
UNIQ=${SLUICE_UNIQ:-sl$$} # the demo has its own names, since it outlives the script
TMP=${SLUICE_TMP:-$(mktemp -d "${TMPDIR:-/tmp}/$UNIQ.XXXXXX")}
D=a
declare -A DAEMON_PID=() # instance -> pid
PIDS=()                  # other children, ended in reverse order
NAMESPACES=()
CLEANUPS=()
export ROOT BUILD TMP UNIQ

note() { printf '%s\n' "# $*"; }
fail() {
	printf 'FAILED: %s\n' "$*" >&2
	exit 1
}
skip() {
	printf 'skipped: %s\n' "$*"
	exit 77
}
now_ms() { local t=${EPOCHREALTIME/./}; printf '%s\n' "${t%???}"; }

# need TOOL...: the test is skipped where a tool is missing, or where it does not run as root.
need() {
	local t
	[[ $EUID == 0 ]] || skip "needs root"
	for t; do
		command -v "$t" >/dev/null || skip "needs $t"
	done
}

# wait_for CONDITION [TIMEOUT_S]: polls the bash expression until it is true.
wait_for() {
	local condition=$1 timeout=${2:-10} end
	end=$(($(now_ms) + timeout * 1000))
	until eval "$condition" >/dev/null 2>&1; do
		if (($(now_ms) > end)); then
			printf 'FAILED: not within %s s: %s\n' "$timeout" "$condition" >&2
			return 1
		fi
		sleep 0.05
	done
}

# --- daemons ---------------------------------------------------------------------------------------------------------

sock() { printf '%s\n' "$TMP/$D.sock"; }
ctl() { "$BUILD/sluicectl" --socket "$TMP/$D.sock" "$@"; }
daemon_log() { printf '%s\n' "$TMP/$D.log"; }
daemon_alive() { kill -0 "${DAEMON_PID[$D]}" 2>/dev/null; }

# daemon_launch [OPTION...]: starts sluiced without waiting for anything. The log is appended to.
daemon_launch() {
	"$BUILD/sluiced" --socket "$TMP/$D.sock" --state "$TMP/$D.json" --file-prefix "$UNIQ$D" --no-huge "$@" \
		>>"$TMP/$D.log" 2>&1 &
	DAEMON_PID[$D]=$!
}

# start_daemon [OPTION...]: and waits until its socket answers.
start_daemon() {
	daemon_launch "$@"
	wait_for "! daemon_alive || ctl rpc.ping" 30
	daemon_alive || fail "sluiced ended at start"
}

# daemon_wait [TIMEOUT_S]: waits for its end; sets DAEMON_RC to the exit status.
daemon_wait() {
	wait_for "! daemon_alive" "${1:-20}"
	DAEMON_RC=0
	wait "${DAEMON_PID[$D]}" 2>/dev/null || DAEMON_RC=$? # the shell would tell of a kill
	unset "DAEMON_PID[$D]"
}

# stop_daemon: SIGTERM, and the exit status must be 0.
stop_daemon() {
	kill -TERM "${DAEMON_PID[$D]}"
	daemon_wait 20
	[[ $DAEMON_RC == 0 ]] || fail "sluiced ended with status $DAEMON_RC"
}

# kill_daemon: SIGKILL, as a crash.
kill_daemon() {
	kill -KILL "${DAEMON_PID[$D]}"
	daemon_wait 20
}

# --- processes and namespaces ----------------------------------------------------------------------------------------

# bg [ns N] COMMAND...: runs a program in the background until the end of the test; BG_PID is its pid.
bg() {
	# Without the function in between, the pid would be that of a shell whose child outlives it.
	[[ $1 != ns ]] || set -- ip netns exec "$UNIQ-$2" "${@:3}"
	"$@" &
	BG_PID=$!
	PIDS+=("$BG_PID")
}

# at_end COMMAND...: run at the end of the test, in reverse order.
at_end() { CLEANUPS+=("$(printf '%q ' "$@")"); }

# ifname X: a unique interface name, for a TAP or veth.
ifname() { printf '%s\n' "$UNIQ$1"; }

ns_add() {
	local n
	for n; do
		ip netns add "$UNIQ-$n"
		NAMESPACES+=("$UNIQ-$n")
		ip -n "$UNIQ-$n" link set lo up
		# Router solicitations and duplicate address detection would add frames that no test asked for.
		ip netns exec "$UNIQ-$n" sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.all.disable_ipv6=1 2>/dev/null || true
	done
}

# ns N COMMAND...: runs it in namespace N.
ns() {
	local n=$1
	shift
	ip netns exec "$UNIQ-$n" "$@"
}

# ns_take N INTERFACE [ADDRESS/LEN]...: moves an interface into namespace N, up, with addresses.
ns_take() {
	local n=$1 i=$2 a
	shift 2
	wait_for "ip link show dev $i"
	ip link set dev "$i" netns "$UNIQ-$n"
	for a; do
		ns "$n" ip address add "$a" dev "$i"
	done
	ns "$n" ip link set dev "$i" up
}

# ping_ok N ADDRESS [TIMEOUT_S]: an answer arrives from there.
ping_ok() { wait_for "ns $1 ping -c 1 -W 1 -q $2" "${3:-15}"; }
ping_fails() { ! ns "$1" ping -c 2 -i 0.2 -W 1 -q "$2" >/dev/null || fail "$2 answers in $1"; }

# tap_port PORT N ADDRESS/LEN: adds a TAP port and gives its interface to namespace N.
tap_port() {
	ctl port.add name="$1" type=tap ifname="$(ifname "$1")" >/dev/null
	ns_take "$2" "$(ifname "$1")" "$3"
}

# --- assertions ------------------------------------------------------------------------------------------------------

assert_eq() { [[ $1 == "$2" ]] || fail "${3:-value}: got '$1', wanted '$2'"; }

# assert_json JSON FILTER: the jq expression is true of the text.
assert_json() {
	jq -e "$2" >/dev/null <<<"$1" || fail "not true: $2
of: ${1:0:2000}"
}

# call METHOD [KEY=VALUE]...: the result as JSON.
call() { ctl -j "$@"; }

# assert_call FILTER METHOD [KEY=VALUE]...
assert_call() {
	local filter=$1 out
	shift
	out=$(call "$@") || fail "$* is refused"
	assert_json "$out" "$filter"
}

# wait_call FILTER METHOD [KEY=VALUE]...: until the answer satisfies the jq expression (10 s).
wait_call() {
	local filter=$1
	shift
	wait_for "call $(printf '%q ' "$@") | jq -e $(printf '%q' "$filter")" 10
}

# assert_refused TEXT METHOD [KEY=VALUE]...: refused with exit status 1 and an error that contains TEXT.
assert_refused() {
	local text=$1 out rc=0
	shift
	out=$(ctl "$@" 2>&1) || rc=$?
	assert_eq "$rc" 1 "exit status of $*"
	[[ $out == *"$text"* ]] || fail "error of '$*' lacks '$text': $out"
}

assert_log() { grep -qE -- "$1" "$TMP/$D.log" || fail "the log lacks /$1/"; }

# no_loss FILE: what ping printed (without -q) has an answer to every request before the last that was answered. One that
# is under way when ping is interrupted is not lost.
no_loss() {
	awk '/bytes from .*icmp_seq=/ && !/DUP!/ { sub(/.*icmp_seq=/, ""); if ($1 + 0 > last) last = $1 + 0; n++ }
		END { if (n == 0 || n != last) { print n + 0 " of " last + 0 " requests were answered"; exit 1 } }' "$1" || {
		ctl show drops
		fail "packets were lost"
	}
}

# audit_ok: every packet is accounted for.
audit_ok() { assert_call '.ok == true' stats.audit; }

# rpc TEXT: sends a raw text to the socket and prints what comes back within a second of silence.
rpc() { printf '%s\n' "$1" | socat -t 1 - "UNIX-CONNECT:$TMP/$D.sock"; }

# --- the end ---------------------------------------------------------------------------------------------------------

end_pid() {
	kill -TERM "$1" 2>/dev/null || return 0
	local end
	end=$(($(now_ms) + 5000))
	while kill -0 "$1" 2>/dev/null; do
		if (($(now_ms) > end)); then
			kill -KILL "$1" 2>/dev/null || true
			break
		fi
		sleep 0.02
	done
	wait "$1" 2>/dev/null || true
}

finish() {
	local rc=$? i log
	trap - EXIT ERR INT TERM
	set +e
	if ((rc != 0 && rc != 77)); then
		for log in "$TMP"/*.log; do
			[[ -s $log ]] || continue
			printf -- '--- %s (tail) ---\n' "${log##*/}" >&2
			tail -n 40 "$log" >&2
		done
	fi
	for ((i = ${#PIDS[@]} - 1; i >= 0; i--)); do
		end_pid "${PIDS[i]}"
	done
	for i in "${!DAEMON_PID[@]}"; do
		end_pid "${DAEMON_PID[$i]}"
	done
	for ((i = ${#CLEANUPS[@]} - 1; i >= 0; i--)); do
		eval "${CLEANUPS[i]}"
	done
	rmdir "/var/run/dpdk/$UNIQ"* 2>/dev/null # of daemons that were killed
	for i in "${NAMESPACES[@]}"; do
		ip netns del "$i"
	done
	if [[ -n ${SLUICE_KEEP_TMP:-} ]]; then
		note "files kept in $TMP"
	else
		rm -rf "$TMP"
	fi
	exit "$rc"
}
trap finish EXIT
trap 'printf "FAILED: %s line %s: %s\n" "$TEST" "$LINENO" "$BASH_COMMAND" >&2' ERR
trap 'exit 130' INT
trap 'exit 143' TERM

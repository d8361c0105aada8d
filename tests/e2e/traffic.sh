# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Traffic between two namespaces, checked for having arrived whole. To be sourced after _init.sh.

# iperf_ok FROM TO ADDRESS FILTER OPTION...: an iperf3 run whose JSON report satisfies the jq expression.
iperf_ok() {
	local from=$1 to=$2 address=$3 filter=$4 port=$((RANDOM % 20000 + 10000)) report
	shift 4
	bg ns "$to" iperf3 --server --one-off --port "$port" >"$TMP/iperf3.server" 2>&1
	wait_for "ns $to ss -Hltn 'sport = :$port' | grep -q ."
	report=$(ns "$from" timeout 30 iperf3 --client "$address" --port "$port" --json "$@") || fail "iperf3: ${report:0:500}"
	assert_json "$report" "$filter"
	wait "$BG_PID" || true
}

# tcp_ok FROM TO ADDRESS: a TCP stream of 40 MB is acknowledged. The receiver's own count stops a little before the end.
tcp_ok() { iperf_ok "$1" "$2" "$3" '.end.sum_sent.bytes >= 40000000 and .end.sum_received.bytes >= 20000000' --bytes 40M; }

# udp_ok FROM TO ADDRESS: UDP arrives. On a busy machine the receiving program may be late and its socket overflow, so
# this tells whole streams of bad checksums from good ones, not single losses.
udp_ok() { iperf_ok "$1" "$2" "$3" '.end.sum.lost_percent < 50 and .end.sum.packets > 500' --udp --bitrate 10M --length 1000 --time 1; }

# frames_pass NS INTERFACE TAG NS INTERFACE TAG: of frames that are sent with a tag ("-": none) at the first interface,
# some come out of the second with the second tag.
frames_pass() { python3 "$ROOT/tests/e2e/frames.py" "$UNIQ-$1" "$2" "$3" "$UNIQ-$4" "$5" "$6" || fail "no frame: $*"; }

# frames_stop NS INTERFACE TAG NS INTERFACE: no such frame comes out there, with whatever tag.
frames_stop() { python3 "$ROOT/tests/e2e/frames.py" "$UNIQ-$1" "$2" "$3" "$UNIQ-$4" "$5" none || fail "a frame came: $*"; }

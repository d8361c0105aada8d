# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Virtual machines for the end-to-end tests and the demo: sourced after _init.sh.
#
#   guest_boot a port=/path/a.sock,address=10.0.0.1/24 [port=...]   several may boot at once
#   guest_up a b                                                    until their inits are up
#   guest a ping -c1 10.0.0.2                                       runs a command inside: its output and exit status
#   guest_reboot a; guest_kill a; guest_restart a
#
# A NIC is named by comma-separated KEY=VALUE: port=PATH (required), role=server|client (of QEMU; default server, which
# goes with a vhost-user port in its default mode), queues=N, tso=off, csum=off, mac=, address=ADDRESS/LEN, packed=on.
# The guest is Debian's stock cloud kernel with busybox, iperf3 and ethtool in an initramfs. There is no KVM in it.

GUEST_DIR=$BUILD/guest
declare -A GUEST_PID=() GUEST_ARGS=() GUEST_SEQ=()

guest_console() { printf '%s\n' "$TMP/guest-$1.log"; }

# Copies a program and the libraries that it is linked with to below $1.
guest_program() {
	local program lib
	program=$(command -v "$2")
	install -D "$program" "$1/bin/${2##*/}"
	while read -r lib; do
		install -D "$lib" "$1$lib"
	done < <(ldd "$program" | grep -o '/[^ ]*')
}

# Builds the initramfs, unless that is done and nothing it is made from is newer.
guest_build() {
	local init image=$GUEST_DIR/initramfs root=$GUEST_DIR/root.$$ modules m
	init=$(dirname "${BASH_SOURCE[0]}")/guest_init
	[[ -d $GUEST_DIR/kernel ]] || skip "needs the guests' kernel: run ./dev test"
	[[ -f $image && $image -nt $init && $image -nt ${BASH_SOURCE[0]} ]] && return
	modules=$(echo "$GUEST_DIR"/kernel/lib/modules/*/kernel)
	mkdir -p "$root"/{bin,dev,proc,sys,modules}
	install -m 755 "$init" "$root/init"
	install "$(command -v busybox)" "$root/bin/busybox"
	for m in iperf3 ethtool; do
		guest_program "$root" "$m"
	done
	# In load order; a list, since the package has no modules.dep before it is installed.
	for m in drivers/virtio/{virtio_ring,virtio,virtio_pci_legacy_dev,virtio_pci_modern_dev,virtio_pci} \
		net/core/failover drivers/net/{net_failover,virtio_net} \
		net/llc/llc net/802/{stp,garp,mrp} net/8021q/8021q; do
		cp "$modules/$m.ko" "$root/modules/"
		echo "${m##*/}.ko" >>"$root/modules/order"
	done
	(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$image.$$"
	mv "$image.$$" "$image" # whole, also where two tests build at once
	rm -r "$root"
}

# The QEMU arguments of guest $1's NIC number $2, described by $3, in the array NIC_ARGS; its address in NIC_ADDRESS.
guest_nic() {
	local i=$2 spec role=server queues=1 device="" k v chardev
	local port="" mac
	mac=$(printf '52:54:00:%.6s' "$(md5sum <<<"$UNIQ $1 $2")" | sed 's/:\(..\)\(..\)\(..\)$/:\1:\2:\3/')
	NIC_ADDRESS=""
	IFS=, read -ra spec <<<"$3"
	for k in "${spec[@]}"; do
		v=${k#*=}
		case $k in
		port=*) port=$v ;;
		role=*) role=$v ;;
		queues=*) queues=$v ;;
		mac=*) mac=$v ;;
		address=*) NIC_ADDRESS=$v ;;
		packed=*) device+=",packed=$v" ;;
		tso=*) device+=",host_tso4=$v,host_tso6=$v,guest_tso4=$v,guest_tso6=$v" ;;
		csum=*) device+=",csum=$v,guest_csum=$v" ;;
		*) fail "a NIC has no '$k'" ;;
		esac
	done
	chardev="socket,id=c$i,path=$port"
	if [[ $role == server ]]; then chardev+=",server=on,wait=off"; else chardev+=",reconnect=1"; fi
	((queues == 1)) || device+=",mq=on"
	# vectors=0: QEMU 7.2 under TCG crashes with MSI-X over vhost-user.
	NIC_ARGS=(-chardev "$chardev" -netdev "vhost-user,id=n$i,chardev=c$i,queues=$queues"
		-device "virtio-net-pci,netdev=n$i,vectors=0,mac=$mac$device")
	((queues <= GUEST_CPUS)) || GUEST_CPUS=$queues
}

# guest_boot NAME NIC...: starts a guest and does not wait.
guest_boot() {
	local name=$1 i=0 nic append="console=ttyS0 quiet panic=1 mitigations=off no_timer_check" args=()
	shift
	GUEST_ARGS[$name]=$(printf '%q ' "$@")
	GUEST_CPUS=1
	guest_build
	for nic; do
		guest_nic "$name" "$i" "$nic"
		args+=("${NIC_ARGS[@]}")
		[[ -z $NIC_ADDRESS ]] || append+=" eth$i=$NIC_ADDRESS"
		i=$((i + 1))
	done
	# QEMU opens both ends of both for itself, so commands go into a FIFO and answers may be kept in a file.
	[[ -p $TMP/guest-$name.in ]] || mkfifo "$TMP/guest-$name.in"
	: >"$TMP/guest-$name.out"
	bg qemu-system-x86_64 -nodefaults -no-user-config -display none -accel tcg -m 192 -smp "$GUEST_CPUS" \
		-object memory-backend-memfd,id=m,size=192M,share=on -numa node,memdev=m \
		-kernel "$GUEST_DIR"/kernel/boot/vmlinuz-* -initrd "$GUEST_DIR/initramfs" -append "$append" \
		-serial "file:$(guest_console "$name")" \
		-chardev "pipe,id=cmd,path=$TMP/guest-$name" \
		-serial chardev:cmd "${args[@]}" 2>>"$TMP/guest-$name.qemu.log"
	GUEST_PID[$name]=$BG_PID
}

# guest_port NAME BRIDGE [KEY=VALUE]...: a vhost-user port at $TMP/NAME.vhost on the bridge.
guest_port() {
	ctl port.add name="$1" type=vhost-user path="$TMP/$1.vhost" "${@:3}" >/dev/null
	ctl bridge.port_add bridge="$2" port="$1" >/dev/null
}

guest_alive() { kill -0 "${GUEST_PID[$1]}" 2>/dev/null; }

# guest_up NAME...: waits until they have booted. One that shows no sign of its init for 30 s is started once more.
guest_up() {
	local name
	for name; do
		if ! wait_for "! guest_alive $name || grep -q '^init: up' $(guest_console "$name")" 30; then
			note "guest $name did not boot, once more"
			guest_restart "$name"
			wait_for "! guest_alive $name || grep -q '^init: up' $(guest_console "$name")" 30
		fi
		guest_alive "$name" || fail "QEMU of guest $name ended"
	done
}

# guest_kill NAME: SIGKILL to its QEMU.
guest_kill() {
	kill -KILL "${GUEST_PID[$1]}" 2>/dev/null || true
	wait "${GUEST_PID[$1]}" 2>/dev/null || true
}

# guest_restart NAME: kills it and boots it anew with the same NICs.
guest_restart() {
	guest_kill "$1"
	rm -f "$(guest_console "$1")"
	eval "guest_boot $1 ${GUEST_ARGS[$1]}"
}

# guest_reboot NAME: from inside, and waits until it is up again.
guest_reboot() {
	local ups
	ups=$(grep -c '^init: up' "$(guest_console "$1")")
	echo "- reboot -f" >"$TMP/guest-$1.in"
	wait_for "(( \$(grep -c '^init: up' $(guest_console "$1")) > $ups ))" 30
}

# guest NAME COMMAND...: runs a shell command inside; its output on stdout, its exit status returned. Up to 60 s.
guest() {
	local name=$1 out=$TMP/guest-$1.out id
	shift
	GUEST_SEQ[$name]=$((${GUEST_SEQ[$name]:-0} + 1))
	id=$name$BASHPID.${GUEST_SEQ[$name]}
	printf '%s %s\n' "$id" "$*" >"$TMP/guest-$name.in"
	wait_for "grep -q '^@@$id ' $out" 60
	awk -v id="@@$id" '{ sub(/\r$/, "") } $1 == id { n = NR; exit } /^@@/ { delete line; count = 0; next }
		{ line[++count] = $0 } END { for (i = 1; i < count; i++) print line[i] }' "$out"
	return "$(sed -n "s/^@@$id \([0-9]*\).*/\1/p" "$out")"
}

# guest_ping_ok NAME ADDRESS [TIMEOUT_S]: an answer arrives from there.
guest_ping_ok() { wait_for "guest $1 ping -c 1 -W 1 -q $2" "${3:-15}"; }

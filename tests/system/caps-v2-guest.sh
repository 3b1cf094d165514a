#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The part of caps-v2 that runs in the guest. Lines for the reader begin with "guest: v2".

export PATH=/bin:/v2 VMENERGY_WEIGHTS=/v2/weights VMENERGY_SOCKET=/run/control TMPDIR=/run
ON_CPU_W=6 # of the test weights
CGROUPS=/sys/fs/cgroup
MEASURE_S=15
READ_BYTES_S=2000000
READ_S=8

say() {
	echo "guest: v2 $*"
}

fail() {
	say "FAILED: $*"
	tail -n 5 /run/daemon.log
	exit 1
}

# CPU seconds of a process, as the kernel says.
cpu_s() { # cpu_s PID
	awk '{ sub(/^.*\) /, ""); print ($12 + $13) / 100 }' "/proc/$1/stat"
}

cpus() { # cpus PID SECONDS ; sets $cpus
	before=$(cpu_s "$1")
	read -r from _ </proc/uptime
	sleep "$2"
	read -r to _ </proc/uptime
	cpus=$(awk "BEGIN { print ($(cpu_s "$1") - $before) / ($to - $from) }")
}

check() { # check WHAT EXPRESSION
	awk "BEGIN { exit !($2) }" || fail "$1: $2"
	say "$1: $2"
}

mkdir -p /var/lib /var/tmp
mount -t cgroup2 none $CGROUPS || fail 'no cgroup2'
(sleep 1000 | herd 3 3 100 >/run/herd) &
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ ! -s /run/herd ] || break
	sleep 1
done
printf '[daemon]\nweights = test.weights\nlibvirt = none\n' >/run/conf
vmenergyd --config /run/conf --socket /run/control --state-directory /var/lib/vmenergyd \
	>/run/daemon.log 2>&1 &
daemon=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
	vmenergyd ctl status >/dev/null 2>&1 && break
	sleep 1
done
vmenergyd ctl status || fail 'the daemon does not answer'
pid=$(grep -l guest=herd-0001, /proc/[0-9]*/cmdline 2>/dev/null | head -n 1 | cut -d / -f 3)
cpus "$pid" 5
check 'free CPUs of the one that will be held' "$cpus > 0.5"
half_w=$(awk "BEGIN { print $cpus / 2 * $ON_CPU_W }")
vmenergyd ctl cap herd-0001 "${half_w}W" || fail 'cap refused'
sleep 8
grep -H . $CGROUPS/vmenergy/*/cpu.max
cpus "$pid" $MEASURE_S
check 'watts under the cap' "$cpus * $ON_CPU_W <= 1.05 * $half_w && $cpus * $ON_CPU_W >= 0.94 * $half_w"
cgroup=$(sed -n 's/^0:://p' "/proc/$pid/cgroup")
kill -TERM $daemon
wait $daemon || fail "the daemon ended with $?"
check 'back where it was' "\"$cgroup\" ~ /^.vmenergy/ && \"$(sed -n 's/^0:://p' "/proc/$pid/cgroup")\" == \"/\""

# --- the disk and the weight, without the daemon ---------------------------------

# Busybox under a name by which it counts as a QEMU, and as itself. Its dd is its child.
reader() {
	cp /bin/busybox /run/qemu-system-x86_64
	# shellcheck disable=SC3038 # this shell is busybox's, which has it
	exec -a busybox /run/qemu-system-x86_64 sh -c \
		'while dd if=/dev/vda of=/dev/null bs=64k iflag=direct 2>/dev/null; do :; done'
}

read_sectors() {
	awk '{ print $3 }' /sys/block/vda/stat
}

reader &
reader=$!
sleep 2
leaf=$(cat /sys/block/vda/dev)
# What follows from the cgroup that it is moved to comes after "look".
printf '%s\n' 'get place' 'set place /vmenergy/reader /vmenergy/reader' look 'get disk' \
	"set disk $READ_BYTES_S 0 0 0" 'get shares' 'set shares 250' 'get shares' |
	actuate "pid=$reader" vdisk=vda "leaf=$leaf" >/run/actuate || fail actuate
cat /run/actuate
grep -q "^cgroup read $READ_BYTES_S B/s" /run/actuate || fail 'io.max refused'
grep -q "^$leaf rbps=$READ_BYTES_S " $CGROUPS/vmenergy/reader/io.max || fail 'io.max is not in force'
[ "$(cat $CGROUPS/vmenergy/reader/cpu.weight)" = 250 ] || fail 'cpu.weight is not in force'
sleep 2
before=$(read_sectors)
read -r from _ </proc/uptime
sleep $READ_S
read -r to _ </proc/uptime
rate=$(awk "BEGIN { printf \"%.0f\", ($(read_sectors) - $before) * 512 / ($to - $from) }")
check 'bytes read per second under io.max' "$rate >= 0.95 * $READ_BYTES_S && $rate <= 1.05 * $READ_BYTES_S"
printf '%s\n' 'set disk 0 0 0 0' 'set place / /' |
	actuate "pid=$reader" vdisk=vda "leaf=$leaf" >/run/actuate || fail actuate
cat /run/actuate
kill $reader
check 'the reader is back' "\"$(sed -n '$p' /run/actuate)\" == \"cgroup cpu in /, disk in /\""
exit 0

#!/bin/busybox sh
# shellcheck shell=dash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The part of hotplug that runs in the guest. Lines for the reader begin with
# "guest: hotplug". A spinner for each CPU that may run at the time makes all of them
# busy, so that what is counted is known: one or two CPUs' time.

# Elsewhere it would take a CPU away from the machine that it runs on.
[ -d /hotplug ] || {
	echo 'hotplug-guest.sh takes a CPU off line: only the guest of hotplug-long runs it' >&2
	exit 77
}

export PATH=/bin:/hotplug
CPU1=/sys/devices/system/cpu/cpu1/online

say() {
	echo "guest: hotplug $*"
}

fail() {
	say "FAILED: $*"
	tail -n 5 /run/errors
	exit 1
}

spin() {
	while :; do :; done
}

# The kept active watts of a tick, which are CPUs at 1 W each.
watts() { # watts TICK
	sed -n "${1}p" /run/ticks | sed 's/.*"kept":\[//; s/\].*//' | tr '{' '\n' |
		sed -n 's/.*"active_w":\([0-9.e-]*\).*/\1/p' | awk '{ sum += $1 } END { print sum + 0 }'
}

# Until so many ticks are there.
wait_ticks() { # wait_ticks COUNT
	for _ in $(seq 600); do
		[ "$(wc -l </run/ticks)" -lt "$1" ] || return 0
		sleep 0.1
	done
	fail "no tick $1"
}

check() { # check WHAT TICK LEAST MOST
	found=$(watts "$2")
	awk "BEGIN { exit !($found >= $3 && $found <= $4) }" || fail "$1: tick $2: $found W"
	say "$1: tick $2: $found W (limits $3 and $4 W)"
}

spin &
spin &
vmetop --json --no-libvirt --standalone --source switch -d 1 -n 12 \
	--weights /hotplug/clock.weights >/run/ticks 2>/run/errors &
vmetop=$!
wait_ticks 3
echo 0 >$CPU1 || fail 'the CPU cannot leave'
wait_ticks 7
echo 1 >$CPU1 || fail 'the CPU cannot come back'
wait $vmetop || fail "vmetop ended with $?"
say "$(cat /run/errors)"
check 'both CPUs' 3 1.6 2.4
check 'one of them' 6 0.8 1.2
check 'both again' 12 1.6 2.4
exit 0

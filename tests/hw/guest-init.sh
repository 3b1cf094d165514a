#!/bin/busybox sh
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=dash
#
# First process of the emulated guest: runs /steps.sh, tells how it went in a line
# of its own, and switches the machine off.
/bin/busybox mkdir -p /proc /sys /dev /tmp /run
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox mount -t cgroup2 cgroup2 /sys/fs/cgroup
/bin/busybox --install -s /bin
export PATH=/bin LD_LIBRARY_PATH=/lib

if [ -d /modules ]; then
	while read -r module; do insmod "/modules/$module"; done </modules/order
fi

# On a fresh mount of cgroup v2 perf_event_open(2) knows no cgroup before this.
echo +cpu >/sys/fs/cgroup/cgroup.subtree_control

if sh -e /steps.sh; then
	echo ALL-PASSED
else
	echo NOT-PASSED
fi
poweroff -f

# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# VMs whose second disk, vdb, a storage daemon serves over vhost-user-blk: a bash
# library on top of rig.sh. What it starts ends with the rig.
#
#     served_guest                                    # in the guests: read-blocks
#     served_disk busy 16 && served_disk lazy 16      # before their daemon
#     served_daemon front busy "${SERVED[@]}"         # its process id in SERVED_PID
#     served_vm busy 'my name' && served_vm lazy 'other name'

SERVED_HOME=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SERVED=()
SERVED_PID=

# The guest's initramfs, and behind it a program: the kernel unpacks both.
served_guest() {
	local tree=$RIG_DIR/served
	rig_need "${CC:-gcc}" cpio gzip || return
	mkdir -p "$tree/bin" &&
		"${CC:-gcc}" -std=gnu11 -D_GNU_SOURCE -O2 -static -o "$tree/bin/read-blocks" "$SERVED_HOME/read-blocks.c" || return
	{ cat "$RIG_GUEST/initrd.gz" && (cd "$tree" && find . | cpio --quiet -o -H newc -R 0:0 | gzip -1); } >"$RIG_DIR/served.gz"
}

# A disk that is really written, its I/O thread and its export, in SERVED. Disks of
# one THREAD share it; "main" is the main loop.
served_disk() { # served_disk ID MEGABYTES [THREAD [AIO]]
	local thread=${3:-$1} by=''
	rig_disk "$1-served" "$2" || return
	[[ $thread == main ]] || by=,iothread=io-$thread
	[[ ! $by || " ${SERVED[*]-} " == *" iothread,id=io-$thread "* ]] || SERVED+=(--object "iothread,id=io-$thread")
	SERVED+=(
		--blockdev "driver=file,node-name=$1,filename=$RIG_DIR/$1-served.img,cache.direct=on,aio=${4:-native}"
		--export "type=vhost-user-blk,id=$1,node-name=$1,addr.type=unix,addr.path=$RIG_DIR/$1.vhost$by,writable=on"
	)
}

# Returns when the socket of the disk ID is there: it is made last.
served_daemon() { # served_daemon NAME ID ARGUMENT...
	rig_need qemu-storage-daemon || return
	# By a name in the rig's folder, it goes when the rig ends.
	ln -sf "$(command -v qemu-storage-daemon)" "$RIG_DIR/bin"
	"$RIG_DIR/bin/qemu-storage-daemon" "${@:3}" </dev/null >"$RIG_DIR/$1.err" 2>&1 &
	SERVED_PID=$!
	disown # or bash would report how it ended
	_rig_wait 10 "$SERVED_PID" test -S "$RIG_DIR/$2.vhost" ||
		rig_fail "the daemon $1 does not start: $(<"$RIG_DIR/$1.err")"
}

# Its memory is shared with the daemon.
served_vm() { # served_vm ID NAME
	rig_qemu_vm "$1" "$2" idle memory_mb=96 report=0 initrd="$RIG_DIR/served.gz" -- \
		-object memory-backend-memfd,id=memory,size=96M,share=on -machine memory-backend=memory \
		-chardev "socket,id=served,path=$RIG_DIR/$1.vhost" \
		-device vhost-user-blk-pci,chardev=served,id=served0,num-queues=1
}

# Types a line and sees that it was heard: a busy QEMU may miss what is typed. KEY is
# a word that no other line of this VM has.
served_type() { # served_type ID KEY LINE
	local try
	for try in {1..5}; do
		rig_guest_type "$1" "[ -e /run/typed-$2 ] || { >/run/typed-$2; echo guest: heard $2; $3; }" || return
		! _rig_wait $((2 * try)) "$$" rig_has_line "$1" "guest: heard $2" || return 0
	done
	_rig_not_ready "$1" "does not hear what is typed"
}

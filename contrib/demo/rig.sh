# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Small real VMs for the demo and the system tests: a bash library. A user does
#
#     . contrib/demo/rig.sh
#     rig_enter "$@"                       # root, in a mount namespace of our own
#     trap rig_end EXIT
#     rig_begin build/guest                # makes RIG_DIR and all that is in it
#     rig_libvirtd_start
#     rig_libvirt_vm disk 'my name' drw:64 disk_mb=64
#     rig_qemu_vm idle 'other name' idle
#     rig_wait_ready 60 disk idle
#
# Functions return 1 after a message on stderr; none writes to stdout unless its
# result is text. A VM has an ID, short and plain, that our file names are made
# of, and a NAME, which may be any text that libvirt or QEMU takes.
#
# In RIG_DIR: ID.img the disk, ID.log the console's output, ID.serial the
# console's socket, ID.qmp the QMP socket (plain QEMU only), ID.err complaints,
# ID.xml the definition (libvirt only), and libvirt's private folders.
#
# VMENERGY_DEMO_DIR  where RIG_DIR is made; a disk's file system, since direct
#                    I/O on tmpfs fails or costs no disk energy (/var/tmp)

RIG_HOME=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
RIG_PACKAGES='qemu-system-x86 libvirt-daemon-system libvirt-clients busybox-static cpio'
RIG_DIR=

rig_say() { # rig_say TEXT...
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

rig_fail() { # rig_fail TEXT... ; for "|| rig_fail ... || return"
	rig_say "$@"
	return 1
}

# --- the surroundings ---------------------------------------------------------

# Starts the calling script again as root and in its own mount namespace; the
# process stays the same, unless sudo comes between. Signals get their default
# action back: a script that was started in the background of another ignores
# SIGINT, cannot trap it, and would leave everything behind.
rig_enter() { # rig_enter "$@" (the script's arguments)
	[[ ${RIG_INSIDE-} != "$$" ]] || return 0
	PATH=$PATH:/usr/sbin:/sbin
	if [[ $EUID -ne 0 ]]; then
		_rig_sudo "$@"
		return 1
	fi
	export RIG_INSIDE=$$
	exec env --default-signal=INT,QUIT,TERM unshare --mount --propagation private -- "$BASH" "$0" "$@"
}

_rig_sudo() { # replaces this process, or fails
	command -v sudo >/dev/null || rig_fail 'must be run as root (there is no sudo here)' || return
	rig_say 'VMs under libvirt need root: continuing with sudo'
	local keep=() name
	for name in "${!VM@}"; do # VMETOP, VMENERGY_...
		keep+=("$name=${!name}")
	done
	exec sudo -- env "${keep[@]}" "$BASH" "$0" "$@"
}

rig_need() { # rig_need PROGRAM...
	local program missing=()
	for program; do
		command -v "$program" >/dev/null || missing+=("$program")
	done
	[[ ${#missing[@]} -eq 0 ]] ||
		rig_fail "missing: ${missing[*]}. On Debian: apt-get install --no-install-recommends $RIG_PACKAGES"
}

# Makes RIG_DIR and the private places. Everything that is made from here on is
# made in RIG_DIR, in the mount namespace, or in a cgroup that is named after it.
rig_begin() { # rig_begin GUEST_FOLDER (made by mkguest)
	rig_need virsh libvirtd qemu-system-x86_64 setpriv setsid || return
	[[ -e $1/vmlinuz && -e $1/initrd.gz ]] || rig_fail "$1: no guest here; run contrib/demo/mkguest $1" || return
	RIG_GUEST=$(cd "$1" && pwd)
	# It goes into libvirt's and QEMU's options, each with rules of its own.
	[[ ${VMENERGY_DEMO_DIR:=/var/tmp} =~ ^/[a-zA-Z0-9/._-]{0,60}$ ]] ||
		rig_fail "VMENERGY_DEMO_DIR=$VMENERGY_DEMO_DIR: must be a plain absolute path of at most 60 characters" || return
	RIG_DIR=$(mktemp -d "$VMENERGY_DEMO_DIR/vmenergy-rig.XXXXXXXX") || return
	RIG_PARTITION=${RIG_DIR##*/}
	RIG_PARTITION=/${RIG_PARTITION//./-}
	mkdir "$RIG_DIR/bin"
	mkfifo "$RIG_DIR/never"
	# Whatever we start, we start through these links: its argv[0] then says
	# whose it is, also when libvirtd started it for us. libvirtd gets a PATH
	# with nothing else in it, as it would probe each emulator it finds (2 s).
	ln -s "$(command -v qemu-system-x86_64)" "$(command -v libvirtd)" "$RIG_DIR/bin"
	_rig_guard
	_rig_private_libvirt && _rig_make_partition
}

# A process that tears down for a script that was killed without warning; the
# kernel tells it. A session of its own, so that Ctrl-C does not reach it.
_rig_guard() {
	# shellcheck disable=SC2016 # expands in the guard
	setsid setpriv --pdeathsig USR1 "$BASH" -c '
		. "$1"; RIG_DIR=$2 RIG_PARTITION=$3
		trap "rig_end; exit" USR1
		while :; do read -r -t 60 _; done' \
		rig-guard "$RIG_HOME/rig.sh" "$RIG_DIR" "$RIG_PARTITION" <>"$RIG_DIR/never" >/dev/null 2>&1 &
	RIG_GUARD=$!
}

# --- libvirtd -----------------------------------------------------------------

_rig_private_libvirt() {
	local at
	[[ -d /run/libvirt ]] || _rig_private_run || return
	for at in etc:/etc run:/run lib:/var/lib cache:/var/cache log:/var/log; do
		mkdir "$RIG_DIR/${at%%:*}" &&
			mount -n --bind "$RIG_DIR/${at%%:*}" "${at#*:}/libvirt" ||
			rig_fail "cannot make ${at#*:}/libvirt private" || return
	done
	_rig_libvirt_conf
}

# Where libvirtd has never run there is no /run/libvirt to mount on. Making one
# would leave it behind, or, on removal, take the mount from a second rig (the
# kernel detaches it). So we get our own /run, with all that is in the other.
# The descriptor reaches what the new mount hides; mount must not resolve it (-c)
# nor keep notes in /run (-n).
_rig_private_run() {
	local old entry to
	exec {old}</run
	mount -n -t tmpfs -o mode=755,nosuid,nodev vmenergy-rig /run || return
	for entry in "/proc/$$/fd/$old"/{.[!.],}*; do
		to=/run/${entry##*/}
		if [[ -L $entry ]]; then
			cp -P "$entry" "$to"
		elif [[ -d $entry ]]; then
			mkdir "$to" && mount -nc --rbind "$entry" "$to"
		elif [[ -e $entry ]]; then
			: >"$to" && mount -nc --bind "$entry" "$to"
		fi
	done
	exec {old}<&-
	mkdir /run/libvirt
}

# No labels, no chown, no /dev of its own, no virtlogd, no huge pages: nothing
# outside RIG_DIR shall be touched. The device controller adds nothing here.
_rig_libvirt_conf() {
	cat >/etc/libvirt/qemu.conf <<-'END'
		security_driver = "none"
		user = "root"
		group = "root"
		dynamic_ownership = 0
		remember_owner = 0
		namespaces = []
		stdio_handler = "file"
		hugetlbfs_mount = []
		cgroup_controllers = [ "cpu", "cpuacct", "cpuset", "memory", "blkio" ]
	END
	cat >/etc/libvirt/libvirtd.conf <<-END
		auth_unix_rw = "none"
		auth_unix_ro = "none"
		log_outputs = "3:file:$RIG_DIR/libvirtd.log"
	END
}

# With a system bus in reach, libvirt would register the VMs with the host's
# machined and get their cgroups from systemd; without, it makes plain ones, the
# same on every host. A clean environment also hides a service manager's sockets.
rig_libvirtd_start() {
	rm -f /run/libvirt/libvirt-sock
	setsid env -i PATH="$RIG_DIR/bin:/usr/sbin:/sbin" LC_ALL=C DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent \
		"$RIG_DIR/bin/libvirtd" -f /etc/libvirt/libvirtd.conf -p "$RIG_DIR/libvirtd.pid" \
		</dev/null >"$RIG_DIR/libvirtd.err" 2>&1 &
	RIG_LIBVIRTD=$!
	disown # or bash would report how it ended
	_rig_wait 30 "$RIG_LIBVIRTD" test -S /run/libvirt/libvirt-sock ||
		rig_fail "libvirtd does not start: $(tail -qn 5 "$RIG_DIR"/libvirtd.{err,log} 2>/dev/null)"
}

rig_libvirtd_stop() { # the VMs go on
	kill -CONT "$RIG_LIBVIRTD"
	kill "$RIG_LIBVIRTD"
	_rig_wait 10 "$RIG_LIBVIRTD" false
	! kill -0 "$RIG_LIBVIRTD" 2>/dev/null || rig_fail 'libvirtd does not end'
}

rig_virsh() { # rig_virsh ARG... ; with virsh's output
	timeout 60 virsh -q -c qemu:///system "$@"
}

# --- cgroups ------------------------------------------------------------------

# libvirt calls a VM's cgroup qemu-1-NAME: in the usual /machine, two rigs would
# share one and kill each other's VMs. So each rig has a partition of its own,
# which libvirt does not make, and which is ours to remove.

_rig_hierarchies() { # prints the folder of each cgroup hierarchy with controllers
	local folder type options
	while read -r _ folder type options _; do
		[[ $type == cgroup2 || $type == cgroup && $options != *name=* ]] && printf '%b\n' "$folder"
	done </proc/self/mounts
}

_rig_make_partition() {
	local top
	while read -r top; do
		[[ ! -e $top/cgroup.controllers ]] || _rig_delegate "$top"
		mkdir "$top$RIG_PARTITION.partition" || rig_fail "$top: cannot make a cgroup" || return
		[[ ! -e $top/cgroup.controllers ]] || _rig_delegate "$top$RIG_PARTITION.partition"
		# v1 makes a cpuset that may use no CPU and no memory.
		[[ ! -e $top/cpuset.mems ]] || _rig_fill_cpuset "$top" "$top$RIG_PARTITION.partition"
	done < <(_rig_hierarchies)
}

_rig_fill_cpuset() { # _rig_fill_cpuset FROM TO
	local file
	for file in cpuset.cpus cpuset.mems; do
		cat "$1/$file" >"$2/$file"
	done
}

# v2: the folder's children shall have these controllers. Notes those that were
# not yet on, for _rig_undelegate.
_rig_delegate() { # _rig_delegate FOLDER
	local controller
	for controller in cpu cpuset io memory; do
		[[ " $(<"$1/cgroup.controllers") " == *" $controller "* &&
			" $(<"$1/cgroup.subtree_control") " != *" $controller "* ]] || continue
		echo "+$controller" 2>/dev/null >"$1/cgroup.subtree_control" &&
			echo "$controller $1/cgroup.subtree_control" >>"$RIG_DIR/delegated"
	done
	return 0
}

# The kernel refuses what others (another rig, systemd) use by now: right so.
_rig_undelegate() {
	local controller file
	[[ -e $RIG_DIR/delegated ]] || return 0
	while read -r controller file; do
		[[ ! -e $file ]] || echo "-$controller" 2>/dev/null >"$file"
	done <"$RIG_DIR/delegated"
}

_rig_remove_partition() {
	local top
	for _ in {1..20}; do
		while read -r top; do
			[[ ! -d $top$RIG_PARTITION.partition ]] ||
				find "$top$RIG_PARTITION.partition" -depth -type d -exec rmdir {} + 2>/dev/null
		done < <(_rig_hierarchies)
		_rig_has_partition || break
		sleep 0.1
	done
	_rig_undelegate
	! _rig_has_partition || rig_fail "cgroups $RIG_PARTITION.partition stay behind"
}

_rig_has_partition() {
	local top
	while read -r top; do
		[[ ! -d $top$RIG_PARTITION.partition ]] || return 0
	done < <(_rig_hierarchies)
	return 1
}

# --- VMs ----------------------------------------------------------------------

# Options of both kinds of VM, with their defaults. Sets the caller's locals.
_rig_vm_options() { # _rig_vm_options KEY=VALUE...
	vcpus=1 max_vcpus='' memory_mb=96 disk_mb=16 iothread=no report=1 devices='' uuid='' on_reboot=destroy initrd=$RIG_GUEST/initrd.gz
	local option
	for option; do
		case $option in
		vcpus=* | max_vcpus=* | memory_mb=* | disk_mb=* | iothread=* | report=* | devices=* | uuid=* | on_reboot=* | initrd=*)
			printf -v "${option%%=*}" '%s' "${option#*=}"
			;;
		*) rig_fail "rig: unknown option $option" || return ;;
		esac
	done
}

# Really written: the holes of a sparse file are read without any disk.
rig_disk() { # rig_disk ID MEGABYTES
	dd if=/dev/zero of="$RIG_DIR/$1.img" bs=1M count="$2" oflag=direct status=none 2>"$RIG_DIR/$1.err" ||
		rig_fail "$RIG_DIR: no direct I/O there, or no room; set VMENERGY_DEMO_DIR ($(<"$RIG_DIR/$1.err"))"
}

_rig_append() { # _rig_append WORK REPORT ; the guest's kernel command line
	printf 'console=ttyS0 quiet panic=-1 mitigations=off work=%s report=%s' "$1" "$2"
}

# Starts a VM in libvirt and returns when its QEMU runs, before it is ready.
rig_libvirt_vm() { # rig_libvirt_vm ID NAME WORK [KEY=VALUE...] (also devices=XML max_vcpus=N uuid=UUID on_reboot=WORD)
	local id=$1 name=$2 work=$3 vcpus max_vcpus memory_mb disk_mb iothread report devices uuid on_reboot initrd
	shift 3
	_rig_vm_options "$@" && rig_disk "$id" "$disk_mb" || return
	_rig_domain_xml >"$RIG_DIR/$id.xml"
	# In the background, for a trap to be served at once.
	rig_virsh create "$RIG_DIR/$id.xml" </dev/null >"$RIG_DIR/$id.err" 2>&1 &
	wait $! || rig_fail "VM $name: libvirt does not start it: $(<"$RIG_DIR/$id.err")"
}

_rig_domain_xml() { # uses rig_libvirt_vm's locals
	cat <<-END
		<domain type='qemu'>
		  <name>$(_rig_xml "$name")</name>
		  ${uuid:+<uuid>$uuid</uuid>}
		  <memory unit='MiB'>$memory_mb</memory>
		  <vcpu current='$vcpus'>${max_vcpus:-$vcpus}</vcpu>
		  $([[ $iothread == no ]] || echo '<iothreads>1</iothreads>')
		  <resource><partition>$RIG_PARTITION</partition></resource>
		  <os>
		    <type arch='x86_64' machine='pc'>hvm</type>
		    <kernel>$(_rig_xml "$RIG_GUEST/vmlinuz")</kernel>
		    <initrd>$(_rig_xml "$initrd")</initrd>
		    <cmdline>$(_rig_xml "$(_rig_append "$work" "$report")")</cmdline>
		  </os>
		  <features><acpi/><tcg><tb-cache unit='MiB'>32</tb-cache></tcg></features>
		  <on_reboot>$on_reboot</on_reboot>
		  <devices>
		    <disk type='file' device='disk'>
		      <driver name='qemu' type='raw' cache='none'$([[ $iothread == no ]] || echo " iothread='1'")/>
		      <source file='$RIG_DIR/$id.img'/>
		      <target dev='vda' bus='virtio'/>
		    </disk>
		    <serial type='unix'>
		      <source mode='bind' path='$RIG_DIR/$id.serial'/>
		      <log file='$RIG_DIR/$id.log' append='on'/>
		    </serial>
		    <controller type='usb' model='none'/>
		    <memballoon model='none'/>
		    $devices
		  </devices>
		</domain>
	END
}

_rig_xml() { # _rig_xml TEXT ; escaped (quoted: bash 5.2 expands a bare & itself)
	local text=$1
	text=${text//'&'/'&amp;'}
	text=${text//'<'/'&lt;'}
	text=${text//'>'/'&gt;'}
	text=${text//"'"/'&apos;'}
	printf '%s' "${text//'"'/'&quot;'}"
}

# Starts a VM without libvirt, as its own user might. What follows "--" goes to
# QEMU. Its QMP socket is for the tests; it serves one client at a time.
rig_qemu_vm() { # rig_qemu_vm ID NAME WORK [KEY=VALUE...] [-- ARGUMENT...]
	local id=$1 name=$2 work=$3 vcpus max_vcpus memory_mb disk_mb iothread report devices uuid on_reboot initrd options=()
	shift 3
	while [[ $# -gt 0 && $1 != -- ]]; do
		options+=("$1")
		shift
	done
	_rig_vm_options "${options[@]}" && rig_disk "$id" "$disk_mb" || return
	local disk=virtio-blk-pci,drive=drive0,id=vda base=$RIG_DIR/$id
	[[ $iothread == no ]] || disk+=,iothread=iothread1
	# In QEMU's options, a comma within a value is doubled.
	setsid "$RIG_DIR/bin/qemu-system-x86_64" -name "guest=${name//,/,,},debug-threads=on" \
		-machine pc -accel tcg,tb-size=32 -m "$memory_mb" -smp "$vcpus" \
		-nodefaults -no-user-config -display none -no-reboot \
		-kernel "$RIG_GUEST/vmlinuz" -initrd "$initrd" -append "$(_rig_append "$work" "$report")" \
		-object iothread,id=iothread1 \
		-drive "if=none,id=drive0,file=$base.img,format=raw,cache=none" -device "$disk" \
		-chardev "socket,id=serial0,path=$base.serial,server=on,wait=off,logfile=$base.log" \
		-serial chardev:serial0 \
		-qmp "unix:$base.qmp,server=on,wait=off" "${@:2}" \
		</dev/null >"$RIG_DIR/$id.err" 2>&1 &
	disown
	# It is this process already, but not yet this program.
	_rig_wait 10 "$!" rig_pid "$id" >/dev/null || rig_fail "VM $name does not start: $(<"$RIG_DIR/$id.err")"
}

rig_wait_ready() { # rig_wait_ready SECONDS ID...
	local limit=$1 end id
	shift
	end=$((SECONDS + limit))
	for id; do
		until rig_has_line "$id" 'guest: ready'; do
			[[ $SECONDS -lt $end ]] || _rig_not_ready "$id" "not ready after $limit s" || return
			rig_pid "$id" >/dev/null || _rig_not_ready "$id" 'its QEMU has ended' || return
			sleep 0.1
		done
	done
}

_rig_not_ready() { # _rig_not_ready ID TEXT ; fails
	rig_say "VM $1: $2. The end of its console and of QEMU's messages:"
	tail -n 15 "$RIG_DIR/$1.log" "$RIG_DIR/$1.err" >&2
	return 1
}

rig_has_line() { # rig_has_line ID TEXT ; does a console line contain TEXT?
	grep -qsF -- "$2" "$RIG_DIR/$1.log"
}

rig_wait_line() { # rig_wait_line ID TEXT SECONDS
	_rig_wait "$3" "$$" rig_has_line "$1" "$2" || _rig_not_ready "$1" "no line '$2' within $3 s"
}

# The last whole report of the guest on its own disk, see guest-init.
rig_guest_disk() { # rig_guest_disk ID ; prints "uptime=... read_bytes=... ..."
	sed -n 's/^guest: disk \(.*write_bytes=[0-9]*\)\r$/\1/p' "$RIG_DIR/$1.log" | tail -n 1
}

# Types a line on the console, which is a shell; its output goes to ID.log. The
# pause is for QEMU, which takes a few bytes at a time and stops at a hang-up.
rig_guest_type() { # rig_guest_type ID LINE
	rig_need socat || return
	{ printf '%s\n' "$2" && sleep 0.5; } | socat -u - "UNIX-CONNECT:$RIG_DIR/$1.serial"
}

rig_pid() { # rig_pid ID ; prints the process id of the VM's QEMU
	local pid
	for pid in $(_rig_pids qemu-system-x86_64); do
		if tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "$RIG_DIR/$1.img"; then
			echo "$pid"
			return
		fi
	done
	return 1
}

# --- the end ------------------------------------------------------------------

_rig_pids() { # _rig_pids [PROGRAM] ; prints the ids of all that runs from our links
	local file argv0
	for file in /proc/[0-9]*/cmdline; do
		{ IFS= read -r -d '' argv0 <"$file"; } 2>/dev/null || continue
		[[ $argv0 == "$RIG_DIR/bin/${1-}"* ]] || continue
		file=${file#/proc/}
		echo "${file%/cmdline}"
	done
}

_rig_wait() { # _rig_wait SECONDS PID COMMAND... ; until COMMAND succeeds, while PID lives
	local end=$((SECONDS + $1)) pid=$2
	shift 2
	until "$@"; do
		[[ $SECONDS -lt $end ]] && kill -0 "$pid" 2>/dev/null || return
		sleep 0.1
	done
}

# Asks libvirtd and each QEMU to end, again and again since libvirtd may just be
# starting one; from the third second on, does not ask any more.
_rig_kill_all() {
	local start=$SECONDS pids signal=TERM
	while pids=$(_rig_pids) && [[ $pids ]]; do
		[[ $((SECONDS - start)) -lt 3 ]] || signal=KILL
		[[ $((SECONDS - start)) -lt 10 ]] || rig_fail "processes stay behind:" "$pids" || return
		# shellcheck disable=SC2086 # one word each
		kill -s "$signal" $pids 2>/dev/null
		# shellcheck disable=SC2086 # a stopped one would not notice
		kill -s CONT $pids 2>/dev/null
		sleep 0.1
	done
}

# Removes all that this rig made. May be called at any moment, and twice; the
# mounts go with the last process of the namespace. Ends the guard last.
rig_end() {
	trap '' INT TERM HUP
	[[ $RIG_DIR ]] || return 0
	_rig_kill_all
	_rig_remove_partition
	rm -rf --one-file-system "${RIG_DIR:?}"
	RIG_DIR=
	[[ ${RIG_GUARD-} ]] || return 0
	kill "$RIG_GUARD"
	wait "$RIG_GUARD"
	RIG_GUARD=
}

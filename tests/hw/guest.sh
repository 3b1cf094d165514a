#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# To be sourced by the tests of this folder: programs run in an emulated arm64
# machine, where each instruction takes a nanosecond and all is bit-exact from
# run to run. The guest's console is the test's output.
#
#     guest_build hw-guest      cross-build a program (build.sh)
#     guest_add FILE [NAME]     FILE is /bin/NAME in the guest, its libraries in /lib
#     guest_run CPU [CPUS]      run the commands of standard input there; 0 if all of them passed
#
# Before guest_run, for a guest with a USB-to-serial chip (QEMU's), whose other end is
# the socket; COMMAND, given the QEMU to run, listens there:
#
#     guest_usb SOCKET COMMAND [ARGUMENT...]
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
HW=$(realpath -m "$HERE/../../build/hw")
LIMIT_S=100 # no judgement: it ends what hangs

WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
ROOT=$WORK/root
KERNEL=vmlinuz
SHIFT=0 # 2^SHIFT ns of the guest's time for an instruction
DEVICES=()
WRAPPER=()
mkdir -p "$ROOT/bin" "$ROOT/lib" "$ROOT/sys" "$ROOT/proc" "$ROOT/dev" "$ROOT/tmp"

# One test at a time: they share what is fetched and built.
guest_build() { # guest_build PROGRAM
	mkdir -p "$HW"
	(
		flock 9
		bash "$HERE/fetch.sh" "$HW"
		bash "$HERE/build.sh" "$HW" "$1" >"$HW/build-${1##*/}.log" 2>&1 || {
			cat "$HW/build-${1##*/}.log"
			exit 1
		}
	) 9>"$HW/build.lock"
}

# Libraries that a program or library needs, and those that they need.
add_libraries() { # add_libraries FILE
	local name file
	for name in $(aarch64-linux-gnu-readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
		[[ ! -e $ROOT/lib/$name ]] || continue
		file=$(find "$HW/root/lib" "$HW/root/usr/lib" -name "$name" -print -quit)
		if [[ ! $file ]]; then
			echo "$1 needs $name, which was not fetched"
			return 1
		fi
		cp -L "$file" "$ROOT/lib/$name"
		add_libraries "$file"
	done
}

guest_add() { # guest_add FILE [NAME]
	cp "$1" "$ROOT/bin/${2:-${1##*/}}"
	[[ $(head -c 4 "$1") != $'\x7fELF' ]] || add_libraries "$1"
}

# That guest is idle most of the time: the less it executes in a second, the sooner it is over.
guest_usb() { # guest_usb SOCKET COMMAND [ARGUMENT...]
	KERNEL=usb/vmlinuz
	SHIFT=3
	# shellcheck disable=SC2054  # commas are QEMU's
	DEVICES=(-device qemu-xhci -chardev "socket,id=serial,path=$1"
		-device usb-serial,chardev=serial)
	WRAPPER=("${@:2}")
	mkdir -p "$ROOT/modules"
	cp "$HW"/usb/*.ko "$HW/usb/order" "$ROOT/modules"
}

# The same files give the same bytes.
pack() {
	cp "$HW/root/bin/busybox" "$ROOT/bin/busybox"
	install -m 755 "$HERE/guest-init.sh" "$ROOT/init"
	find "$ROOT" -exec touch -h -d @0 {} +
	(cd "$ROOT" && find . | LC_ALL=C sort | cpio --quiet --reproducible -o -H newc -R 0:0) \
		>"$WORK/initrd"
}

# -icount: nanoseconds of the guest's time for each instruction; sleep=off skips idle time.
# The rest makes the guest start in the same state each time; its random numbers come from the
# seed, or else the first to want one would wait seconds for the kernel to gather some.
boot() { # boot CPU CPUS
	timeout --foreground "$LIMIT_S" "${WRAPPER[@]}" qemu-system-aarch64 \
		-accel tcg -machine virt -seed 1 -cpu "$1" -smp "$2" -m 512 \
		-icount "shift=$SHIFT,sleep=off" -rtc base=2024-01-01,clock=vm \
		-display none -nodefaults -no-reboot -serial stdio \
		"${DEVICES[@]}" -kernel "$HW/$KERNEL" -initrd "$WORK/initrd" -append \
		'console=ttyAMA0 quiet panic=-1 nokaslr norandmaps random.trust_bootloader=on' \
		</dev/null | sed -u 's/\r$//'
}

guest_run() { # guest_run CPU [CPUS] <<<COMMANDS
	cat >"$ROOT/steps.sh"
	pack
	boot "$1" "${2:-1}" | tee "$WORK/console"
	if grep -q '^FAILED' "$WORK/console" || ! grep -qx ALL-PASSED "$WORK/console"; then
		echo "the guest with -cpu $1 -smp ${2:-1} did not pass"
		return 1
	fi
}

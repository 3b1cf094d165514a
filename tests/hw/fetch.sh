#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Usage: fetch.sh FOLDER
#
# Debian's arm64 packages for the emulated guest, from whatever mirrors this
# machine's apt uses, but with lists and a cache of their own in FOLDER: the
# machine's architectures and lists stay as they are. Leaves
#     FOLDER/root      what the packages hold: headers, libraries, busybox
#     FOLDER/vmlinuz   the cloud kernel: no modules are needed
#     FOLDER/usb       Debian's other kernel, vmlinuz, and its modules for USB
# and does nothing when they are there.
set -euo pipefail

SELF=$(realpath "${BASH_SOURCE[0]}")
# With all that they need to run.
readonly RUNTIME=(libvirt0 libxml2 libjansson4 libinih1 libncursesw6 libpfm4 libusb-1.0-0 libgsl27)
# Themselves alone.
readonly SINGLE=(busybox-static libvirt-dev libxml2-dev libjansson-dev libinih-dev
	libncurses-dev libpfm4-dev libusb-1.0-0-dev libgsl-dev)
readonly KERNEL=linux-image-cloud-arm64 USB_KERNEL=linux-image-arm64
readonly USB_MODULES=(usb-common usbcore xhci-hcd xhci-pci usbserial ftdi_sio)

say() {
	printf 'fetch.sh: %s\n' "$*" >&2
}

apt_for_arm64() { # apt_for_arm64 get|cache ARGUMENT...
	"apt-$1" -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
		-o Dir::State::status=/dev/null -o Dir::State::lists="$FOLDER/lists" \
		-o Dir::Cache="$FOLDER" -o APT::Sandbox::User=root -o Debug::NoLocking=1 \
		-o Acquire::Languages=none -o Acquire::Retries=3 "${@:2}"
}

kernel_package() { # kernel_package META-PACKAGE
	apt_for_arm64 cache depends "$1" | sed -n 's/^ *Depends: //p' | head -n 1
}

# Lists of other sources than Debian's may fail: the packages tell whether anything is missing.
download() {
	rm -rf "$FOLDER/lists" "$FOLDER/archives"
	mkdir -p "$FOLDER/lists/partial" "$FOLDER/archives/partial"
	cd "$FOLDER/archives" || return
	apt_for_arm64 get update
	apt_for_arm64 get install -y --download-only --no-install-recommends "${RUNTIME[@]}" &&
		apt_for_arm64 get download "${SINGLE[@]}" "$(kernel_package "$KERNEL")" \
			"$(kernel_package "$USB_KERNEL")"
}

unpack() {
	local package
	rm -rf "$FOLDER/root"
	mkdir -p "$FOLDER/root"
	for package in "$FOLDER"/archives/*.deb; do
		[[ ${package##*/} != linux-image-* ]] || continue
		dpkg-deb --fsys-tarfile "$package" | tar -x -C "$FOLDER/root" \
			--exclude='./usr/share/*'
	done
}

# Of all that a kernel's package holds: itself, and the modules that are named.
unpack_kernel() { # unpack_kernel PACKAGE FOLDER [MODULE...]
	local files=('./boot/vmlinuz-*' "${@:3}")
	rm -rf "$2.all"
	mkdir -p "$2.all" "$2"
	dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2.all" --wildcards "${files[@]}"
	mv "$2.all"/boot/vmlinuz-* "$2/vmlinuz"
	find "$2.all" -name '*.ko' -exec mv {} "$2" \;
	rm -rf "$2.all"
}

unpack_kernels() {
	local modules=("${USB_MODULES[@]/#/*/}")
	unpack_kernel "$FOLDER"/archives/linux-image-*-cloud-arm64_*.deb "$FOLDER"
	rm -f "$FOLDER"/archives/linux-image-*-cloud-arm64_*.deb
	unpack_kernel "$FOLDER"/archives/linux-image-*-arm64_*.deb "$FOLDER/usb" \
		"${modules[@]/%/.ko}"
	printf '%s.ko\n' "${USB_MODULES[@]}" >"$FOLDER/usb/order"
}

main() {
	FOLDER=$(realpath -m "${1:?FOLDER}")
	mkdir -p "$FOLDER"
	exec 9>"$FOLDER/lock"
	flock 9
	[[ $FOLDER/fetched -ot $SELF ]] || return 0
	say 'fetching arm64 packages'
	if ! (download) >"$FOLDER/apt.log" 2>&1; then
		tail -n 20 "$FOLDER/apt.log" >&2
		say "apt cannot fetch Debian's arm64 packages from this machine's mirrors"
		return 1
	fi
	unpack
	unpack_kernels
	rm -rf "$FOLDER/archives" "$FOLDER/lists"
	touch "$FOLDER/fetched"
}

main "$@"

#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Usage: build.sh FOLDER hw-guest|vmetop|calibrate|tests/read-plant
#
# Cross-builds a program for arm64 into FOLDER/bin, from our own sources and
# what fetch.sh put into FOLDER:
#     hw-guest   the cases of tests/hw/*.c, with the library's real rooms; static
#     the others as they are, with shared libraries
set -euo pipefail

readonly TRIPLET=aarch64-linux-gnu
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
FOLDER=$(realpath "${1:?FOLDER}")
ROOT=$FOLDER/root
FOLDERS=("$ROOT/usr/lib/$TRIPLET" "$ROOT/lib/$TRIPLET")

# pkg-config must name the guest's libraries, and no others.
export PKG_CONFIG_LIBDIR=$ROOT/usr/lib/$TRIPLET/pkgconfig:$ROOT/usr/share/pkgconfig
export PKG_CONFIG_SYSROOT_DIR=$ROOT

# The project's own rules. C's headers are those of the cross compiler, others' the guest's.
make_for_arm64() {
	make --no-print-directory -j "$(nproc)" VARIANT=release WERROR=1 BPF=0 PKGS_VMENERGYD= \
		O="$FOLDER/obj" BIN="$FOLDER/bin" CC=$TRIPLET-gcc AR=$TRIPLET-ar \
		CFLAGS="-idirafter $ROOT/usr/include/$TRIPLET -idirafter $ROOT/usr/include" \
		LDFLAGS="${FOLDERS[*]/#/-L} ${FOLDERS[*]/#/-Wl,-rpath-link,}" "$@"
}

build_hw_guest() {
	local objects=(tests/hw/*.c)
	objects=("${objects[@]/%.c/.o}")
	objects=("${objects[@]/#/$FOLDER/obj/}")
	make_for_arm64 "$FOLDER/obj/libvmenergy.a" "${objects[@]}"
	mkdir -p "$FOLDER/bin"
	$TRIPLET-gcc -static -o "$FOLDER/bin/hw-guest" "${objects[@]}" \
		"$FOLDER/obj/libvmenergy.a" "${FOLDERS[@]/#/-L}" -lpfm -linih -lm -lpthread
}

case ${2:-} in
hw-guest) build_hw_guest ;;
vmetop | calibrate | tests/read-plant) make_for_arm64 "$FOLDER/bin/$2" ;;
*) exit 2 ;;
esac

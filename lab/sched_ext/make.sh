#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR MIT
# Builds the holder, in a root of its own in the store: make.sh [STORE]
# Everything goes into STORE/sched_ext; remove it, and all is as before. Root only.
set -e
here=$(cd "$(dirname "$0")" && pwd)
store=${1:-$STALEMAP_LAB}
made=$store/sched_ext
root=$made/root
export APT_CONFIG="$store/apt/apt.conf"
[ -f "$APT_CONFIG" ] || { echo "make.sh: $store: no store of the lab; \`stalemap lab fetch 7.3\` makes one" >&2; exit 2; }

apt() { apt-get -q -o Dir::Cache="$made/cache" "$@"; }

if [ ! -f "$made/fetched" ]; then
	mkdir -p "$made/cache/archives/partial" "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib" "$root/usr/lib64" "$root/tmp"
	for name in bin sbin lib lib64; do ln -sfn usr/$name "$root/$name"; done
	apt -y --download-only install clang-19 bpftool libbpf-dev libelf-dev zlib1g-dev libc6-dev gcc dash coreutils
	# The types of the kernel: vmlinux.h of 7.3.
	(cd "$made/cache/archives" && apt download linux-bpf-dev/trixie-backports)
	for package in "$made"/cache/archives/*.deb; do dpkg-deb -x "$package" "$root"; done
	rm -r "$made/cache"
	touch "$made/fetched"
fi

mkdir -p "$root/work"
cp "$here"/*.c "$here"/*.h "$root/work/"
chroot "$root" /bin/sh -e -c '
export PATH=/usr/sbin:/usr/bin
cd /work
include=/usr/include/x86_64-linux-gnu
clang-19 -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -I$include/linux/bpf -I$include -Wall -Wno-missing-declarations \
	-c hold.bpf.c -o hold.bpf.o
bpftool gen skeleton hold.bpf.o name hold_bpf > hold.skel.h
gcc -O1 -Wall -o holder holder.c size_store.c -l:libbpf.a -lelf -lz
gcc -O1 -Wall -static -o tell tell.c'
echo "$root/work/holder"

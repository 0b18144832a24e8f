#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR MIT
# Plays plans in one guest, each with the module and with the holder: trial.sh STORE RELEASE DESIGN OUT ROUNDS [PLAN...]
# DESIGN is a design that was fetched, or `-`; each PLAN is a scenario, such as xfs/t11. With JOB=limits the guest does what is in
# that file instead. make.sh comes first. Root only.
set -e
here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 5 ] || { sed -n '3,5s/^# //p' "$0" >&2; exit 2; }
lab=$1 release=$2 design=$3 out=$4 rounds=$5
shift 5
stalemap=${STALEMAP:-stalemap}
kernel=$lab/kernels/$release
root=$lab/sched_ext/root
[ -x "$root/work/holder" ] || { echo "trial.sh: no holder in $root/work; make.sh builds it" >&2; exit 2; }
work=$(mktemp -d "$lab/work/trialXXXXXX")
trap 'rm -rf "$work"' EXIT
name=${work##*/}

inside() {	# PROGRAM…: in the root of the lab, which sees the store
	unshare -m sh -c 'mount --bind "$0" "$0/root/store"; mount --rbind /dev "$0/root/dev"; mount --rbind /proc "$0/root/proc"
		exec chroot "$0/root" "$@"' "$lab" "$@"
}

# A plan's program, for the module and for the holder.
program() {
	version=$(echo "$release" | cut -d. -f1,2)
	[ "$design" = - ] && with= || with="--design $design"
	STALEMAP_LAB=$lab "$stalemap" lab plan "$1" --kernel "$version" $with --format c > "$work/module.c"
	sed -e 's|^#define CONTROL .*|#include "client.h"\n#define CONTROL "/tmp/hold"|' \
		-e 's/open(CONTROL, O_WRONLY | O_CLOEXEC)/holder_connect("\/tmp\/hold.socket")/' \
		-e 's/write(fd, text, strlen(text))/holder_ask(fd, text, strlen(text))/' "$work/module.c" > "$work/sched_ext.c"
	cp "$here/client.h" "$work/"
	for how in module sched_ext; do
		inside gcc -O1 -static -pthread -o /store/work/$name/add/$2.$how /store/work/$name/$how.c
	done
}

# What the guest does with it.
job() {
	block=$(sed -n 's/^#define BLOCK //p' "$work/module.c")
	case $1 in
	gfs2/*) make="mkfs.gfs2 -q -O -p lock_nolock -j 1 -J 16 -b $block" kind=gfs2 options=lockproto=lock_nolock ;;
	*) make="mkfs.xfs -q -f -b size=$block" kind=xfs options= ;;
	esac
	stores=$(sed -n 's/^\t{ "[^"]*", "\([^"]*\)", "i_size".*/\1/p' "$work/module.c" | head -1)
	echo "play $2 '$stores' $kind '$options' $make"
}

mkdir -p "$work/add/mods" "$work/add/lib/x86_64-linux-gnu" "$work/add/lib64"
cp "$root/work/holder" "$root/work/tell" "$work/add/"
cp "$kernel/lab/hold.ko" "$work/add/mods/"
[ "$design" = - ] || find "$kernel/lab/designs/$design"* -name xfs.ko -exec cp {} "$work/add/mods/" \;
for library in libelf.so.1 libz.so.1 libzstd.so.1 libc.so.6; do
	cp -L "$root/usr/lib/x86_64-linux-gnu/$library" "$work/add/lib/x86_64-linux-gnu/"
done
cp -L "$root/usr/lib64/ld-linux-x86-64.so.2" "$work/add/lib64/"
sed "s/^rounds=.*/rounds=$rounds/" "$here/${JOB:-job}" > "$work/add/job.sh"
for plan in "$@"; do
	short=$(echo "$plan" | tr / -)
	program "$plan" "$short"
	job "$plan" "$short" >> "$work/add/job.sh"
done
(cd "$work/add" && find . -mindepth 1 | sed 's|^\./||' | "$lab/root/usr/bin/busybox" cpio -o -H newc > "$work/add.cpio")
cat "$kernel/lab/initramfs" "$work/add.cpio" > "$work/initramfs"
truncate -s 64M "$work/results"
image=$(ls "$kernel"/boot/vmlinuz* "$kernel"/usr/lib/modules/*/vmlinuz 2>/dev/null | head -1)
here=/store/work/$name
inside timeout 570 qemu-system-x86_64 -accel tcg,thread=multi -cpu max,la57=off -smp 2 -m 1G -display none -monitor none -nic none \
	-no-reboot -serial "file:$here/console" -kernel "/store/${image#"$lab"/}" -initrd "$here/initramfs" \
	-append "console=ttyS0 panic=-1 edd=off nokaslr mitigations=off quiet $APPEND" \
	-drive file=/store/devices/e5,format=raw,if=virtio,cache=unsafe,snapshot=on \
	-drive "file=$here/results,format=raw,if=virtio,cache=unsafe" < /dev/null || echo "trial.sh: qemu ended with $?" >&2
mkdir -p "$out"
cp "$work/console" "$out/console.txt"
tar -xf "$work/results" -C "$out"

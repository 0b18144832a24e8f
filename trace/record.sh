#!/bin/sh
# Records what happens to one file of XFS while a command runs, as `stalemap trace` reads it: mappings, the check of their counter,
# folios, writeback and changes of the extents. Nothing but this file's events is taken. Needs root and tracefs (a kernel with CONFIG_FTRACE;
# CONFIG_KPROBES for the steps of a write, which have no tracepoints).
#
#   sh record.sh FILE TRACE COMMAND [ARGUMENT...]
#
# FILE is there already; TRACE is written when COMMAND has ended, and the exit code is COMMAND's.
set -u
[ $# -ge 3 ] || { echo "usage: $0 FILE TRACE COMMAND [ARGUMENT...]" >&2; exit 2; }
file=$1 out=$2
shift 2
[ -f "$file" ] || { echo "$0: $file is no regular file" >&2; exit 2; }
[ -d /sys/fs/xfs ] || { echo "$0: no XFS is loaded here, and $file has to be a file of one" >&2; exit 2; }
T=/sys/kernel/tracing
mounted=
if [ ! -d $T/events ]; then
    mount -t tracefs tracefs $T || exit 2
    mounted=$T
fi
[ -w $T/tracing_on ] || { echo "$0: cannot write to $T: be root" >&2; exit 2; }
inode=$(stat -c %i "$file")
device=$(stat -c %d "$file")
major=$(((device >> 8) & 0xfff)) minor=$(((device & 0xff) | ((device >> 12) & 0xfff00)))
block=$(stat -fc %S "$file")

# A file system's events are filtered by inode; those of the page cache by device, too.
event() {
    dir=$T/events/$1
    [ -d "$dir" ] || return 0
    echo "$2" >"$dir/filter" && echo 1 >"$dir/enable"
}

# A probe, in the first form that this kernel takes: by the names of arguments (CONFIG_PROBE_EVENTS_BTF_ARGS, since 6.6), or by the
# registers and offsets of x86-64, which are those of 6.1.
probe() {
    name=$1
    shift
    for form; do
        echo "$form" 2>/dev/null >>$T/kprobe_events && return 0
    done
    echo "$0: this kernel takes no probe for $name" >&2
}

clean() {
    echo 0 >$T/tracing_on
    echo 0 >$T/events/enable
    for probe in $T/events/stalemap/*/; do
        [ -d "$probe" ] && echo "-:stalemap/$(basename "$probe")" >>$T/kprobe_events
    done
}

# Somebody who has calls sent elsewhere, to hold a task before or after a function (lab/module/hold.c), calls the function itself then:
# a probe sees both calls. The outer one goes, which is no call of the function. None of these functions calls itself.
once() {
    awk '
    / LOST /, / LOST / { for (key in depth) delete depth[key] }
    { line[NR] = $0 }
    !match($0, /: (iomap_valid|write_begin)(_ret)?: \(|: read_folio_sync: \(/) { next }
    {
        event = substr($0, RSTART + 2, RLENGTH - 5)
        text = substr($0, RSTART)
        task = match($0, /-[0-9]+ +\[/) ? substr($0, RSTART + 1, RLENGTH - 2) + 0 : 0
        ends = sub(/_ret$/, "", event)
        key = task " " event
        if (event == "read_folio_sync") {
            # Nobody says when it returns; a block is not read twice on end.
            if (last[task] == text) delete line[at[key]]
            at[key] = NR
        } else if (!ends) {
            if (depth[key] > 0) { delete line[at[key]]; twice[key] = 1 }
            depth[key]++
            at[key] = NR
        } else if (depth[key] > 0 && --depth[key] == 0 && twice[key]) {
            delete line[NR]
            twice[key] = 0
        }
        last[task] = text
    }
    END { for (n = 1; n <= NR; n++) if (n in line) print line[n] }'
}

clean 2>/dev/null
trap 'clean 2>/dev/null; [ -z "$mounted" ] || umount "$mounted"' EXIT
trap 'exit 130' INT TERM
echo >$T/trace
echo global >$T/trace_clock
echo "${BUFFER_KB:-16384}" >$T/buffer_size_kb

probe iomap_valid \
    'p:stalemap/iomap_valid xfs_iomap_valid ino=inode->i_ino:x64 off=iomap->offset:x64 length=iomap->length:x64 type=iomap->type:u16 flags=iomap->flags:x16 cookie=iomap->validity_cookie:x64' \
    'p:stalemap/iomap_valid xfs_iomap_valid ino=+64(%di):x64 off=+8(%si):x64 length=+16(%si):x64 type=+24(%si):u16 flags=+26(%si):x16 cookie=+72(%si):x64'
probe iomap_valid_ret 'r:stalemap/iomap_valid_ret xfs_iomap_valid valid=$retval:u8'
# Since 6.17 the range is in the iterator.
probe write_begin \
    'p:stalemap/write_begin iomap_write_begin ino=iter->inode->i_ino:x64 pos=pos:x64 len=len:x64' \
    'p:stalemap/write_begin iomap_write_begin ino=iter->inode->i_ino:x64 pos=iter->pos:x64 len=iter->len:x64' \
    'p:stalemap/write_begin iomap_write_begin ino=+64(+0(%di)):x64 pos=%si:x64 len=%dx:x64'
probe write_begin_ret 'r:stalemap/write_begin_ret iomap_write_begin ret=$retval:s32'
probe write_end \
    'p:stalemap/write_end iomap_write_end ino=iter->inode->i_ino:x64 pos=pos:x64 len=len:x64 copied=copied:x64' \
    'p:stalemap/write_end iomap_write_end ino=iter->inode->i_ino:x64 pos=iter->pos:x64 len=len:x64 copied=copied:x64' \
    'p:stalemap/write_end iomap_write_end ino=+64(+0(%di)):x64 pos=%si:x64 len=%dx:x64 copied=%cx:x64'
probe read_folio_sync \
    'p:stalemap/read_folio_sync iomap_read_folio_sync block=block_start:x64 ino=folio->mapping->host->i_ino:x64 plen=plen:x64' \
    'p:stalemap/read_folio_sync iomap_bio_read_folio_range_sync block=pos:x64 ino=iter->inode->i_ino:x64 plen=len:x64' \
    'p:stalemap/read_folio_sync iomap_read_folio_sync block=%di:x64 ino=+64(+0(+24(%si))):x64 plen=%cx:x64'
for folio in end_wb:folio_end_writeback start_wb:__folio_start_writeback clear_dirty:folio_clear_dirty_for_io; do
    probe "${folio%%:*}" \
        "p:stalemap/${folio%%:*} ${folio#*:} ino=folio->mapping->host->i_ino:x64 idx=folio->index:u64" \
        "p:stalemap/${folio%%:*} ${folio#*:} ino=+64(+0(+24(%di))):x64 idx=+32(%di):u64"
done
probe page_mkwrite \
    'p:stalemap/page_mkwrite iomap_page_mkwrite ino=vmf->vma->vm_file->f_inode->i_ino:x64 pgoff=vmf->pgoff:u64' \
    'p:stalemap/page_mkwrite iomap_page_mkwrite ino=+64(+32(+112(+0(%di)))):x64 pgoff=+16(%di):u64'

for dir in $T/events/iomap/*/; do
    event "iomap/$(basename "$dir")" "ino == $inode"
done
for name in xfs_iomap_alloc xfs_iomap_found xfs_iomap_invalid xfs_map_blocks_alloc xfs_map_blocks_found \
    xfs_file_buffered_read xfs_file_buffered_write xfs_file_direct_read xfs_file_direct_write xfs_file_fsync \
    xfs_filemap_fault xfs_read_fault xfs_write_fault xfs_unwritten_convert xfs_zero_eof xfs_setfilesize \
    xfs_end_io_direct_write xfs_end_io_direct_write_unwritten xfs_end_io_direct_write_append xfs_reflink_end_cow \
    xfs_bmap_pre_update xfs_bmap_post_update xfs_iext_insert xfs_iext_remove \
    xfs_wb_data_iomap_invalid xfs_wb_cow_iomap_invalid; do
    event "xfs/$name" "ino == $inode"
done
for name in mm_filemap_add_to_page_cache mm_filemap_delete_from_page_cache; do
    event "filemap/$name" "i_ino == $inode && s_dev == $(((major << 20) | minor))"
done
for name in writeback_dirty_folio writeback_dirty_page; do
    event "writeback/$name" "ino == $inode"
done
for dir in $T/events/stalemap/*/; do
    name=$(basename "$dir")
    # A return probe has no inode: it belongs to the task that was last seen with one.
    if grep -q ' ino;' "$dir/format"; then filter="ino == $inode"; else filter=0; fi
    event "stalemap/$name" "$filter"
done

echo 1 >$T/tracing_on
echo "wl meta kernel=$(uname -r) ino=$(printf '0x%x' "$inode") dev=$major:$minor bsize=$block note=${NOTE:-recorded}" >$T/trace_marker
"$@"
code=$?
echo 0 >$T/tracing_on
once <$T/trace >"$out" || code=2
exit $code

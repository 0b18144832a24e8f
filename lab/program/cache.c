/* ---- what is written back, dropped and searched ---- */

PART void sync_file(struct task *task, int fd, int data_only)
{
	note_failure(task, data_only ? "fdatasync" : "fsync", data_only ? fdatasync(fd) : fsync(fd));
}

PART void sync_part(struct task *task, int fd, u64 at, u64 length, unsigned flags)
{
	note_failure(task, "sync_file_range", sync_file_range(fd, here + at, to_end(at, length), flags));
}

PART void advise_away(struct task *task, int fd, u64 at, u64 length)
{
	int error = posix_fadvise(fd, here + at, to_end(at, length), POSIX_FADV_DONTNEED);

	if (error)
		note(task, "posix_fadvise", -1, error);
}

/* All that is clean and not mapped, of all files; says whether this process may. */
static int drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC), done;

	if (fd < 0)
		return 0;
	done = write(fd, "1", 1) == 1;
	close(fd);
	return done;
}

/* What cachestat(2), of 6.5, says of a range. */
struct cached_pages {
	u64 cached, dirty, in_writeback, evicted, evicted_lately;
};

struct asked_pages {
	u64 at, length;
};

static int has_dirty_pages(int fd, u64 at, u64 length)
{
	struct asked_pages asked = { at, length };
	struct cached_pages answer;
	const long number = 451;

	return syscall(number, fd, &asked, &answer, 0) || answer.dirty;
}

/*
 * Reclaim looks at each folio of a range once, and drops those that are clean. The advice drops no more than the range, but
 * starts writeback where there is something dirty; drop_caches writes nothing, but goes over all files.
 */
PART void reclaim(struct task *task, int fd, u64 at, u64 length)
{
	u64 start = at / PAGE * PAGE;
	u64 size = (at + length - start + PAGE - 1) / PAGE * PAGE;

	if (has_dirty_pages(fd, here + start, size) && drop_caches())
		return;
	advise_away(task, fd, start, size);
}

/* The place, or what is less than 0. */
PART off_t search(struct task *task, int fd, int whence, u64 from)
{
	const char *call = whence == SEEK_DATA ? "SEEK_DATA" : "SEEK_HOLE";
	off_t found = lseek(fd, from, whence);
	char answer[32] = "ENXIO";

	if (found < 0 && errno != ENXIO) {
		note(task, call, found, errno);
		return found;
	}
	if (found >= 0)
		snprintf(answer, sizeof(answer), "%lld", (long long)found);
	note_answer(task, call, answer);
	return found;
}

#define MOST_EXTENTS 32

PART void map_extents(struct task *task, int fd, u64 at, u64 length)
{
	struct {
		struct fiemap head;
		struct fiemap_extent extents[MOST_EXTENTS];
	} map = { .head = { .fm_start = at, .fm_length = length, .fm_flags = FIEMAP_FLAG_SYNC,
			    .fm_extent_count = MOST_EXTENTS } };
	char answer[4096] = "";
	size_t used = 0;
	unsigned each;

	if (ioctl(fd, FS_IOC_FIEMAP, &map)) {
		note(task, "FS_IOC_FIEMAP", -1, errno);
		return;
	}
	for (each = 0; each < map.head.fm_mapped_extents && used < sizeof(answer); each++) {
		const struct fiemap_extent *extent = &map.extents[each];

		used += snprintf(answer + used, sizeof(answer) - used, "%s%llu-%llu%s", each ? " " : "",
				 (u64)extent->fe_logical, (u64)(extent->fe_logical + extent->fe_length),
				 extent->fe_flags & FIEMAP_EXTENT_UNWRITTEN ? " unwritten" : "");
	}
	note_answer(task, "FS_IOC_FIEMAP", answer);
}

/* Reads what SEEK_DATA and SEEK_HOLE call data, as cp(1) does that leaves out the rest. */
PART void copy_sparse(struct task *task, int fd)
{
	off_t data, hole = 0;

	while ((data = search(task, fd, SEEK_DATA, hole)) >= 0 && (hole = search(task, fd, SEEK_HOLE, data)) >= 0)
		if (hole > data)
			read_file(task, fd, data, hole - data, hole - data, 0);
}

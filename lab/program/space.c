/* ---- size and blocks ---- */

PART void resize(struct task *task, int fd, u64 size)
{
	/* The setup alone does that to a file with several places, whose size is that of all of them already. */
	if (places == 1)
		note_failure(task, "ftruncate", ftruncate(fd, size));
}

PART void change_space(struct task *task, int fd, int mode, u64 at, u64 length)
{
	note_failure(task, "fallocate", fallocate(fd, mode, here + at, length));
}

/* A length of 0 reaches to end of file; where there are several places, to the end of this one. */
PART u64 to_end(u64 at, u64 length)
{
	return length || places == 1 ? length : PLACE - at;
}

PART void share_blocks(struct task *task, int fd, int source, u64 from, u64 at, u64 length)
{
	struct file_clone_range range = {
		.src_fd = source, .src_offset = here + from, .src_length = to_end(from, length),
		.dest_offset = here + at
	};

	note_failure(task, "FICLONERANGE", ioctl(fd, FICLONERANGE, &range));
}

/* XFS_IOC_EXCHANGE_RANGE, which the headers of libc have not. */
struct exchange {
	int other;
	unsigned padding;
	u64 at_other, at, length, flags;
};

PART void exchange_range(struct task *task, int fd, int other, u64 at, u64 length)
{
	struct exchange range = { .other = other, .at_other = here + at, .at = here + at, .length = length };

	note_failure(task, "XFS_IOC_EXCHANGE_RANGE", ioctl(fd, _IOW('X', 129, struct exchange), &range));
}

PART void set_copy_hint(struct task *task, int fd, unsigned size)
{
	struct fsxattr attributes;
	int failed = ioctl(fd, FS_IOC_FSGETXATTR, &attributes);

	if (!failed) {
		attributes.fsx_xflags |= FS_XFLAG_COWEXTSIZE;
		attributes.fsx_cowextsize = size;
		failed = ioctl(fd, FS_IOC_FSSETXATTR, &attributes);
	}
	note_failure(task, "FS_IOC_FSSETXATTR", failed);
}

static int set_journalling(int fd, int on)
{
	int flags;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return -1;
	flags = on ? flags | FS_JOURNAL_DATA_FL : flags & ~FS_JOURNAL_DATA_FL;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

PART void journal_data(struct task *task, int fd, int on)
{
	note_failure(task, "FS_IOC_SETFLAGS", set_journalling(fd, on));
}

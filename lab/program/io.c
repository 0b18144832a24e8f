/* ---- read(2) and write(2) ---- */

static struct source source;	/* of the write that this process is in */
static pthread_mutex_t source_lock = PTHREAD_MUTEX_INITIALIZER;

/*
 * The next write finds its data up to some byte; what lies behind cannot be read at all, or is not resident. Or it is killed
 * when it is about to go on there.
 */
PART void fault_after(struct task *task, enum fault fault, u64 after)
{
	task->fault = fault;
	task->fault_after = after;
}

/* The data end, or cease to be resident, where a page begins. */
static unsigned char *faulting_source(struct task *task, u64 length, unsigned char byte)
{
	u64 before = (task->fault_after + PAGE - 1) / PAGE * PAGE;
	u64 behind = length > task->fault_after ? (length - task->fault_after + PAGE - 1) / PAGE * PAGE : PAGE;
	struct source made = { .mapped = before + behind, .behind = behind };

	made.map = shared_memory(made.mapped);
	memset(made.map, byte, made.mapped);
	made.border = (unsigned char *)made.map + before;
	made.at = made.border - task->fault_after;
	if (task->fault == ENDS)
		mprotect(made.border, behind, PROT_NONE);
	else
		madvise(made.border, behind, MADV_DONTNEED);
	pthread_mutex_lock(&source_lock);
	source = made;
	pthread_mutex_unlock(&source_lock);
	return made.at;
}

static void end_source(struct task *task)
{
	pthread_mutex_lock(&source_lock);
	if (source.map)
		munmap(source.map, source.mapped);
	source.map = NULL;
	pthread_mutex_unlock(&source_lock);
	task->fault = NO_FAULT;
}

/* Pages of memory that is shared keep what they have when they are dropped: who touches them finds it again. */
PART void drop_source(struct task *task)
{
	pthread_mutex_lock(&source_lock);
	if (source.map && task->fault == NOT_RESIDENT)
		madvise(source.border, source.behind, MADV_DONTNEED);
	pthread_mutex_unlock(&source_lock);
}

/* A call for each chunk, until one of them fails or is short. */
static void write_chunks(struct task *task, int fd, const unsigned char *from, u64 at, u64 length, u64 chunk, int flags)
{
	u64 done = 0;

	while (done < length) {
		u64 size = length - done < chunk ? length - done : chunk;
		struct iovec vector = { (void *)(from + done), size };
		off_t offset = here + at + done;
		ssize_t written = flags ? pwritev2(fd, &vector, 1, offset, flags) : pwrite(fd, from + done, size, offset);

		if (written != (ssize_t)size) {
			note(task, "pwrite", written, errno);
			return;
		}
		done += size;
	}
}

PART void write_file(struct task *task, int fd, u64 at, u64 length, u64 chunk, unsigned char byte, int flags)
{
	unsigned char *from;

	if (task->fault == ENDS || task->fault == NOT_RESIDENT) {
		from = faulting_source(task, length, byte);
		write_chunks(task, fd, from, at, length, chunk, flags);
		end_source(task);
		return;
	}
	from = memory_of(length, byte);
	if (task->fault == DIES)
		__atomic_store_n(&task->may_be_killed, 1, __ATOMIC_SEQ_CST);
	write_chunks(task, fd, from, at, length, chunk, flags);
	free(from);
}

/* One call for each folio: what is written by one call may become one large folio. */
PART void write_by_folios(struct task *task, int fd, u64 at, u64 length, unsigned char byte)
{
	u64 end = at + length, size;

	for (; at < end; at += size) {
		size = FOLIO - at % FOLIO;
		if (size > end - at)
			size = end - at;
		write_file(task, fd, at, size, size, byte, 0);
	}
}

PART void write_from_buffer(struct task *task, int fd, struct buffer *buffer, u64 at, u64 chunk, int flags)
{
	write_chunks(task, fd, buffer->at, at, buffer->length, chunk, flags);
}

PART void store_into_buffer(struct buffer *buffer, u64 offset, u64 length, unsigned char byte)
{
	memset(buffer->at + offset, byte, length);
}

PART void read_file(struct task *task, int fd, u64 at, u64 length, u64 chunk, int flags)
{
	unsigned char *to = memory_of(length, 0);
	u64 done = 0;

	while (done < length) {
		u64 size = length - done < chunk ? length - done : chunk;
		struct iovec vector = { to + done, size };
		off_t offset = here + at + done;
		ssize_t got = flags ? preadv2(fd, &vector, 1, offset, flags) : pread(fd, to + done, size, offset);

		if (got < 0)
			note(task, "pread", got, errno);
		if (got > 0)
			done += got;
		if (got != (ssize_t)size)
			break;
	}
	note_bytes(task, "pread", at, to, done);
	free(to);
}

/* ---- read(2) and write(2) ---- */

/* The next write finds its data up to some byte; what lies behind cannot be read at all, or is not resident. */
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
	struct source source = { .mapped = before + behind, .behind = behind };

	source.map = mmap(NULL, source.mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (source.map == MAP_FAILED)
		give_up("no memory");
	memset(source.map, byte, source.mapped);
	source.border = (unsigned char *)source.map + before;
	source.at = source.border - task->fault_after;
	if (task->fault == ENDS)
		mprotect(source.border, behind, PROT_NONE);
	else
		madvise(source.border, behind, MADV_DONTNEED);
	pthread_mutex_lock(&task->source_lock);
	task->source = source;
	pthread_mutex_unlock(&task->source_lock);
	return source.at;
}

static void end_source(struct task *task)
{
	pthread_mutex_lock(&task->source_lock);
	if (task->source.map)
		munmap(task->source.map, task->source.mapped);
	task->source.map = NULL;
	pthread_mutex_unlock(&task->source_lock);
	task->fault = NO_FAULT;
}

/* Pages of memory that is shared keep what they have when they are dropped: who touches them finds it again. */
PART void drop_source(struct task *task)
{
	pthread_mutex_lock(&task->source_lock);
	if (task->source.map && task->fault == NOT_RESIDENT)
		madvise(task->source.border, task->source.behind, MADV_DONTNEED);
	pthread_mutex_unlock(&task->source_lock);
}

/* A call for each chunk, until one of them fails or is short. */
static void write_chunks(struct task *task, int fd, const unsigned char *from, u64 at, u64 length, u64 chunk, int flags)
{
	u64 done = 0;

	while (done < length) {
		u64 size = length - done < chunk ? length - done : chunk;
		struct iovec vector = { (void *)(from + done), size };
		ssize_t written = flags ? pwritev2(fd, &vector, 1, at + done, flags) : pwrite(fd, from + done, size, at + done);

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

	if (task->fault != NO_FAULT) {
		from = faulting_source(task, length, byte);
		write_chunks(task, fd, from, at, length, chunk, flags);
		end_source(task);
		return;
	}
	from = memory_of(length, byte);
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
		ssize_t got = flags ? preadv2(fd, &vector, 1, at + done, flags) : pread(fd, to + done, size, at + done);

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

/* ---- direct I/O that is submitted and not waited for ---- */

#define MOST_IN_FLIGHT 64

static void submit(struct task *task, int fd, int operation, unsigned char *memory, int is_owned, u64 at, u64 length)
{
	struct submitted *one = calloc(1, sizeof(*one));
	struct iocb *block;

	if (!one)
		give_up("no memory");
	one->memory = memory;
	one->is_owned = is_owned;
	one->call = task->at;
	block = &one->block;
	block->aio_lio_opcode = operation;
	block->aio_fildes = fd;
	block->aio_buf = (unsigned long)memory;
	block->aio_nbytes = length;
	block->aio_offset = here + at;
	block->aio_data = (unsigned long)one;
	if (!task->aio && syscall(SYS_io_setup, MOST_IN_FLIGHT, &task->aio))
		give_up("io_setup: %s", strerror(errno));
	if (syscall(SYS_io_submit, task->aio, 1L, &block) != 1) {
		note(task, "io_submit", -1, errno);
		free(one);
		return;
	}
	one->next = task->submitted;
	task->submitted = one;
}

/* Calls for each chunk: all are in flight together. */
PART void submit_io(struct task *task, int fd, int writes, u64 at, u64 length, u64 chunk, unsigned char byte)
{
	u64 done, size;

	for (done = 0; done < length; done += size) {
		size = length - done < chunk ? length - done : chunk;
		submit(task, fd, writes ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD, memory_of(size, writes ? byte : 0), 1, at + done,
		       size);
	}
}

PART void submit_buffer(struct task *task, int fd, struct buffer *buffer, u64 at)
{
	submit(task, fd, IOCB_CMD_PWRITE, buffer->at, 0, at, buffer->length);
}

static void completed(struct task *task, const struct io_event *event)
{
	struct submitted *one = (struct submitted *)(unsigned long)event->data;
	struct submitted **place = &task->submitted;
	int at = task->at;

	task->at = one->call;
	if (event->res < 0)
		note(task, "aio", -1, -event->res);
	else if ((u64)event->res != one->block.aio_nbytes)
		note(task, "aio", event->res, 0);
	if (event->res >= 0 && one->block.aio_lio_opcode == IOCB_CMD_PREAD)
		note_bytes(task, "aio", one->block.aio_offset - here, one->memory, event->res);
	task->at = at;
	while (*place != one)
		place = &(*place)->next;
	*place = one->next;
	if (one->is_owned)
		free(one->memory);
	free(one);
}

/* Until all that this task has submitted is complete. */
PART void wait_for_submitted(struct task *task)
{
	struct io_event event;

	while (task->submitted) {
		long got = syscall(SYS_io_getevents, task->aio, 1L, 1L, &event, NULL);

		if (got == 1)
			completed(task, &event);
		else if (errno != EINTR)
			give_up("io_getevents: %s", strerror(errno));
	}
}

static void end_aio(struct task *task)
{
	wait_for_submitted(task);
	if (task->aio)
		syscall(SYS_io_destroy, task->aio);
	task->aio = 0;
}

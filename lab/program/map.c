/* ---- mapped files ---- */

static sigjmp_buf *where_faults_go;

/* A page behind end of file, or one that cannot be read or allocated. */
static void on_fault(int number)
{
	if (where_faults_go)
		siglongjmp(*where_faults_go, 1);
	/* Nobody has expected it: that is the end. */
	signal(number, SIG_DFL);
	raise(number);
}

static void catch_faults(void)
{
	struct sigaction action = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };

	sigaction(SIGBUS, &action, NULL);
}

/* Does something with memory that may raise SIGBUS; says whether it did not. */
static int touch(void (*what)(unsigned char *, u64, unsigned char *), unsigned char *at, u64 length, unsigned char *bytes)
{
	sigjmp_buf back;
	int came_back = sigsetjmp(back, 1);

	if (!came_back) {
		where_faults_go = &back;
		what(at, length, bytes);
	}
	where_faults_go = NULL;
	return !came_back;
}

static void load(unsigned char *at, u64 length, unsigned char *bytes)
{
	memcpy(bytes, at, length);
}

static void store(unsigned char *at, u64 length, unsigned char *byte)
{
	memset(at, *byte, length);
}

static void store_what_is_there(unsigned char *at, u64 length, unsigned char *unused)
{
	u64 page;

	(void)unused;
	for (page = 0; page < length; page += PAGE)
		__atomic_fetch_or(at + page, 0, __ATOMIC_SEQ_CST);
}

PART void end_map(struct task *task, int file)
{
	struct mapping *map = &task->maps[file];

	if (map->at)
		munmap(map->at, map->length);
	map->at = NULL;
}

PART void map_file(struct task *task, int file, int fd, u64 from, u64 length, int protection)
{
	struct mapping *map = &task->maps[file];
	u64 start = from / PAGE * PAGE;

	end_map(task, file);
	map->from = start;
	map->length = (from + length - start + PAGE - 1) / PAGE * PAGE;
	map->at = mmap(NULL, map->length, protection, MAP_SHARED, fd, here + start);
	if (map->at == MAP_FAILED) {
		note(task, "mmap", -1, errno);
		map->at = NULL;
		return;
	}
	/* A fault brings in its own page: what is read around it may be one large folio with others. */
	madvise(map->at, map->length, MADV_RANDOM);
}

/* Where a byte of the file is mapped. */
static unsigned char *mapped(struct task *task, int file, u64 at, u64 length, const char *call)
{
	struct mapping *map = &task->maps[file];

	if (map->at && at >= map->from && at + length <= map->from + map->length)
		return map->at + (at - map->from);
	note(task, call, -1, EFAULT);
	return NULL;
}

PART void load_mapped(struct task *task, int file, u64 at, u64 length)
{
	unsigned char *from = mapped(task, file, at, length, "mread");
	unsigned char *bytes = memory_of(length, 0);

	if (from && touch(load, from, length, bytes))
		note_bytes(task, "mread", at, bytes, length);
	else if (from)
		note(task, "mread: SIGBUS", -1, EFAULT);
	free(bytes);
}

PART void store_mapped(struct task *task, int file, u64 at, u64 length, unsigned char byte)
{
	unsigned char *to = mapped(task, file, at, length, "mwrite");

	if (to && !touch(store, to, length, &byte))
		note(task, "mwrite: SIGBUS", -1, EFAULT);
}

/* The pages are the buffer of a direct read of a file that is full of one byte. */
PART void store_by_device(struct task *task, int file, const char *pattern, u64 at, u64 length)
{
	unsigned char *to = mapped(task, file, at, length, "dma");
	char path[4096];
	ssize_t got;
	int fd;

	if (!to)
		return;
	snprintf(path, sizeof(path), "%s/%s", folder, pattern);
	fd = open(path, O_RDONLY | O_DIRECT);
	got = fd < 0 ? -1 : pread(fd, to, length, 0);
	if (got != (ssize_t)length)
		note(task, "dma", got, errno);
	close(fd);
}

/* From the page of a byte on. */
static unsigned char *page_of(unsigned char *at)
{
	return (unsigned char *)((unsigned long)at / PAGE * PAGE);
}

PART void sync_mapped(struct task *task, int file, u64 at, u64 length, int flags)
{
	unsigned char *from = mapped(task, file, at, length, "msync");

	if (from)
		note_failure(task, "msync", msync(page_of(from), from + length - page_of(from), flags));
}

PART void forget_mapped(struct task *task, int file, u64 at, u64 length)
{
	unsigned char *from = mapped(task, file, at, length, "madvise");

	if (from)
		note_failure(task, "madvise", madvise(page_of(from), from + length - page_of(from), MADV_DONTNEED));
}

/* Somebody reads the pages and dirties them as they are. */
PART void dirty_again(struct task *task, int fd, u64 at, u64 length)
{
	u64 start = at / PAGE * PAGE;
	u64 size = (at + length - start + PAGE - 1) / PAGE * PAGE;
	unsigned char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, here + start);

	if (map == MAP_FAILED) {
		note(task, "mmap", -1, errno);
		return;
	}
	madvise(map, size, MADV_RANDOM);
	if (!touch(store_what_is_there, map, size, NULL))
		note(task, "redirty: SIGBUS", -1, EFAULT);
	munmap(map, size);
}

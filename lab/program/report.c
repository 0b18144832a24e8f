/* ---- what is reported: JSON, a line each ---- */

#define MOST_PARTS 64

static FILE *said;	/* where this process says it */

/* A call that did not do what it was asked for. */
PART void note(struct task *task, const char *call, long long returned, int error)
{
	task->failed++;
	if (quiet)
		return;
	fprintf(said, "{\"call\":\"%s\",\"task\":\"%s\",\"number\":%d,\"returned\":%lld", call, task->name,
		task->at, returned);
	if (returned < 0)
		fprintf(said, ",\"errno\":%d,\"error\":\"%s\"", error, strerror(error));
	fprintf(said, "}\n");
}

/* For calls that return 0. */
PART void note_failure(struct task *task, const char *call, int returned)
{
	if (returned < 0)
		note(task, call, returned, errno);
}

/* Runs of equal bytes. */
static void print_parts(FILE *to, const unsigned char *bytes, u64 length)
{
	u64 from = 0, end;
	int count;

	fputs("\"parts\":[", to);
	for (count = 0; from < length && count < MOST_PARTS; count++, from = end) {
		for (end = from + 1; end < length && bytes[end] == bytes[from]; end++)
			;
		fprintf(to, "%s[%llu,%llu,\"%02x\"]", count ? "," : "", from, end, bytes[from]);
	}
	fputs(from < length ? ",\"more\"]" : "]", to);
}

/* What a task was given by a call. */
PART void note_bytes(struct task *task, const char *call, u64 at, const unsigned char *bytes, u64 length)
{
	if (quiet)
		return;
	fprintf(said, "{\"got\":\"%s\",\"task\":\"%s\",\"number\":%d,\"at\":%llu,\"size\":%llu,", call,
		task->name, task->at, at, length);
	print_parts(said, bytes, length);
	fputs("}\n", said);
}

PART void note_answer(struct task *task, const char *call, const char *answer)
{
	if (!quiet)
		fprintf(said, "{\"got\":\"%s\",\"task\":\"%s\",\"number\":%d,\"answer\":\"%s\"}\n", call,
			task->name, task->at, answer);
}

#define MOST_SAID (1 << 20)	/* bytes that a pipe keeps for whoever reads it */

/* A task says what it has to say into a pipe: whatever ends it, that is there. It never waits for room. */
static void make_report(struct task *task)
{
	if (pipe2(task->report, O_CLOEXEC | O_NONBLOCK))
		give_up("no pipe: %s", strerror(errno));
	fcntl(task->report[1], F_SETPIPE_SZ, MOST_SAID);
}

static void begin_report(struct task *task)
{
	said = fdopen(task->report[1], "w");
	if (!said)
		give_up("no memory");
}

static void print_report(struct task *task)
{
	char text[4096];
	ssize_t got;

	while ((got = read(task->report[0], text, sizeof(text))) > 0)
		fwrite(text, 1, got, stdout);
}

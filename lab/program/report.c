/* ---- what is reported: JSON, a line each ---- */

#define MOST_PARTS 64

/* A call that did not do what it was asked for. */
PART void note(struct task *task, const char *call, long long returned, int error)
{
	task->failed++;
	if (quiet)
		return;
	fprintf(task->said, "{\"call\":\"%s\",\"task\":\"%s\",\"number\":%d,\"returned\":%lld", call, task->name,
		task->at, returned);
	if (returned < 0)
		fprintf(task->said, ",\"errno\":%d,\"error\":\"%s\"", error, strerror(error));
	fprintf(task->said, "}\n");
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
	fprintf(task->said, "{\"got\":\"%s\",\"task\":\"%s\",\"number\":%d,\"at\":%llu,\"size\":%llu,", call,
		task->name, task->at, at, length);
	print_parts(task->said, bytes, length);
	fputs("}\n", task->said);
}

PART void note_answer(struct task *task, const char *call, const char *answer)
{
	if (!quiet)
		fprintf(task->said, "{\"got\":\"%s\",\"task\":\"%s\",\"number\":%d,\"answer\":\"%s\"}\n", call,
			task->name, task->at, answer);
}

static void open_report(struct task *task)
{
	task->said = open_memstream(&task->text, &task->text_length);
	if (!task->said)
		give_up("no memory");
}

static void print_report(struct task *task)
{
	fclose(task->said);
	fputs(task->text, stdout);
	free(task->text);
	task->said = NULL;
}

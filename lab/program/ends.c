/* ---- how far tasks are, and how they end ---- */

/* Says whether a process is at its end. */
static int is_gone(struct task *task)
{
	if (!task->gone && waitpid(task->pid, &task->status, WNOHANG) == task->pid)
		task->gone = 1;
	return task->gone;
}

/* Says whether a task is at an end that it should not have come to. */
static int has_died(struct task *task)
{
	if (!is_gone(task) || (WIFEXITED(task->status) && !WEXITSTATUS(task->status)))
		return 0;
	return !(task->killed && WIFSIGNALED(task->status) && WTERMSIG(task->status) == SIGKILL);
}

static int any_has_died(void)
{
	int each, died = 0;

	for (each = 0; each < TASKS; each++)
		died += has_died(&tasks[each]);
	return died;
}

static void print_death(struct task *task)
{
	printf("{\"died\":\"%s\",\"number\":%d,", task->name, task->at);
	if (WIFSIGNALED(task->status))
		printf("\"signal\":\"%s\"}\n", strsignal(WTERMSIG(task->status)));
	else
		printf("\"exit\":%d}\n", WEXITSTATUS(task->status));
}

/* A fatal signal. Who is held keeps it until it goes on. */
static int kill_task(struct task *task)
{
	if (is_gone(task))
		return 0;
	task->killed = 1;
	kill(task->pid, SIGKILL);
	return 1;
}

/* Says whether a task is through with so many calls, within a time; who was killed, whether it is at its end. */
static int wait_until_done(struct task *task, int calls, u64 ms)
{
	u64 end = now() + ms;

	for (;;) {
		unsigned changes = changes_so_far();
		int gone = is_gone(task);

		if (look(&task->done) >= calls)
			return 1;
		if (gone || now() >= end)
			return gone && task->killed && !has_died(task);
		wait_for_change(changes);
	}
}

/* What /proc says a process does: R, S, D … */
static char state_of(pid_t pid)
{
	char path[64], text[512], *end;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return '?';
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[got > 0 ? got : 0] = 0;
	end = strrchr(text, ')');
	return end && end[1] ? end[2] : '?';
}

/* How often a process has gone to sleep. */
static long sleeps_of(pid_t pid)
{
	char path[64], line[256];
	long sleeps = -1;
	FILE *from;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	from = fopen(path, "r");
	while (from && fgets(line, sizeof(line), from))
		if (sscanf(line, "voluntary_ctxt_switches: %ld", &sleeps) == 1)
			break;
	if (from)
		fclose(from);
	return sleeps;
}

/*
 * Says whether a task sleeps in the call that it has begun, for 300 ms without having waked up: who waits for the device does,
 * again and again. Who did not have to wait, since what it would have waited for was over, is as far as it can come.
 */
static int wait_until_it_waits(struct task *task, u64 ms)
{
	u64 end = now() + ms;
	long sleeps = -1;
	int asleep = 0;

	while (now() < end) {
		int done = look(&task->done);
		long before = sleeps;

		if (is_gone(task))
			return !has_died(task);
		if (done >= task->allowed || look(&task->ended))
			return 1;
		sleeps = sleeps_of(task->pid);
		asleep = look(&task->begun) > done && strchr("SD", state_of(task->pid)) && sleeps == before ? asleep + 1 : 0;
		if (asleep > 15)
			return 1;
		sleep_ms(20);
	}
	return 0;
}

/* Says whether its source was dropped within a time. */
static int wait_until_dropped(struct task *task, u64 ms)
{
	u64 end = now() + ms;
	int asked = task->drops_asked + 1;

	change(&task->drops_asked, asked);
	for (;;) {
		unsigned changes = changes_so_far();

		if (look(&task->drops_done) >= asked)
			return 1;
		if (is_gone(task) || now() >= end)
			return 0;
		wait_for_change(changes);
	}
}

/* Says whether a task comes to its end within a time. */
static int wait_for_end(struct task *task, u64 ms)
{
	u64 end = now() + ms;

	for (;;) {
		unsigned changes = changes_so_far();

		if (is_gone(task))
			return 1;
		if (now() >= end)
			return 0;
		wait_for_change(changes);
	}
}

static int wait_for_ends(u64 ms)
{
	u64 end = now() + ms;
	int each, ended = 1;

	for (each = 0; each < TASKS; each++)
		ended &= wait_for_end(&tasks[each], now() < end ? end - now() : 0);
	return ended;
}

/* Says what the tasks have said, and who has died. All are at their ends. */
static void print_reports(void)
{
	int each;

	for (each = 0; each < TASKS; each++) {
		print_report(&tasks[each]);
		if (has_died(&tasks[each]))
			print_death(&tasks[each]);
	}
	fflush(stdout);
}

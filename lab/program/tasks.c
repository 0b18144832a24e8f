/* ---- tasks, and the gate before each of their calls ---- */

#define NO_LIMIT 1000000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;	/* of the clock that only goes on */
static int abandoned;		/* nobody begins anything any more */
static int all_at_once;		/* a natural round: nobody stands at gates */
static int starting;		/* tasks that are not yet at the start */

static void prepare_tasks(void)
{
	pthread_condattr_t attributes;
	int each;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&changed, &attributes);
	for (each = 0; each < TASKS; each++)
		pthread_mutex_init(&tasks[each].source_lock, NULL);
}

/* Waits for a change, for 20 ms at most; `lock` is held. */
static void wait_for_change(void)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += 20000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&changed, &lock, &until);
}

static void spin(struct task *task)
{
	unsigned turns;
	volatile unsigned spun;

	task->random = task->random * 1103515245u + 12345u;
	turns = (task->random >> 8) & ((1u << ((task->random >> 4) % 16)) - 1);
	for (spun = 0; spun < turns; spun++)
		;
}

static void start_together(struct task *task)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(task->cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	__atomic_sub_fetch(&starting, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&starting, __ATOMIC_SEQ_CST) > 0)
		sched_yield();
}

/* Says whether the task may begin its call. */
static int pass_gate(struct task *task, int number)
{
	int may;

	if (all_at_once)
		spin(task);
	pthread_mutex_lock(&lock);
	while (!abandoned && task->allowed <= number)
		wait_for_change();
	may = !abandoned;
	task->at = number;
	if (may)
		task->begun = number + 1;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return may;
}

static void *run_task(void *argument)
{
	struct task *task = argument;
	int number, file;

	prctl(PR_SET_NAME, task->name);
	pthread_mutex_lock(&lock);
	task->tid = syscall(SYS_gettid);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	if (all_at_once)
		start_together(task);
	for (number = 0; number < task->calls && pass_gate(task, number); number++) {
		task->call(task, number);
		pthread_mutex_lock(&lock);
		task->done = number + 1;
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&lock);
	}
	end_aio(task);
	for (file = 0; file < MOST_FILES; file++)
		end_map(task, file);
	pthread_mutex_lock(&lock);
	task->ended = 1;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void start_tasks(int allowed)
{
	int each;

	abandoned = 0;
	starting = TASKS;
	for (each = 0; each < TASKS; each++) {
		struct task *task = &tasks[each];

		task->begun = task->done = task->ended = task->failed = 0;
		task->allowed = allowed;
		task->fault = NO_FAULT;
		open_report(task);
		if (pthread_create(&task->thread, NULL, run_task, task))
			give_up("no thread for %s: %s", task->name, strerror(errno));
	}
}

static void allow(struct task *task, int calls)
{
	pthread_mutex_lock(&lock);
	if (task->allowed < calls)
		task->allowed = calls;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

/* From here on tasks go on by themselves, or begin nothing more. */
static void let_all_run(int to_their_ends)
{
	int each;

	for (each = 0; each < TASKS; each++)
		allow(&tasks[each], NO_LIMIT);
	pthread_mutex_lock(&lock);
	abandoned = !to_their_ends;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

/* Says whether a task is through with so many calls, within a time. */
static int wait_until_done(struct task *task, int calls, u64 ms)
{
	u64 end = now() + ms;
	int done;

	pthread_mutex_lock(&lock);
	while (task->done < calls && now() < end)
		wait_for_change();
	done = task->done >= calls;
	pthread_mutex_unlock(&lock);
	return done;
}

/* What /proc says a thread does: R, S, D … */
static char state_of(pid_t tid)
{
	char path[64], text[512], *end;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return '?';
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[got > 0 ? got : 0] = 0;
	end = strrchr(text, ')');
	return end && end[1] ? end[2] : '?';
}

/*
 * Says whether a task sleeps in the call that it has begun, for 50 ms without a break. Who did not have to wait, since what
 * it would have waited for was over, is as far as it can come.
 */
static int wait_until_it_waits(struct task *task, u64 ms)
{
	u64 end = now() + ms;
	int asleep = 0, in_call, through;

	while (now() < end) {
		pthread_mutex_lock(&lock);
		in_call = task->begun > task->done;
		through = task->done >= task->allowed || task->ended;
		pthread_mutex_unlock(&lock);
		if (through)
			return 1;
		asleep = in_call && strchr("SD", state_of(task->tid)) ? asleep + 1 : 0;
		if (asleep > 10)
			return 1;
		sleep_ms(5);
	}
	return 0;
}

/* Says whether a task comes to its end within a time. */
static int wait_for_end(struct task *task, u64 ms)
{
	u64 end = now() + ms;
	int ended;

	pthread_mutex_lock(&lock);
	while (!task->ended && now() < end)
		wait_for_change();
	ended = task->ended;
	pthread_mutex_unlock(&lock);
	return ended;
}

static int wait_for_ends(u64 ms)
{
	u64 end = now() + ms;
	int each, ended = 1;

	for (each = 0; each < TASKS; each++)
		ended &= wait_for_end(&tasks[each], now() < end ? end - now() : 0);
	return ended;
}

static void join_tasks(void)
{
	int each;

	for (each = 0; each < TASKS; each++) {
		pthread_join(tasks[each].thread, NULL);
		print_report(&tasks[each]);
	}
	fflush(stdout);
}

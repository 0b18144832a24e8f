/* ---- tasks: processes, and the gate before each of their calls ---- */

#define NO_LIMIT 1000000

/*
 * What the processes know of each other. There is no lock, which somebody could die with: a word has one writer. Whoever writes
 * one that others wait for moves `changes`.
 */
struct shared {
	unsigned changes;
	int abandoned;		/* nobody begins anything any more */
	int starting;		/* tasks that are not yet at the start */
	int lead;		/* places by which a task may be ahead of the others */
	pid_t main;
	struct task tasks[TASKS + 1];
};

static struct shared *shared;
static struct task *tasks;
static int all_at_once;		/* a natural round: nobody stands at gates */

static int look(const int *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static unsigned changes_so_far(void)
{
	return __atomic_load_n(&shared->changes, __ATOMIC_SEQ_CST);
}

static void wake_all(void)
{
	__atomic_add_fetch(&shared->changes, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &shared->changes, FUTEX_WAKE, TASKS + 1, NULL, NULL, 0);
}

static void change(int *word, int value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
	wake_all();
}

/* Waits until something is another than when there were so many changes, for 20 ms at most. */
static void wait_for_change(unsigned changes)
{
	struct timespec most = { 0, 20000000 };

	syscall(SYS_futex, &shared->changes, FUTEX_WAIT, changes, &most, NULL, 0);
}

/* A task has ended, which is a change, too. */
static void on_end(int number)
{
	int error = errno;

	(void)number;
	wake_all();
	errno = error;
}

static void prepare_tasks(void)
{
	struct sigaction action = { .sa_handler = on_end, .sa_flags = SA_RESTART | SA_NOCLDSTOP };
	int each;

	shared = shared_memory(sizeof(*shared));
	shared->main = getpid();
	tasks = shared->tasks;
	for (each = 0; each < TASKS; each++) {
		tasks[each] = tasks_of_race[each];
		make_report(&tasks[each]);
	}
	sigaction(SIGCHLD, &action, NULL);
}

static void spin(unsigned *random)
{
	unsigned turns;
	volatile unsigned spun;

	*random = *random * 1103515245u + 12345u;
	turns = (*random >> 8) & ((1u << ((*random >> 4) % 16)) - 1);
	for (spun = 0; spun < turns; spun++)
		;
}

static void start_together(struct task *task)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(task->cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	__atomic_sub_fetch(&shared->starting, 1, __ATOMIC_SEQ_CST);
	while (look(&shared->starting) > 0 && !look(&shared->abandoned))
		sched_yield();
}

/* Says whether the task may begin its call. */
static int pass_gate(struct task *task, int number)
{
	unsigned changes;

	if (all_at_once)
		spin(&task->random);
	for (;;) {
		changes = changes_so_far();
		if (look(&shared->abandoned))
			return 0;
		if (look(&task->allowed) > number)
			break;
		wait_for_change(changes);
	}
	task->at = number;
	change(&task->begun, number + 1);
	return 1;
}

/* A thread beside the task: pages are dropped from who has them mapped, and nobody else can do that without losing the bytes. */
static void *drop_when_asked(void *argument)
{
	struct task *task = argument;
	unsigned changes;
	int asked;

	prctl(PR_SET_NAME, "[dropper]");
	for (;;) {
		changes = changes_so_far();
		asked = look(&task->drops_asked);
		if (all_at_once || asked != look(&task->drops_done)) {
			drop_source(task);
			change(&task->drops_done, asked);
		} else {
			wait_for_change(changes);
		}
	}
	return NULL;
}

/* All that a new process has is there from now on: what faults while a call is under way is what the call is about. */
static void touch_memory(void)
{
	volatile unsigned char stack[65536];
	size_t at;

	for (at = 0; at < sizeof(stack); at += PAGE)
		stack[at] = 0;
	if (!mlockall(MCL_CURRENT))
		munlockall();
}

static void begin_life(struct task *task)
{
	pthread_t dropper;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != shared->main)
		_exit(2);
	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_NAME, task->name);
	begin_report(task);
	touch_memory();
	if (DROPS_SOURCES && pthread_create(&dropper, NULL, drop_when_asked, task))
		give_up("no thread for %s", task->name);
	if (all_at_once)
		start_together(task);
}

#define PATIENCE_MS 1000	/* for others who do not come nearer */

/*
 * Goes to a place, where the others are near. So tasks meet although one has more to do than another. Who has died comes no
 * nearer, and is not waited for again.
 */
static void come_to(struct task *task, u64 place)
{
	static int alone;
	u64 end = now() + PATIENCE_MS;
	int each;

	here = place * PLACE;
	__atomic_store_n(&task->place, (int)place, __ATOMIC_SEQ_CST);
	for (each = 0; !alone && each < TASKS; each++) {
		struct task *other = &tasks[each];

		while (!alone && !look(&other->ended) && look(&other->place) + shared->lead < (int)place) {
			alone = look(&shared->abandoned) || now() >= end;
			sched_yield();
		}
	}
}

/* All calls of a task. */
static void go_through(struct task *task)
{
	int number, file;

	for (number = 0; number < task->calls && pass_gate(task, number); number++) {
		task->call(task, number);
		fflush(said);
		change(&task->done, number + 1);
	}
	wait_for_submitted(task);
	for (file = 0; file < MOST_FILES; file++)
		end_map(task, file);
}

static __attribute__((noreturn)) void live(struct task *task)
{
	u64 place;

	begin_life(task);
	for (place = 0; place < places; place++) {
		come_to(task, place);
		go_through(task);
	}
	end_aio(task);
	fflush(said);
	change(&task->ended, 1);
	_exit(0);
}

static void start_tasks(int allowed)
{
	pid_t pid;
	int each;

	shared->abandoned = 0;
	shared->starting = TASKS;
	fflush(NULL);
	for (each = 0; each < TASKS; each++) {
		struct task *task = &tasks[each];

		task->begun = task->done = task->ended = task->failed = task->place = 0;
		task->drops_asked = task->drops_done = task->may_be_killed = 0;
		task->killed = task->gone = 0;
		task->allowed = allowed;
		task->fault = NO_FAULT;
		memset(task->maps, 0, sizeof(task->maps));
		task->aio = 0;
		task->submitted = NULL;
		pid = fork();
		if (pid < 0)
			give_up("no process for %s: %s", task->name, strerror(errno));
		if (!pid)
			live(task);
		task->pid = pid;
	}
}

static void allow(struct task *task, int calls)
{
	if (task->allowed < calls)
		change(&task->allowed, calls);
}

/* From here on tasks go on by themselves, or begin nothing more. */
static void let_all_run(int to_their_ends)
{
	int each;

	change(&shared->abandoned, !to_their_ends);
	for (each = 0; each < TASKS; each++)
		allow(&tasks[each], NO_LIMIT);
}

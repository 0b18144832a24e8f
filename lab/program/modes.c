/* ---- forced, control, natural ---- */

#define END_MS 60000		/* within which all tasks have to come to their ends */
#define PLACE_MS 50		/* and so many more for each place */

static u64 most_shown = 4;	/* rounds that are shown in full, as predicted and of other bytes each */

static struct task setup = { .name = "setup", .calls = SETUP_CALLS, .call = setup_call };

/* Whoever takes a trace of the race is told that the files are there, and waited for: by files of these names. */
static void wait_for_recorder(void)
{
	char ready[4096], go[4096];
	u64 end = now() + 20000;
	int fd;

	if (!recorder)
		return;
	snprintf(ready, sizeof(ready), "%s.ready", recorder);
	snprintf(go, sizeof(go), "%s.go", recorder);
	fd = open(ready, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		give_up("%s: %s", ready, strerror(errno));
	close(fd);
	while (access(go, F_OK) && now() < end)
		sleep_ms(20);
}

/* The files as the race finds them. */
static void make_start(void)
{
	int number, failed;
	u64 place;

	crashed = 0;
	make_files();
	setup.failed = 0;
	said = stdout;
	/* Each of them in all places, before the next one: some are about the whole file. */
	for (number = 0; number < setup.calls; number++) {
		setup.at = number;
		for (place = 0; place < places; place++) {
			here = place * PLACE;
			setup.call(&setup, number);
		}
	}
	here = 0;
	end_aio(&setup);
	for (number = 0; number < MOST_FILES; number++)
		end_map(&setup, number);
	failed = setup.failed;
	if (failed > (int)(SETUP_MAY_FAIL * places))
		give_up("%d calls of the setup failed: this file system, or this kernel, is not one that the race is of",
			failed);
}

/* Which prediction it is: where both are alike, the control's in the control, and the schedule's otherwise. */
static const char *result_of(int (*is_as)(const struct left *), int first_is_control)
{
	const struct left *alone = all_at_once ? &left_in_any_order : &predicted_control;

	if (!predicted.is_known && !alone->is_known)
		return "not predicted";
	if (first_is_control && is_as(alone))
		return "as the control";
	if (is_as(&predicted))
		return "as predicted";
	return is_as(alone) ? "as the control" : "other";
}

/* How the last line of a single run begins. */
static void print_result(const char *result, const char *mode)
{
	int each, failed = 0;

	for (each = 0; each < TASKS; each++)
		failed += tasks[each].failed;
	printf("{\"result\":\"%s\",\"mode\":\"%s\",\"failed calls\":%d", result, mode, failed);
	if (was_seen[STABLE] && was_seen[REMOUNTED])
		printf(",\"remounted\":\"%s\"", result_of(remounted_as, !strcmp(mode, "control")));
}

/* Those of whom something is true. */
static void print_names(int (*is_so)(struct task *))
{
	const char *between = "";
	int each;

	for (each = 0; each < TASKS; each++) {
		if (!is_so(&tasks[each]))
			continue;
		printf("%s\"%s\"", between, tasks[each].name);
		between = ",";
	}
}

static int is_not_gone(struct task *task)
{
	return !is_gone(task);
}

/* Somebody waits for ever: it can be said who, and no more. */
static void end_hanging(const char *mode)
{
	printf("{\"result\":\"hangs\",\"mode\":\"%s\",\"waits\":[", mode);
	print_names(is_not_gone);
	puts("]}");
	fflush(stdout);
	_exit(1);
}

/* Somebody has died, and with it what it was to do: nothing is compared. */
static int end_with_the_dead(const char *mode)
{
	print_reports();
	printf("{\"result\":\"died\",\"mode\":\"%s\",\"who\":[", mode);
	print_names(has_died);
	puts("]}");
	return 1;
}

static int is_wanted(const char *result, const char *wanted)
{
	return !strcmp(result, wanted) || !strcmp(result, "not predicted");
}

static int forced(void)
{
	const char *result;
	int missed;

	need_module();
	if (HOLDS)
		tell("clear all");
	make_start();
	set_holds();
	wait_for_recorder();
	start_tasks(0);
	missed = play();
	print_holds();
	let_writes();
	release_all();
	let_all_run(!crashed);
	if (!wait_for_ends(END_MS))
		end_hanging("forced");
	if (any_has_died())
		return end_with_the_dead("forced");
	print_reports();
	look_at_stages(crashed);
	print_stages();
	result = missed >= 0 ? "not reached" : result_of(as, 0);
	if (missed < 0)
		print_differences(&predicted);
	print_result(result, "forced");
	if (missed >= 0)
		printf(",\"order\":\"not reached\",\"turn\":%d,\"what\":\"%s\",\"why\":\"%s\",\"left\":\"%s\"",
		       missed + 1, turns[missed].text, why, result_of(as, 0));
	puts("}");
	return !is_wanted(result, "as predicted");
}

/* The tasks one after the other. */
static int control(void)
{
	const char *result;
	int each;

	make_start();
	start_tasks(0);
	for (each = 0; each < TASKS; each++) {
		struct task *task = &tasks[control_order[each]];

		allow(task, NO_LIMIT);
		if (!wait_for_end(task, END_MS))
			end_hanging("control");
		/* Nor does what the kernel does for it overlap with the next one. */
		wait_until_written(TURN_MS);
	}
	let_all_run(1);
	if (!wait_for_ends(END_MS))
		end_hanging("control");
	if (CONTROL_CRASHES && !stop_now())
		give_up("%s", why);
	if (any_has_died())
		return end_with_the_dead("control");
	print_reports();
	look_at_stages(crashed);
	print_stages();
	result = result_of(as, 1);
	print_differences(&predicted_control);
	print_result(result, "control");
	puts("}");
	return !is_wanted(result, "as the control");
}

/* Which processors the tasks run on: each on another one, as far as there are so many. */
static void choose_cpus(unsigned seed)
{
	cpu_set_t usable;
	int each, cpu = -1;

	CPU_ZERO(&usable);
	sched_getaffinity(0, sizeof(usable), &usable);
	for (each = 0; each < TASKS; each++) {
		do
			cpu = (cpu + 1) % CPU_SETSIZE;
		while (!CPU_ISSET(cpu, &usable));
		tasks[each].cpu = cpu;
		tasks[each].random = seed * 2654435761u + each * 40503u;
	}
}

/* Fatal signals come some time after the writes that they are to come into have begun. */
static void kill_some(unsigned random)
{
	u64 end = now() + END_MS;
	int each, waits = 1;

	while (waits && now() < end) {
		for (waits = each = 0; each < TASKS; each++) {
			struct task *task = &tasks[each];

			if (task->killed || is_gone(task))
				continue;
			waits++;
			if (!look(&task->may_be_killed))
				continue;
			spin(&random);
			kill_task(task);
		}
		sched_yield();
	}
}

/* Until all are at their ends; tasks may be killed, and power may be lost. */
static void watch_round(unsigned random)
{
	if (CRASHES) {
		usleep(random % 3000);
		if (!stop_now())
			give_up("%s", why);
		let_all_run(0);
	}
	if (KILLS)
		kill_some(random);
	if (!wait_for_ends(END_MS + places * PLACE_MS))
		end_hanging("natural");
}

static void print_round(u64 round, u64 place, const char *result)
{
	printf("{\"round\":%llu,\"place\":%llu,\"is\":\"%s\"}\n", round, place, result);
	print_stages();
}

/* How many rounds, or places, ended how. */
struct counts {
	u64 all, predicted, control, other, unknown;
};

static void count(struct counts *counts, const char *result)
{
	counts->all++;
	if (!strcmp(result, "as predicted"))
		counts->predicted++;
	else if (!strcmp(result, "as the control"))
		counts->control++;
	else if (!strcmp(result, "other"))
		counts->other++;
	else
		counts->unknown++;
}

static void add(struct counts *to, const struct counts *more)
{
	to->all += more->all;
	to->predicted += more->predicted;
	to->control += more->control;
	to->other += more->other;
	to->unknown += more->unknown;
}

/* What several come to: the bytes of the schedule, if they were seen in one of them. */
static const char *result_of_all(const struct counts *counts)
{
	if (counts->predicted)
		return "as predicted";
	if (counts->other)
		return "other";
	return counts->unknown ? "not predicted" : "as the control";
}

/* What came of rounds so far. */
struct rounds {
	struct counts rounds, places;
	u64 failed;		/* tasks with calls that failed */
	u64 shown[2];		/* as predicted, and of other bytes */
};

/* Compares a place. */
static const char *look_at_place(struct rounds *rounds, u64 place)
{
	const char *result;

	here = place * PLACE;
	if (crashed)
		look_at_remounted();
	else
		look_at_files(STABLE);
	result = result_of(as, 1);
	if (strcmp(result, "as the control") && rounds->shown[!strcmp(result, "other")]++ < most_shown)
		print_round(rounds->rounds.all + 1, place, result);
	forget_stages();
	here = 0;
	return result;
}

/* Compares all places of a round. */
static void judge_round(struct rounds *rounds)
{
	struct counts found = { 0, 0, 0, 0, 0 };
	u64 place;
	int each;

	if (!crashed)
		make_stable();
	for (place = 0; place < places; place++)
		count(&found, look_at_place(rounds, place));
	add(&rounds->places, &found);
	count(&rounds->rounds, result_of_all(&found));
	for (each = 0; each < TASKS; each++)
		rounds->failed += tasks[each].failed > 0;
}

static void print_rounds(const struct rounds *rounds)
{
	const struct counts *all = &rounds->rounds, *in = &rounds->places;

	printf("{\"result\":\"%s\",\"mode\":\"natural\",\"rounds\":%llu,\"as predicted\":%llu,\"as the control\":%llu,"
	       "\"other\":%llu,\"places\":%llu,\"places as predicted\":%llu,\"other places\":%llu,"
	       "\"tasks with failed calls\":%llu}\n",
	       result_of_all(all), all->all, all->predicted, all->control, all->other, in->all, in->predicted, in->other,
	       rounds->failed);
}

#define LEADS 4		/* how far tasks may be apart changes from round to round: not at all, or by 1, 2 or 3 places */

static int natural(u64 most, u64 seconds)
{
	struct rounds rounds = { .shown = { 0, 0 } };
	u64 end = now() + seconds * 1000, round;

	all_at_once = quiet = 1;
	for (round = 0; round < most && (!seconds || now() < end); round++) {
		choose_cpus(round + now());
		shared->lead = round % LEADS;
		make_start();
		start_tasks(NO_LIMIT);
		watch_round(tasks[0].random);
		if (any_has_died())
			return end_with_the_dead("natural");
		print_reports();
		judge_round(&rounds);
		close_files();
	}
	print_rounds(&rounds);
	return !is_wanted(result_of_all(&rounds.rounds), "as predicted");
}

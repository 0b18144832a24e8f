/* ---- what the main process does, turn by turn ---- */

#define TURN_MS 5000	/* within which each has to be reached */

static int crashed;
static char why[256];	/* a turn was not reached */

static int because(const char *problem, int error)
{
	snprintf(why, sizeof(why), "%s%s%s", problem, error ? ": " : "", error ? strerror(error) : "");
	return 0;
}

/* Pages under writeback, of all files. */
static long under_writeback(void)
{
	FILE *from = fopen("/proc/vmstat", "r");
	char line[256];
	long pages = 0;

	while (from && fgets(line, sizeof(line), from))
		if (sscanf(line, "nr_writeback %ld", &pages) == 1)
			break;
	if (from)
		fclose(from);
	return pages;
}

static int wait_until_written(u64 ms)
{
	u64 end = now() + ms;
	int none = 0;

	/* The counters of the processors are gathered now and then. */
	while (none < 5 && now() < end) {
		none = under_writeback() ? 0 : none + 1;
		sleep_ms(20);
	}
	return none == 5;
}

static int stop_now(void)
{
	int error = device ? stop_file_system() : ENODEV;

	crashed = !error;
	return error ? because("the file system was not shut down", error) : 1;
}

/* Says whether a turn was reached. */
static int take(const struct turn *turn)
{
	int error = 0;

	switch (turn->what) {
	case ARM:
		error = arm(turn->of);
		return error ? because("the hold was not armed", error) : 1;
	case BEGIN:
		allow(&tasks[turn->of], turn->call + 1);
		return 1;
	case UNTIL_HELD:
		error = tell("until %d %d", turn->of, TURN_MS);
		return error ? because(error == ETIME ? "who was held there went on by itself" : "nobody came there", error) : 1;
	case UNTIL_RETURNED:
		error = tell("returned %d %d", turn->of, TURN_MS);
		return error ? because(error == ETIME ? "who was held there went on by itself" : "the call did not return", error) : 1;
	case UNTIL_DONE:
		return wait_until_done(&tasks[turn->of], turn->call + 1, TURN_MS) ? 1 :
			because("the call did not come to its end", 0);
	case UNTIL_WAITS:
		return wait_until_it_waits(&tasks[turn->of], TURN_MS) ? 1 : because("the task does not wait", 0);
	case RELEASE:
		error = tell("go %d", turn->of);
		return error ? because("who was held had gone on before", error) : 1;
	case DROP_SOURCE:
		return wait_until_dropped(&tasks[turn->of], TURN_MS) ? 1 : because("the source was not dropped", 0);
	case KILL:
		return kill_task(&tasks[turn->of]) ? 1 : because("the task is at its end already", 0);
	case KEEP_WRITES:
		error = keep_writes();
		return error ? because("device mapper does not keep writes", error) : 1;
	case LET_WRITES:
		error = let_writes();
		return error ? because("device mapper does not let writes go", error) : 1;
	case CRASH:
		return stop_now();
	case UNTIL_WRITTEN:
		return wait_until_written(TURN_MS) ? 1 : because("something is still under writeback", 0);
	}
	return 1;
}

/* Plays the turns; the first one that was not reached, or -1. */
static int play(void)
{
	int number;

	for (number = 0; number < TURNS; number++)
		if (!take(&turns[number]))
			return number;
	return -1;
}

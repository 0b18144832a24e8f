/* ---- holding tasks in the kernel: what the module hold.ko is told ---- */

#define CONTROL "/sys/kernel/debug/hold"
#define HELD_AT_MOST 30000	/* ms, after which the module lets go by itself */

static __attribute__((format(printf, 1, 2))) int tell(const char *format, ...)
{
	char text[512];
	va_list arguments;
	int fd, error = 0;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	fd = open(CONTROL, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		error = errno;
	close(fd);
	return error;
}

static void need_module(void)
{
	if (HOLDS && access(CONTROL, W_OK))
		give_up("%s: %s; the forced order needs the module hold.ko, and debugfs to be mounted", CONTROL,
			strerror(errno));
}

static int arm(int slot)
{
	const struct hold *hold = &holds[slot];
	char folio[64] = "";

	if (hold->file >= 0)
		snprintf(folio, sizeof(folio), " folio %llu %llu", files[hold->file].inode, hold->folio);
	return tell("arm %d %s %u %d %s %s%s", slot, hold->side, hold->nth, HELD_AT_MOST, hold->who, hold->function,
		    folio);
}

/* The processors on which somebody is held. */
static void cpus_of_held(cpu_set_t *cpus)
{
	FILE *from = fopen(CONTROL, "r");
	char line[512], *at;

	CPU_ZERO(cpus);
	while (from && fgets(line, sizeof(line), from))
		if (strstr(line, "state=held") && (at = strstr(line, " cpu=")))
			CPU_SET(atoi(at + strlen(" cpu=")), cpus);
	if (from)
		fclose(from);
}

/* Who is held at an instruction keeps its processor busy: it has to be another one than that of who goes on meanwhile. */
static void keep_off_held(int slot)
{
	cpu_set_t held, usable;
	int each, cpu;

	if (strcmp(holds[slot].side, "i_size"))
		return;
	cpus_of_held(&held);
	sched_getaffinity(0, sizeof(usable), &usable);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &held))
			CPU_CLR(cpu, &usable);
	for (each = 0; each < TASKS; each++)
		if (!strcmp(tasks[each].name, holds[slot].who))
			sched_setaffinity(tasks[each].pid, sizeof(usable), &usable);
	/* This process goes on where they are. */
	if (CPU_COUNT(&held))
		sched_setaffinity(0, sizeof(held), &held);
}

/* What became of each hold, in the module's words. */
static void print_holds(void)
{
	FILE *from = HOLDS ? fopen(CONTROL, "r") : NULL;
	char line[512];

	while (from && fgets(line, sizeof(line), from)) {
		char *at;

		fputs("{\"hold\":\"", stdout);
		for (at = line; *at && *at != '\n'; at++) {
			if (*at == '"' || *at == '\\')
				putchar('\\');
			putchar(*at == '\t' ? ' ' : *at);
		}
		fputs("\"}\n", stdout);
	}
	if (from)
		fclose(from);
}

static void release_all(void)
{
	int slot;

	for (slot = 0; slot < HOLDS; slot++)
		tell("go %d", slot);
	if (HOLDS)
		tell("clear all");
}

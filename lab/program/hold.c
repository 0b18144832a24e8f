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

/* What became of setting each hold: an error, or 0. */
static int not_set[HOLDS + 1];

/* All are set before the race: to hook a function changes the kernel's code, and waits for others meanwhile. */
static void set_holds(void)
{
	int slot;

	for (slot = 0; slot < HOLDS; slot++) {
		const struct hold *hold = &holds[slot];
		char folio[64] = "";

		if (hold->file >= 0)
			snprintf(folio, sizeof(folio), " folio %llu %llu", files[hold->file].inode, hold->folio);
		not_set[slot] = tell("set %d %s %u %d %s %s%s", slot, hold->side, hold->nth, HELD_AT_MOST,
				     hold->who, hold->function, folio);
	}
}

static int arm(int slot)
{
	return not_set[slot] ? not_set[slot] : tell("arm %d", slot);
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

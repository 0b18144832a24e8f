/* ---- what is left, stage by stage ---- */

enum { CACHED, STABLE, REMOUNTED, STAGES };

static const char *const stage_names[STAGES] = { "cached", "stable", "remounted" };
static struct seen seen[STAGES][MOST_FILES];
static int was_seen[STAGES];

static void forget_stages(void)
{
	int stage, file;

	for (stage = 0; stage < STAGES; stage++) {
		was_seen[stage] = 0;
		for (file = 0; file < FILES; file++) {
			free(seen[stage][file].bytes);
			seen[stage][file].bytes = NULL;
		}
	}
}

static void look_at_files(int stage)
{
	int file;

	for (file = 0; file < FILES; file++)
		look_at(&seen[stage][file], &files[file]);
	was_seen[stage] = 1;
}

static void print_stages(void)
{
	int stage, file;

	for (stage = 0; stage < STAGES; stage++)
		for (file = 0; was_seen[stage] && file < FILES; file++)
			print_seen(stage_names[stage], &files[file], &seen[stage][file]);
}

/* Everything is written back, and nothing cached. */
static void make_stable(void)
{
	int file, error;

	for (file = 0; file < FILES; file++) {
		if (fsync(files[file].fd)) {
			error = errno;
			if (!quiet)
				printf("{\"call\":\"fsync\",\"task\":\"(the end)\",\"returned\":-1,\"errno\":%d,"
				       "\"error\":\"%s\"}\n", error, strerror(error));
		}
		posix_fadvise(files[file].fd, 0, 0, POSIX_FADV_DONTNEED);
	}
	drop_caches();
}

static void look_at_stable(void)
{
	make_stable();
	look_at_files(STABLE);
}

static void look_at_remounted(void)
{
	close_files();
	mount_anew();
	open_files(O_RDONLY);
	look_at_files(REMOUNTED);
}

/* The stages of a run; after a crash there is but one. */
static void look_at_stages(int crashed)
{
	if (!crashed) {
		look_at_files(CACHED);
		look_at_stable();
	}
	if (crashed || device)
		look_at_remounted();
}

/* Says in how many places what was seen at a stage differs from a prediction. */
static int stage_differs(int stage, const struct left *left, int says)
{
	const struct contents *const by_stage[STAGES] = { left->cached, left->stable, left->remounted };
	const struct contents *contents = by_stage[stage];
	int file, differences = 0;

	for (file = 0; was_seen[stage] && contents && file < FILES; file++)
		differences += compare(stage_names[stage], files[file].name, &seen[stage][file], &contents[file], says);
	return differences;
}

static void print_differences(const struct left *left)
{
	int stage;

	for (stage = 0; left->is_known && stage < STAGES; stage++)
		stage_differs(stage, left, 1);
}

/* Every stage that was seen is as predicted. */
static int as(const struct left *left)
{
	int stage, differences = 0;

	for (stage = 0; stage < STAGES; stage++)
		differences += stage_differs(stage, left, 0);
	return left->is_known && !differences;
}

static int remounted_as(const struct left *left)
{
	return left->is_known && !stage_differs(REMOUNTED, left, 0);
}

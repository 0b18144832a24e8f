/* ---- the command line ---- */

/* The device is to keep writes, in the forced order. */
static int keeps_writes(void)
{
	int each, keeps = 0;

	for (each = 0; each < TURNS; each++)
		keeps |= turns[each].what == KEEP_WRITES;
	return keeps;
}

static void help(FILE *to, const char *program)
{
	fprintf(to,
		"usage: %s [--device DEV --type xfs|gfs2|ext4] [--mount-options O] DIR forced|control|natural\n"
		"       [--rounds N] [--seconds N] [--places N] [--show N]\n"
		"\n"
		"%s.\n"
		"\n"
		"DIR is a folder of the file system that is tried; what it has of the names of the files is deleted:",
		program, ABOUT);
	for (int each = 0; each < FILES; each++)
		fprintf(to, " %s", files[each].name);
	fprintf(to,
		"\n"
		"%s"
		"  control    the tasks one after the other\n"
		"  natural    all tasks at once, round after round; 100 rounds unless told\n"
		"  --places   natural: in so many places of large files, 1 MiB apart, in each round\n"
		"  --show     natural: shows so many rounds in full that went wrong; 4 unless told\n"
		"  --device   what is mounted at DIR: it is mounted anew at the end, and read again%s\n"
		"  --type     its file system\n"
		"  --mount-options  the file system's own, for mounting anew (gfs2: lockproto=lock_nolock)\n"
		"  --recorder FILE  forced: makes FILE.ready when the files are there, and waits for FILE.go\n"
		"\n"
		"JSON on stdout, a line each. Exit: 0 as predicted (control: as the control), 1 otherwise, 2 bad input.\n",
		IS_SCHEDULE ? "  forced     the tasks in the order of the schedule; needs root and the module hold.ko, if any is held\n" : "",
		keeps_writes() ? ";\n             forced: one of device mapper, `delay DEV 0 0 DEV 0 20`" : "");
}

static u64 number(const char *option, const char *text)
{
	char *end;
	u64 value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || !value)
		give_up("--%s %s: expected a whole number from 1 on, as in --%s 100", option, text, option);
	return value;
}

static void check_device(const char *mode)
{
	struct request request;
	struct delays delays;

	if (device && !type)
		give_up("--device %s: needs --type, one of xfs, gfs2, ext4", device);
	if (type && strcmp(type, "xfs") && strcmp(type, "gfs2") && strcmp(type, "ext4"))
		give_up("--type %s: expected xfs, gfs2 or ext4", type);
	if (!device && (strcmp(mode, "control") ? CRASHES : CONTROL_CRASHES))
		give_up("power is lost in this race: DIR has to be where a device of its own is mounted, and --device and "
			"--type to say which");
	if (keeps_writes() && !strcmp(mode, "forced") && read_delays(&request, &delays))
		give_up("the device keeps writes in this race: --device has to be a `delay` of device mapper with a delay of "
			"its own for writes, as of: dmsetup create NAME --table '0 SECTORS delay DEV 0 0 DEV 0 20'");
}

#define MOST_PLACES 4096

/* A race that is about whole files has one place, and that is said. */
static void check_places(const char *mode)
{
	static const char *const why = ONE_PLACE;

	if (places > 1 && strcmp(mode, "natural"))
		give_up("--places %llu: for natural rounds alone", places);
	if (places > MOST_PLACES)
		give_up("--places %llu: expected %d at most", places, MOST_PLACES);
	if (places > 1 && why) {
		printf("{\"warning\":\"one place a round: %s\"}\n", why);
		places = 1;
	}
}

/* What is to be mounted anew has to be mounted there. */
static int is_mounted_at(const char *path)
{
	struct stat about, above;
	char parent[4096];

	snprintf(parent, sizeof(parent), "%s/..", path);
	return !stat(path, &about) && !stat(parent, &above) && about.st_dev != above.st_dev;
}

/* A file system with blocks of another size is no place for this race. */
static void check_folder(void)
{
	struct stat about;
	struct statfs whole;

	if (stat(folder, &about) || statfs(folder, &whole))
		give_up("%s: %s", folder, strerror(errno));
	if (!S_ISDIR(about.st_mode))
		give_up("%s: not a folder", folder);
	if (device && !is_mounted_at(folder))
		give_up("%s: %s is not mounted there", folder, device);
	if (whole.f_bsize != BLOCK)
		printf("{\"warning\":\"blocks of %ld bytes, and the race is one of blocks of %d\"}\n", (long)whole.f_bsize,
		       BLOCK);
}

int main(int count, char **arguments)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'd' }, { "type", required_argument, NULL, 't' },
		{ "mount-options", required_argument, NULL, 'o' }, { "rounds", required_argument, NULL, 'r' },
		{ "recorder", required_argument, NULL, 'R' }, { "seconds", required_argument, NULL, 's' },
		{ "places", required_argument, NULL, 'p' }, { "show", required_argument, NULL, 'S' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};
	u64 rounds = 0, seconds = 0;
	const char *mode;
	int option;

	mount_options = "";
	while ((option = getopt_long(count, arguments, "h", options, NULL)) != -1) {
		switch (option) {
		case 'd': device = optarg; break;
		case 't': type = optarg; break;
		case 'o': mount_options = optarg; break;
		case 'r': rounds = number("rounds", optarg); break;
		case 'R': recorder = optarg; break;
		case 'S': most_shown = number("show", optarg); break;
		case 'p': places = number("places", optarg); break;
		case 's': seconds = number("seconds", optarg); break;
		case 'h': help(stdout, arguments[0]); return 0;
		default: help(stderr, arguments[0]); return 2;
		}
	}
	if (count - optind != 2) {
		help(stderr, arguments[0]);
		return 2;
	}
	folder = arguments[optind];
	mode = arguments[optind + 1];
	check_device(mode);
	check_places(mode);
	check_folder();
	catch_faults();
	prepare_tasks();
	if (!strcmp(mode, "forced") && !IS_SCHEDULE)
		give_up("forced: nobody is held in this program; `stalemap lab plan SCENARIO --kernel 6.12 --format c` makes one in "
			"which they are");
	if (!strcmp(mode, "forced"))
		return forced();
	if (!strcmp(mode, "control"))
		return control();
	if (!strcmp(mode, "natural"))
		return natural(rounds ? rounds : seconds ? ~0ULL : 100, seconds);
	give_up("%s: expected forced, control or natural", mode);
}

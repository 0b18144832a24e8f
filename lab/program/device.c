/* ---- the device: its writes kept, without power, mounted anew ---- */

#define SHUTDOWN _IOR('X', 125, unsigned)	/* of XFS and ext4 */
#define KEPT_MS 10000000	/* ms, longer than anything here takes */

static const char *device, *type, *mount_options;

/* What device mapper is asked, with a table of one target. */
struct request {
	struct dm_ioctl head;
	struct dm_target_spec target;
	char text[1024];
};

/* A target that delays writes: the device under it, and the milliseconds, for reads and for writes. */
struct delays {
	char reads[128], writes[128];
	u64 reads_at, writes_at;
	unsigned reads_ms, writes_ms;
};

static int writes_are_kept;
static unsigned usual_ms;	/* that writes take otherwise */

/* Asks device mapper about the device, which it knows by its number. */
static int ask_mapper(unsigned long what, unsigned flags, struct request *request)
{
	struct stat about;
	int fd, error = 0;

	if (!device || stat(device, &about))
		return ENODEV;
	request->head = (struct dm_ioctl) {
		.version = { DM_VERSION_MAJOR, 0, 0 },
		.data_size = sizeof(*request),
		.data_start = offsetof(struct request, target),
		.target_count = what == DM_TABLE_LOAD,
		.flags = flags,
		.dev = about.st_rdev,
	};
	fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (ioctl(fd, what, request))
		error = errno;
	close(fd);
	return error;
}

/* The table that the device has. */
static int read_delays(struct request *request, struct delays *delays)
{
	int error;

	memset(request, 0, sizeof(*request));
	error = ask_mapper(DM_TABLE_STATUS, DM_STATUS_TABLE_FLAG, request);
	if (error)
		return error;
	if (request->head.target_count != 1 || strcmp(request->target.target_type, "delay"))
		return EINVAL;
	return sscanf(request->text, "%127s %llu %u %127s %llu %u", delays->reads, &delays->reads_at, &delays->reads_ms,
		      delays->writes, &delays->writes_at, &delays->writes_ms) == 6 ? 0 : EINVAL;
}

/*
 * Gives the device a table by which writes take so long. What the one before has kept goes to the disk when it is suspended, which
 * the new one's beginning does; the file system is not frozen.
 */
static int delay_writes(unsigned ms)
{
	struct request request;
	struct delays delays;
	int error = read_delays(&request, &delays);

	if (error)
		return error;
	if (!usual_ms)
		usual_ms = delays.writes_ms ? delays.writes_ms : 1;
	snprintf(request.text, sizeof(request.text), "%s %llu %u %s %llu %u", delays.reads, delays.reads_at,
		 delays.reads_ms, delays.writes, delays.writes_at, ms);
	request.target.status = 0;
	request.target.next = sizeof(request.target) + sizeof(request.text);
	error = ask_mapper(DM_TABLE_LOAD, 0, &request);
	if (error)
		return error;
	return ask_mapper(DM_DEV_SUSPEND, DM_SKIP_LOCKFS_FLAG | DM_NOFLUSH_FLAG, &request);
}

/* Writes that come from here on do not reach the disk; reads do. */
static int keep_writes(void)
{
	int error = delay_writes(KEPT_MS);

	writes_are_kept = !error;
	return error;
}

/* What was kept reaches the disk, before this returns. */
static int let_writes(void)
{
	int error = writes_are_kept ? delay_writes(usual_ms) : 0;

	if (!error)
		writes_are_kept = 0;
	return error;
}

/* gfs2 has no such ioctl: it withdraws. */
static int withdraw(void)
{
	glob_t found;
	int fd, error = ENOTTY;

	if (glob("/sys/fs/gfs2/*/withdraw", 0, NULL, &found))
		return error;
	fd = open(found.gl_pathv[0], O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		error = write(fd, "1", 1) == 1 ? 0 : errno;
		close(fd);
	}
	globfree(&found);
	return error;
}

/* Nothing comes to the device from here on but what is under way. */
static int stop_file_system(void)
{
	unsigned how = CRASH_FLAGS;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;

	if (fd < 0)
		return errno;
	if (ioctl(fd, SHUTDOWN, &how))
		error = errno;
	close(fd);
	return error == ENOTTY ? withdraw() : error;
}

/* Somebody may still be about to close a file. */
static void unmount(void)
{
	u64 end = now() + 10000;

	while (syscall(SYS_umount2, folder, 0)) {
		if (errno != EBUSY || now() >= end)
			give_up("umount %s: %s", folder, strerror(errno));
		sleep_ms(50);
	}
}

static void mount_anew(void)
{
	unmount();
	if (syscall(SYS_mount, device, folder, type, 0UL, mount_options))
		give_up("mount -t %s -o '%s' %s %s: %s", type, mount_options, device, folder, strerror(errno));
}

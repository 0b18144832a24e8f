/* ---- the device: suspended, without power, mounted anew ---- */

#define SHUTDOWN _IOR('X', 125, unsigned)	/* of XFS and ext4 */

static const char *device, *type, *mount_options;

/* Asks device mapper about the device, which it knows by its number. */
static int ask_mapper(unsigned long what, unsigned flags)
{
	struct dm_ioctl request = {
		.version = { DM_VERSION_MAJOR, 0, 0 },
		.data_size = sizeof(request),
		.data_start = sizeof(request),
		.flags = flags,
	};
	struct stat about;
	int fd, error = 0;

	if (!device || stat(device, &about))
		return ENODEV;
	request.dev = about.st_rdev;
	fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (ioctl(fd, what, &request))
		error = errno;
	close(fd);
	return error;
}

/* Suspended, it completes nothing. The file system is not frozen. */
static int suspend_device(int suspended)
{
	return ask_mapper(DM_DEV_SUSPEND, suspended ? DM_SUSPEND_FLAG | DM_SKIP_LOCKFS_FLAG : 0);
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

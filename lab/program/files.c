/* ---- the files: made, read, compared ---- */

/* A file as it was read at one stage. */
struct seen {
	unsigned char *bytes;
	u64 size;
	int error;
};

static const char *path_of(const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void open_files(int flags)
{
	int each;

	for (each = 0; each < FILES; each++) {
		struct file *file = &files[each];

		file->fd = open(path_of(file->name), flags | O_CLOEXEC, 0644);
		file->direct = -1;
		if (file->fd < 0 && !(flags & O_CREAT))
			continue;
		if (file->fd < 0)
			give_up("%s: %s", path_of(file->name), strerror(errno));
		if ((flags & O_CREAT) && file->opens_direct)
			file->direct = open(path_of(file->name), O_RDWR | O_DIRECT | O_CLOEXEC);
		if ((flags & O_CREAT) && file->opens_direct && file->direct < 0)
			give_up("%s cannot be opened for direct I/O: %s", path_of(file->name), strerror(errno));
	}
}

static void close_files(void)
{
	int each;

	for (each = 0; each < FILES; each++) {
		if (files[each].fd >= 0)
			close(files[each].fd);
		if (files[each].direct >= 0)
			close(files[each].direct);
		files[each].fd = files[each].direct = -1;
	}
}

/* What a device reads from for dma: full of one byte. */
static void make_patterns(void)
{
	int each;

	for (each = 0; each < PATTERNS; each++) {
		int fd = open(path_of(patterns[each].name), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);
		unsigned char *bytes = memory_of(patterns[each].length, patterns[each].byte);

		if (fd < 0 || write(fd, bytes, patterns[each].length) != (ssize_t)patterns[each].length || fsync(fd))
			give_up("%s: %s", path_of(patterns[each].name), strerror(errno));
		close(fd);
		free(bytes);
	}
}

/*
 * Files of several places have the size of all of them from the beginning, so that no write of the setup goes behind end of file,
 * where the file system would allocate ahead. No read brings in more than it asks for.
 */
static void make_room(void)
{
	int each;

	for (each = 0; each < FILES; each++) {
		if (places > 1 && ftruncate(files[each].fd, places * PLACE))
			give_up("%s: %s", path_of(files[each].name), strerror(errno));
		posix_fadvise(files[each].fd, 0, 0, POSIX_FADV_RANDOM);
	}
}

/* Fresh files, which a crash does not take away. */
static void make_files(void)
{
	int each, fd;

	for (each = 0; each < FILES; each++)
		unlink(path_of(files[each].name));
	make_patterns();
	open_files(O_CREAT | O_RDWR);
	for (each = 0; each < FILES; each++) {
		struct stat about;

		if (fstat(files[each].fd, &about))
			give_up("%s: %s", path_of(files[each].name), strerror(errno));
		files[each].inode = about.st_ino;
		if (files[each].journals_data && set_journalling(files[each].fd, 1))
			give_up("%s: its data cannot be journalled: %s", path_of(files[each].name), strerror(errno));
	}
	make_room();
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || syncfs(fd))
		give_up("%s: %s", folder, strerror(errno));
	close(fd);
	for (each = 0; each < BUFFERS; each++) {
		if (!buffers[each].at)
			buffers[each].at = shared_memory(buffers[each].length);
		memset(buffers[each].at, buffers[each].byte, buffers[each].length);
	}
}

/* As it is here: all of it, or its part in one of several places. */
static void look_at(struct seen *seen, const struct file *file)
{
	struct stat about;
	ssize_t got;
	u64 done = 0;

	memset(seen, 0, sizeof(*seen));
	if (file->fd < 0 || fstat(file->fd, &about)) {
		seen->error = errno ? errno : ENOENT;
		return;
	}
	seen->size = (u64)about.st_size > here ? about.st_size - here : 0;
	if (places > 1 && seen->size > file->size)
		seen->size = file->size;
	seen->bytes = memory_of(seen->size, 0);
	while (done < seen->size) {
		got = pread(file->fd, seen->bytes + done, seen->size - done, here + done);
		if (got <= 0) {
			seen->error = got ? errno : EIO;
			return;
		}
		done += got;
	}
}

static void print_seen(const char *stage, const struct file *file, const struct seen *seen)
{
	printf("{\"stage\":\"%s\",\"file\":\"%s\",\"size\":%llu,", stage, file->name, seen->size);
	if (seen->error)
		printf("\"errno\":%d,\"error\":\"%s\"}\n", seen->error, strerror(seen->error));
	if (seen->error)
		return;
	print_parts(stdout, seen->bytes, seen->size);
	puts("}");
}

static int fits(const struct part *part, unsigned char byte)
{
	return part->kind == ANYTHING || byte == (part->kind == DEVICE ? DEVICE_BYTE : part->byte);
}

static void print_difference(const char *stage, const char *file, u64 from, u64 to, const char *is, const char *should)
{
	printf("{\"differs\":{\"stage\":\"%s\",\"file\":\"%s\",\"from\":%llu,\"to\":%llu,\"is\":\"%s\","
	       "\"predicted\":\"%s\"}}\n", stage, file, from, to, is, should);
}

/* A part of a file against what is predicted of it; says how many runs of bytes differ. */
static int compare_part(const char *stage, const char *file, const struct seen *seen, const struct part *part, int says)
{
	char is[8], should[8] = "device";
	u64 from = part->from, to;
	u64 end = part->to < seen->size ? part->to : seen->size;
	int differences = 0;

	if (part->kind == BYTE)
		snprintf(should, sizeof(should), "%02x", part->byte);
	for (; from < end; from = to) {
		for (to = from + 1; to < end && seen->bytes[to] == seen->bytes[from]; to++)
			;
		if (fits(part, seen->bytes[from]))
			continue;
		differences++;
		snprintf(is, sizeof(is), "%02x", seen->bytes[from]);
		if (says)
			print_difference(stage, file, from, to, is, should);
	}
	return differences;
}

/* Says in how many places a file differs from what is predicted of it. */
static int compare(const char *stage, const char *file, const struct seen *seen, const struct contents *contents, int says)
{
	u64 size = contents->count ? contents->parts[contents->count - 1].to : 0;
	int each, differences = 0;

	if (seen->error || seen->size != size) {
		differences++;
		if (says && seen->error)
			print_difference(stage, file, 0, size, "not readable", "readable");
		else if (says && seen->size < size)
			print_difference(stage, file, seen->size, size, "behind end of file", "in the file");
		else if (says)
			print_difference(stage, file, size, seen->size, "in the file", "behind end of file");
	}
	for (each = 0; !seen->error && each < contents->count; each++)
		differences += compare_part(stage, file, seen, &contents->parts[each], says);
	return differences;
}

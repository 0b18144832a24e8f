/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What a program needs to give commands to the holder, as it gives them to the module by write(2). */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A connection, for one command; or -1. */
static int holder_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (fd >= 0 && connect(fd, (void *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Like write(2) to the module: the bytes, or -1 and errno. */
static ssize_t holder_ask(int fd, const char *text, size_t bytes)
{
	int error;

	if (write(fd, text, bytes) < 0)
		return -1;
	if (read(fd, &error, sizeof(error)) != sizeof(error)) {
		errno = EPIPE;
		return -1;
	}
	errno = error;
	return error ? -1 : (ssize_t)bytes;
}

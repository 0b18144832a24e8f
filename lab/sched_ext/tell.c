// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Says one command to the holder: `tell SOCKET "until 0 5000"`. Exit code 0, or the error number. */
#include <stdio.h>
#include "client.h"

int main(int count, char **words)
{
	int fd, error;

	if (count != 3) {
		fprintf(stderr, "usage: tell SOCKET COMMAND\n");
		return 2;
	}
	fd = holder_connect(words[1]);
	if (fd < 0) {
		perror(words[1]);
		return 2;
	}
	error = holder_ask(fd, words[2], strlen(words[2])) < 0 ? errno : 0;
	if (error)
		fprintf(stderr, "%s: %s\n", words[2], strerror(error));
	return error;
}

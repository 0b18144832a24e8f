// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The part of the holder in user space: takes the commands of lab/module/hold.c
 * over a socket, one a connection, and answers with an error number.
 *
 *   holder SOCKET STATUS LOG [SYMBOL]
 *
 * STATUS has a line for each slot after every command, as reading
 * /sys/kernel/debug/hold has. LOG gets, for each hold that was hit, how long it
 * took to stop the task, and where in the kernel it stopped. SYMBOL is a
 * function that will be held where it stores i_size: that probe has to be made
 * before anybody is held.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "size_store.h"
#include "slots.h"
#include "hold.skel.h"

#define FUNCTIONS	32

static struct hold_bpf *program;
static struct hold_slot *slots;
static struct {
	char name[128];
	long offset;	/* in it: 0, or where it stores i_size */
	struct bpf_link *before, *after;
} functions[FUNCTIONS];
static FILE *record;
static const char *status;

static const char *const names[] = {
	[EMPTY] = "empty", [ARMED] = "armed", [CHOSEN] = "called", [MARKED] = "marked", [HELD] = "held",
	[ON_ITS_WAY] = "gone", [RETURNED] = "returned", [MISSED] = "missed",
};

static int fail(const char *what)
{
	fprintf(stderr, "holder: %s: %s\n", what, strerror(errno));
	return 2;
}

/* Where a task is that does not run. */
static void note_stack(int n, const char *when)
{
	const struct hold_slot *slot = &slots[n];
	char path[64], line[256];
	FILE *from;

	fprintf(record, "slot %d %s %s %s of %s: %s after %lld ns on cpu %u\n", n, when, slot->after ? "after" : "before",
		functions[slot->function].name, slot->who, names[slot->state],
		slot->held_ns ? (long long)(slot->held_ns - slot->marked_ns) : -1, slot->cpu);
	snprintf(path, sizeof(path), "/proc/%u/stack", slot->pid);
	from = fopen(path, "r");
	while (from && fgets(line, sizeof(line), from))
		fprintf(record, "\t%s", line);
	if (from)
		fclose(from);
	fflush(record);
}

/*
 * An instruction is held before only where the probe is a jump, not a trap: the
 * kernel makes it one a little later, but waits for who is held meanwhile.
 */
static int becomes_a_jump(const char *name, long offset)
{
	unsigned long address = code_address(name);
	int n;

	for (n = 0; address && n < 100; n++) {
		if (code_byte(address + offset) == 0xe9)
			return 1;
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
	return 0;
}

static int attach(unsigned int n, const char *name, long offset)
{
	LIBBPF_OPTS(bpf_kprobe_opts, options, .bpf_cookie = n, .offset = offset);

	if (offset < 0)
		return ENOENT;
	functions[n].before = bpf_program__attach_kprobe_opts(program->progs.before, name, &options);
	if (!functions[n].before)
		return errno;
	if (offset)
		return becomes_a_jump(name, offset) ? 0 : EDEADLK;
	options.retprobe = true;
	functions[n].after = bpf_program__attach_kprobe_opts(program->progs.after, name, &options);
	return functions[n].after ? 0 : errno;
}

/* Its number; its probes stay, since taking them off may wait for who is held. */
static int function_of(const char *name, long offset, unsigned int *number)
{
	unsigned int n;
	int error;

	for (n = 0; n < FUNCTIONS && functions[n].name[0]; n++)
		if (!strcmp(functions[n].name, name) && functions[n].offset == offset) {
			*number = n;
			return 0;
		}
	if (n == FUNCTIONS)
		return ENOSPC;
	error = attach(n, name, offset);
	if (error) {
		bpf_link__destroy(functions[n].before);
		return error;
	}
	snprintf(functions[n].name, sizeof(functions[n].name), "%s", name);
	functions[n].offset = offset;
	*number = n;
	return 0;
}

/* Where a function stores i_size; once it has a probe, the instruction cannot be read any more. */
static long store_in(const char *name)
{
	int n;

	for (n = 0; n < FUNCTIONS; n++)
		if (functions[n].offset && !strcmp(functions[n].name, name))
			return functions[n].offset;
	return size_store(name);
}

static void run_again(void)
{
	LIBBPF_OPTS(bpf_test_run_opts, options);

	bpf_prog_test_run_opts(bpf_program__fd(program->progs.release), &options);
}

static int go(int n)
{
	struct hold_slot *slot = &slots[n];

	if (slot->state == EMPTY)
		return ENODATA;
	slot->go = 1;
	if (slot->state == HELD)
		slot->state = slot->after ? RETURNED : ON_ITS_WAY;
	run_again();
	return 0;
}

static void clear(int n)
{
	go(n);
	memset(&slots[n], 0, sizeof(slots[n]));
}

/* The words behind "arm". */
static int arm(int n, char **words, int count)
{
	struct hold_slot slot = { 0 };
	long offset = 0;
	int error;

	if (count != 7 && count != 10)
		return EINVAL;
	slot.after = !strcmp(words[2], "after");
	if (!strcmp(words[2], "i_size"))
		offset = store_in(words[6]);
	else if (!slot.after && strcmp(words[2], "before"))
		return EINVAL;
	slot.nth = atoi(words[3]);
	slot.any = !strcmp(words[5], "*");
	slot.kernel = !strcmp(words[5], "[kernel]");
	snprintf(slot.comm, sizeof(slot.comm), "%s", words[5]);
	if (count == 10) {
		slot.of_folio = 1;
		slot.ino = strtoull(words[8], NULL, 0);
		slot.index = strtoull(words[9], NULL, 0);
	}
	clear(n);
	error = function_of(words[6], offset, &slot.function);
	if (error)
		return error;
	slots[n] = slot;
	__atomic_store_n(&slots[n].state, ARMED, __ATOMIC_RELEASE);
	return 0;
}

static int until(int n, unsigned int least, long ms)
{
	const struct timespec step = { .tv_nsec = 1000000 };

	if (slots[n].state == EMPTY)
		return ENODATA;
	for (; ms > 0; ms--) {
		unsigned int state = __atomic_load_n(&slots[n].state, __ATOMIC_ACQUIRE);

		if (program->bss->ended)
			return ESHUTDOWN;
		if (state >= least) {
			/* It is on its processor a little longer. */
			nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
			if (least == HELD)
				note_stack(n, "hit");
			return state == MISSED ? EDEADLK : 0;
		}
		nanosleep(&step, NULL);
	}
	if (least == HELD)
		note_stack(n, "not hit");
	return ETIMEDOUT;
}

static int carry_out(char *text)
{
	char *words[12];
	int count = 0, n;

	for (text = strtok(text, " \n"); text && count < 12; text = strtok(NULL, " \n"))
		words[count++] = text;
	if (count == 2 && !strcmp(words[0], "clear") && !strcmp(words[1], "all")) {
		for (n = 0; n < SLOTS; n++)
			clear(n);
		return 0;
	}
	if (count < 2 || (n = atoi(words[1])) < 0 || n >= SLOTS)
		return EINVAL;
	if (!strcmp(words[0], "arm"))
		return arm(n, words, count);
	if (!strcmp(words[0], "go"))
		return go(n);
	if (count == 3 && !strcmp(words[0], "until"))
		return until(n, HELD, atol(words[2]));
	if (count == 3 && !strcmp(words[0], "returned"))
		return until(n, RETURNED, atol(words[2]));
	return EINVAL;
}

static void write_status(void)
{
	FILE *to = fopen(status, "w");
	int n;

	for (n = 0; to && n < SLOTS; n++)
		if (slots[n].state != EMPTY)
			fprintf(to, "%d symbol=%s at=%s state=%s calls=%u ns=%lld comm=%s pid=%u cpu=%u\n", n,
				functions[slots[n].function].name, slots[n].after ? "after" : "before",
				names[slots[n].state], slots[n].calls,
				slots[n].held_ns ? (long long)(slots[n].held_ns - slots[n].marked_ns) : -1, slots[n].who, slots[n].pid,
				slots[n].cpu);
	if (to)
		fclose(to);
}

static int begin(void)
{
	program = hold_bpf__open_and_load();
	if (!program)
		return fail("the programs are not loaded");
	slots = program->bss->slots;
	program->links.preempt = bpf_program__attach(program->progs.preempt);
	if (!program->links.preempt)
		return fail("bpf_trace_printk has no program");
	program->links.hold = bpf_map__attach_struct_ops(program->maps.hold);
	if (!program->links.hold)
		return fail("the scheduler does not begin");
	return 0;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (void *)&address, sizeof(address)) || listen(fd, 8))
		return -1;
	return fd;
}

int main(int count, char **words)
{
	unsigned int function;
	int listening, fd;

	if (count != 4 && count != 5) {
		fprintf(stderr, "usage: holder SOCKET STATUS LOG [SYMBOL]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	status = words[2];
	record = fopen(words[3], "w");
	if (!record)
		return fail(words[3]);
	if (begin())
		return 2;
	if (count == 5 && (errno = function_of(words[4], size_store(words[4]), &function)))
		fail(words[4]);
	listening = listen_at(words[1]);
	if (listening < 0)
		return fail(words[1]);
	write_status();
	printf("holder: ready\n");
	fflush(stdout);
	while ((fd = accept(listening, NULL, NULL)) >= 0) {
		char text[512];
		ssize_t bytes = read(fd, text, sizeof(text) - 1);
		int error;

		if (bytes > 0) {
			text[bytes] = 0;
			error = carry_out(text);
			write_status();
			if (write(fd, &error, sizeof(error)) < 0)
				perror("holder");
		}
		close(fd);
	}
	return fail("accept");
}

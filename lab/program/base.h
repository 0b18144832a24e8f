/* ---- what a plan is made of ---- */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <glob.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/aio_abi.h>
#include <linux/dm-ioctl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/futex.h>

#ifndef RWF_DONTCACHE
#define RWF_DONTCACHE 0x80
#endif

/* A race does not use everything that is here. */
#define PART static __attribute__((unused))

#define MOST_FILES 4
#define PAGE 4096ULL

typedef unsigned long long u64;

/* A file of the race. */
struct file {
	const char *name;
	int opens_direct;	/* some task does direct I/O on it */
	int journals_data;	/* from the beginning */
	u64 size;		/* in each place, where there are several */
	/* while it runs */
	int fd, direct;
	u64 inode;
};

/* Memory that a write takes its data from while others store to it. */
struct buffer {
	u64 length;
	unsigned char byte;	/* what it is full of at first */
	unsigned char *at;
};

/* Memory that ends, or is not resident, from some byte on. */
struct source {
	unsigned char *at;
	void *map;
	size_t mapped;
	unsigned char *border;	/* from here on */
	size_t behind;		/* so many bytes */
};

/* What a write meets: its source ends, or is not resident; or a fatal signal comes. */
enum fault { NO_FAULT, ENDS, NOT_RESIDENT, DIES };

/* A file that a device reads from: so many times the same byte. */
struct pattern {
	const char *name;
	u64 length;
	unsigned char byte;
};

/* A mapping of a file. */
struct mapping {
	unsigned char *at;
	u64 from, length;
};

/* I/O that was submitted and not waited for. */
struct submitted {
	struct iocb block;
	unsigned char *memory;
	int is_owned;		/* it is freed when the I/O is complete */
	int call;
	struct submitted *next;
};

/* A task: its system calls, one after the other, in a process of its own. It lies in memory that all processes share. */
struct task {
	const char *name;
	int calls;
	void (*call)(struct task *task, int number);
	/* what it is told: how many calls it may begin, and how often its source is to be dropped */
	int allowed, drops_asked;
	/* what it tells, by words that nobody else writes */
	int begun, done, ended;			/* calls, and whether it is at its end */
	int place;				/* that it is in, from 0 */
	int drops_done;
	int may_be_killed;			/* it is about to begin the write in which a fatal signal comes */
	int failed;				/* calls that failed */
	/* its own */
	int at;					/* the call that it is in */
	enum fault fault;			/* what the next write meets */
	u64 fault_after;
	struct mapping maps[MOST_FILES];
	aio_context_t aio;
	struct submitted *submitted;
	int cpu;
	unsigned random;
	/* the main process's own */
	pid_t pid;
	int killed, gone, status;		/* by us; its end was seen, and what it was */
	int report[2];				/* a pipe: what it has to say */
};

/* A place in the kernel where a task is held, by the module hold.ko. */
struct hold {
	const char *who;	/* the name of a task, or "*" */
	const char *function;
	const char *side;	/* "before" or "after" */
	unsigned nth;
	int file;		/* only calls with a folio of this file, or -1 */
	u64 folio;
};

enum what {
	ARM, BEGIN, UNTIL_HELD, UNTIL_DONE, UNTIL_WAITS, UNTIL_RETURNED, RELEASE, DROP_SOURCE, KILL,
	KEEP_WRITES, LET_WRITES, CRASH, UNTIL_WRITTEN
};

/* What the main process does next. */
struct turn {
	enum what what;
	int of, call;		/* a hold, or a task and one of its calls */
	const char *text;
};

/* What a part of a file contains. */
enum kind { BYTE, DEVICE, ANYTHING };

struct part {
	u64 from, to;
	enum kind kind;
	unsigned char byte;
};

struct contents {
	const struct part *parts;
	int count;
};

/* What the model predicts. Without `is_known` it says nothing; without `cached` it says nothing of the page cache. */
struct left {
	int is_known;
	const struct contents *cached, *stable, *remounted;
};

static int quiet;		/* many rounds: a report of each would be too long */
static const char *recorder;	/* whom to wait for before the race, or NULL */
static const char *folder;	/* where the files are */
static u64 places = 1;		/* that a round has: the race in each of them, PLACE bytes apart in the same files */
static u64 here;		/* where the place begins that this process is in */

static __attribute__((noreturn, format(printf, 1, 2))) void give_up(const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fputs("error: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	_exit(2);
}

/* Milliseconds of a clock that only goes on. */
static u64 now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000ULL + time.tv_nsec / 1000000;
}

static void sleep_ms(unsigned ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

static unsigned char *memory_of(u64 length, unsigned char byte)
{
	void *memory = NULL;

	if (posix_memalign(&memory, PAGE, length ? length : 1))
		give_up("no memory");
	memset(memory, byte, length);
	return memory;
}

/* Memory that processes have together which begin later. */
static void *shared_memory(u64 length)
{
	void *memory = mmap(NULL, length ? length : 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		give_up("no memory");
	return memory;
}

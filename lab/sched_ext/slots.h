/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the programs in the kernel and the one in user space share: the slots, as in lab/module/hold.c. */

#define SLOTS	32
#define NAME	16	/* of a task, with the 0 at its end */

enum hold_state {
	EMPTY,
	ARMED,
	CHOSEN,		/* the call is under way, to be held after it */
	MARKED,		/* the task is to stop, and has not yet */
	HELD,
	ON_ITS_WAY,	/* held no more, and the call has not returned */
	RETURNED,
	MISSED,		/* the call has returned, and the task had not stopped */
};

struct hold_slot {
	/* Set by arm. */
	unsigned long long ino, index;
	unsigned int function;
	unsigned int nth;
	unsigned int after, any, kernel, of_folio;
	char comm[NAME];

	/* What came of it. */
	unsigned long long marked_ns, held_ns;
	unsigned int state, calls, go, pid, cpu;
	char who[NAME];
};

// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * hold: makes a chosen task stop before or after a chosen function of the
 * kernel, until user space lets it go on, or a time is over.
 *
 * Everything goes through /sys/kernel/debug/hold, one command a write:
 *
 *   arm SLOT before|after|i_size NTH TIMEOUT_MS COMM SYMBOL [folio INO INDEX] [inode INO]
 *   set SLOT ...        the same, but calls are not looked at before "arm SLOT"
 *   arm SLOT            arms a slot that is set; nothing of the kernel's code is changed then
 *   until SLOT MS       returns when the slot was hit, or ETIMEDOUT
 *   returned SLOT MS    returns when the call that was hit has returned
 *   go SLOT             lets the task go on
 *   clear SLOT | clear all
 *
 * A slot is hit once, by the NTH call (from 1) that matches: made by a task
 * called COMM, and not by an interrupt on top of it ("*" is anybody, "[kernel]"
 * a thread of the kernel); with a folio of that inode number and that index
 * among its arguments, or with that inode. Reading gives a line for each slot.
 *
 * "i_size" is before the instruction of the function that stores i_size: what
 * was loaded and compared before is stored whatever others have made of it. A
 * probe sends the task to code of ours, which sleeps and goes back.
 *
 * A slot "after" that is armed while a task is held before the function is hit
 * by the call that the task is about to make.
 *
 * How it is done: ftrace sends the caller to a function of ours instead, which
 * sleeps before or after it calls the real one. As the real one is called from
 * here, ftrace sees the call again, knows it by where it comes from, and leaves
 * it alone. That works for functions with up to six arguments in registers and
 * six more words on the stack, and with a result of up to two registers.
 *
 * What sleeps may hold locks of the kernel; that is the purpose. So nothing
 * waits without an end: TIMEOUT_MS is the longest that a task is held, and
 * whoever asks for a slot whose time was over is told so (ETIME).
 */
#include <linux/atomic.h>
#include <linux/ctype.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/objtool.h>
#include <linux/pagemap.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/wait.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define ftrace_regs_set_instruction_pointer ftrace_instruction_pointer_set
#endif

#define SLOTS		32
#define HOOKS		16
#define REGISTERS	6
#define LONGEST_MS	60000
#define LONGEST_COMMAND	256

/* What a function returns: rax, and rdx for those that return two words. */
struct result {
	unsigned long low, high;
};

/* The words that a function is called with: six in registers, then the stack. */
#define WORDS		unsigned long a, unsigned long b, unsigned long c, \
			unsigned long d, unsigned long e, unsigned long f, \
			unsigned long g, unsigned long h, unsigned long i, \
			unsigned long j, unsigned long k, unsigned long l
#define GIVEN		a, b, c, d, e, f, g, h, i, j, k, l

typedef struct result (*function)(WORDS);

/* A function that calls are taken from; slots on the same function share it. */
struct hook {
	struct ftrace_ops ops;
	unsigned long address;
	unsigned int users;
};

enum state {
	EMPTY,
	SET,		/* not yet armed */
	ARMED,
	CHOSEN,		/* the call is under way, to be held after it */
	HELD,
	ON_ITS_WAY,	/* held no more, and the call has not returned */
	RETURNED,
};

static const char *const state_names[] = {
	[EMPTY] = "empty",
	[SET] = "set",
	[ARMED] = "armed",
	[CHOSEN] = "called",
	[HELD] = "held",
	[ON_ITS_WAY] = "gone",
	[RETURNED] = "returned",
};

struct slot {
	/* Set by arm. */
	char symbol[KSYM_NAME_LEN];
	char comm[TASK_COMM_LEN];
	struct hook *hook;
	/* In place of the hook: at an instruction. Who is on its way from there to where it sleeps, and goes back to. */
	struct kprobe probe;
	struct task_struct *sent;
	unsigned int sent_use;
	unsigned long back;
	bool probed, at_store;
	bool after, any_comm, of_kernel, of_folio, of_inode;
	unsigned int nth, timeout_ms;
	unsigned long folio_ino, index, inode_ino;
	/* Moves when the slot is cleared: who is held by an earlier use goes on, and notes nothing. */
	unsigned int use;
	/* Which arming of all it was. */
	unsigned long arming;

	/* What came of it. */
	enum state state;
	unsigned int calls;
	bool hit, go, released, timed_out, atomic;
	u64 held_us;
	char who[TASK_COMM_LEN];
	pid_t pid;
	int cpu;
	wait_queue_head_t wait;
};

static struct slot slots[SLOTS];
static struct hook hooks[HOOKS];
/* Guards the slots; functions are called in any context. */
static DEFINE_SPINLOCK(slots_lock);
/* How often a slot was armed. */
static unsigned long armings;
/* Guards which hooks there are. */
static DEFINE_MUTEX(hooks_lock);
/* Tasks in our code, which must stay as long. */
static atomic_t inside = ATOMIC_INIT(0);
static struct dentry *control;
static unsigned long (*lookup_name)(const char *name);

/*
 * Reads a word that may not be there: what an argument points to is a guess.
 */
static bool peek(const void *from, unsigned long *word)
{
	return !copy_from_kernel_nofault(word, from, sizeof(*word));
}

static bool is_inode(unsigned long word, unsigned long ino)
{
	const struct inode *inode = (const struct inode *)word;
	unsigned long host, number;

	/* Only an inode has a pointer to itself there. */
	return word >= PAGE_OFFSET && IS_ALIGNED(word, sizeof(long)) &&
	       peek(&inode->i_data.host, &host) && host == word &&
	       peek(&inode->i_ino, &number) && number == ino;
}

static bool is_folio(unsigned long word, unsigned long ino, unsigned long index)
{
	const struct folio *folio = (const struct folio *)word;
	unsigned long mapping, host, at;

	if (word < VMEMMAP_START || !IS_ALIGNED(word, sizeof(long)))
		return false;
	if (!peek(&folio->mapping, &mapping) || mapping < PAGE_OFFSET)
		return false;
	/* The low bits say that it is anonymous memory, or being moved. */
	if (mapping & 3)
		return false;
	return peek(&folio->index, &at) && at == index &&
	       peek(&((const struct address_space *)mapping)->host, &host) &&
	       is_inode(host, ino);
}

static bool has_folio(const struct slot *slot, const unsigned long *words)
{
	int n;

	for (n = 0; n < REGISTERS; n++)
		if (is_folio(words[n], slot->folio_ino, slot->index))
			return true;
	return false;
}

static bool has_inode(const struct slot *slot, const unsigned long *words)
{
	int n;

	for (n = 0; n < REGISTERS; n++)
		if (is_inode(words[n], slot->inode_ino))
			return true;
	return false;
}

/* Whether the current task is meant. */
static bool is_by(const struct slot *slot)
{
	if (slot->of_kernel)
		return current->flags & PF_KTHREAD;
	return slot->any_comm || !strcmp(current->comm, slot->comm);
}

static bool matches(const struct slot *slot, const unsigned long *words)
{
	if (!is_by(slot))
		return false;
	/* An interrupt is not what the task does. */
	if (!slot->any_comm && !in_task())
		return false;
	if (slot->of_folio && !has_folio(slot, words))
		return false;
	return !slot->of_inode || has_inode(slot, words);
}

static bool may_sleep(void)
{
	return !in_atomic() && !irqs_disabled() && !rcu_preempt_depth();
}

/* Whether whoever was held by this use of a slot is to go on. */
static bool is_over(const struct slot *slot, unsigned int use)
{
	return READ_ONCE(slot->go) || READ_ONCE(slot->use) != use;
}

/*
 * Holds the current task. A slot that was armed anew in the meantime is
 * somebody else's, and nothing is noted in it.
 */
static void hold(struct slot *slot, unsigned int use)
{
	ktime_t since = ktime_get();
	bool sleeps = may_sleep();
	unsigned long flags;
	unsigned int limit;

	spin_lock_irqsave(&slots_lock, flags);
	if (slot->use != use) {
		spin_unlock_irqrestore(&slots_lock, flags);
		return;
	}
	limit = slot->timeout_ms;
	slot->hit = true;
	slot->atomic = !sleeps;
	slot->state = sleeps ? HELD : ON_ITS_WAY;
	slot->pid = current->pid;
	slot->cpu = raw_smp_processor_id();
	memcpy(slot->who, current->comm, sizeof(slot->who));
	spin_unlock_irqrestore(&slots_lock, flags);
	wake_up_all(&slot->wait);
	if (!sleeps)
		return;

	wait_event_timeout(slot->wait, is_over(slot, use), msecs_to_jiffies(limit));

	spin_lock_irqsave(&slots_lock, flags);
	if (slot->use == use) {
		slot->released = slot->go;
		slot->timed_out = !slot->go;
		slot->held_us = ktime_us_delta(ktime_get(), since);
		slot->state = ON_ITS_WAY;
	}
	spin_unlock_irqrestore(&slots_lock, flags);
}

/* What is known of a call. */
struct call {
	u32 chosen;			/* the slots that it hits */
	unsigned int uses[SLOTS];	/* what use of them is noted */
	unsigned long seen;		/* the slots that it was counted for: armed up to here */
};

/*
 * Which slots a call hits. Once it was held before the function, those are
 * looked at again that were armed meanwhile and hold after it.
 */
static void choose(const struct hook *hook, const unsigned long *words, struct call *call)
{
	unsigned long flags, seen = call->seen;
	int n;

	spin_lock_irqsave(&slots_lock, flags);
	for (n = 0; n < SLOTS; n++) {
		struct slot *slot = &slots[n];

		if (slot->state != ARMED || slot->hook != hook || slot->arming <= seen)
			continue;
		if ((seen && !slot->after) || !matches(slot, words) || ++slot->calls != slot->nth)
			continue;
		slot->state = CHOSEN;
		call->uses[n] = slot->use;
		call->chosen |= BIT(n);
	}
	call->seen = armings;
	spin_unlock_irqrestore(&slots_lock, flags);
}

static void note_return(const struct call *call)
{
	unsigned long flags;
	int n;

	if (!call->chosen)
		return;
	spin_lock_irqsave(&slots_lock, flags);
	for (n = 0; n < SLOTS; n++)
		if (call->chosen & BIT(n) && slots[n].use == call->uses[n])
			slots[n].state = RETURNED;
	spin_unlock_irqrestore(&slots_lock, flags);
	for (n = 0; n < SLOTS; n++)
		if (call->chosen & BIT(n))
			wake_up_all(&slots[n].wait);
}

/* Says how many slots held it. */
static int hold_all(const struct call *call, bool after)
{
	int n, held = 0;

	for (n = 0; n < SLOTS; n++) {
		if (!(call->chosen & BIT(n)) || slots[n].after != after)
			continue;
		hold(&slots[n], call->uses[n]);
		held++;
	}
	return held;
}

/* A call of a function that is hooked. */
static noinline struct result taken(struct hook *hook, WORDS)
{
	const unsigned long words[REGISTERS] = { a, b, c, d, e, f };
	/* Once it sleeps, the hook may be another function's. */
	const function real = (function)hook->address;
	struct call call = { .chosen = 0, .seen = 0 };
	struct result result;

	atomic_inc(&inside);
	choose(hook, words, &call);
	if (hold_all(&call, false))
		choose(hook, words, &call);
	result = real(GIVEN);
	hold_all(&call, true);
	note_return(&call);
	atomic_dec(&inside);
	return result;
}

/* ftrace passes nothing on to where it sends a call: so each hook has a function of its own. */
#define ENTRY(n)							\
	static struct result enter_##n(WORDS)				\
	{								\
		return taken(&hooks[n], GIVEN);				\
	}
ENTRY(0) ENTRY(1) ENTRY(2) ENTRY(3) ENTRY(4) ENTRY(5) ENTRY(6) ENTRY(7)
ENTRY(8) ENTRY(9) ENTRY(10) ENTRY(11) ENTRY(12) ENTRY(13) ENTRY(14) ENTRY(15)

static const function entries[HOOKS] = {
	enter_0, enter_1, enter_2, enter_3, enter_4, enter_5, enter_6, enter_7,
	enter_8, enter_9, enter_10, enter_11, enter_12, enter_13, enter_14, enter_15,
};

static void redirect(unsigned long ip, unsigned long parent_ip,
		     struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct hook *hook = container_of(ops, struct hook, ops);

	if (!within_module(parent_ip, THIS_MODULE))
		ftrace_regs_set_instruction_pointer(fregs, (unsigned long)entries[hook - hooks]);
}

/*
 * Where who comes by a probe's instruction is sent: keeps all registers, sleeps,
 * and goes back to the instruction. The probe lets it pass then.
 */
void hold_at_store(void);
unsigned long hold_sleep_at_store(void);

asm("	.pushsection .text\n"
    "	.globl hold_at_store\n"
    "	.type hold_at_store, @function\n"
    "hold_at_store:\n"
    "	pushq $0\n"		/* the address to go back to */
    "	pushfq\n"
    "	pushq %rax\n	pushq %rcx\n	pushq %rdx\n	pushq %rsi\n	pushq %rdi\n"
    "	pushq %r8\n	pushq %r9\n	pushq %r10\n	pushq %r11\n"
    "	pushq %rbx\n	pushq %rbp\n"
    "	movq %rsp, %rbx\n"
    "	andq $-16, %rsp\n"
    "	cld\n"
    "	call hold_sleep_at_store\n"
    "	movq %rbx, %rsp\n"
    "	movq %rax, 96(%rsp)\n"
    "	popq %rbp\n	popq %rbx\n"
    "	popq %r11\n	popq %r10\n	popq %r9\n	popq %r8\n"
    "	popq %rdi\n	popq %rsi\n	popq %rdx\n	popq %rcx\n	popq %rax\n"
    "	popfq\n"
    "	ret\n"
    "	int3\n"
    "	.size hold_at_store, . - hold_at_store\n"
    "	.popsection\n");
STACK_FRAME_NON_STANDARD(hold_at_store);

/* The slot that sent the current task to us. */
static struct slot *slot_at_store(unsigned int *use, unsigned long *back)
{
	struct slot *found = NULL;
	unsigned long flags;
	int n;

	spin_lock_irqsave(&slots_lock, flags);
	for (n = 0; n < SLOTS && !found; n++)
		if (slots[n].sent == current)
			found = &slots[n];
	*back = found->back;
	*use = found->sent_use;
	found->sent = NULL;
	spin_unlock_irqrestore(&slots_lock, flags);
	return found;
}

unsigned long hold_sleep_at_store(void)
{
	unsigned long flags, back;
	struct slot *slot;
	unsigned int use;

	slot = slot_at_store(&use, &back);
	hold(slot, use);
	spin_lock_irqsave(&slots_lock, flags);
	if (slot->use == use)
		slot->state = RETURNED;
	spin_unlock_irqrestore(&slots_lock, flags);
	wake_up_all(&slot->wait);
	atomic_dec(&inside);
	return back;
}

/* A call that comes by an instruction, which is a probe's. */
static int at_instruction(struct kprobe *probe, struct pt_regs *regs)
{
	struct slot *slot = container_of(probe, struct slot, probe);
	unsigned long flags;
	bool chosen;

	spin_lock_irqsave(&slots_lock, flags);
	chosen = slot->state == ARMED && !slot->sent && is_by(slot) && ++slot->calls == slot->nth;
	if (chosen) {
		slot->state = CHOSEN;
		slot->sent = current;
		slot->sent_use = slot->use;
		slot->back = (unsigned long)probe->addr;
		atomic_inc(&inside);
	}
	spin_unlock_irqrestore(&slots_lock, flags);
	if (!chosen)
		return 0;
	regs->ip = (unsigned long)hold_at_store;
	return 1;
}

/* A probe with something to do behind its instruction is not made a jump, which could not be sent elsewhere. */
static void behind_instruction(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

/* Where a function stores a register to i_size of some inode; 0 if there is not one such place. */
static unsigned long find_size_store(unsigned long address)
{
	int (*size_of)(unsigned long, unsigned long *, unsigned long *);
	unsigned long size = 0, offset = 0, at, found = 0;
	const u8 *code;

	BUILD_BUG_ON(offsetof(struct inode, i_size) > 127);
	size_of = (void *)lookup_name("kallsyms_lookup_size_offset");
	if (!size_of || !size_of(address, &size, &offset))
		return 0;
	for (at = address; at + 4 <= address + size; at++) {
		code = (const u8 *)at;
		/* mov %r64, disp8(%r64): REX.W 89 with mod 01, not through SIB. */
		if ((code[0] & 0xf8) != 0x48 || code[1] != 0x89 || (code[2] & 0xc0) != 0x40 ||
		    (code[2] & 7) == 4 || code[3] != offsetof(struct inode, i_size))
			continue;
		if (found)
			return 0;
		found = at;
	}
	return found;
}

static int probe_size_store(struct slot *slot, unsigned long address)
{
	unsigned long at = find_size_store(address);
	int error;

	if (!at) {
		pr_err("hold: %s does not store i_size in one place\n", slot->symbol);
		return -ENOENT;
	}
	memset(&slot->probe, 0, sizeof(slot->probe));
	slot->probe.addr = (kprobe_opcode_t *)at;
	slot->probe.pre_handler = at_instruction;
	slot->probe.post_handler = behind_instruction;
	error = register_kprobe(&slot->probe);
	if (error)
		pr_err("hold: no probe at %s+%lu: error %d\n", slot->symbol, at - address, error);
	slot->probed = !error;
	return error;
}

/* A function may have been given another name when the compiler specialised it. */
static unsigned long find_symbol(const char *symbol)
{
	static const char *const suffixes[] = { "", ".isra.0", ".constprop.0", ".constprop.0.isra.0" };
	unsigned long address = 0, other;
	char *name;
	int n;

	for (n = 0; n < ARRAY_SIZE(suffixes); n++) {
		name = kasprintf(GFP_KERNEL, "%s%s", symbol, suffixes[n]);
		if (!name)
			return 0;
		other = lookup_name(name);
		kfree(name);
		/* Some calls go to the one, and some to the other. */
		if (other && address) {
			pr_err("hold: there is more than one %s\n", symbol);
			return 0;
		}
		address = address ?: other;
	}
	return address;
}

static int hook_function(struct hook *hook, unsigned long address)
{
	int error;

	memset(&hook->ops, 0, sizeof(hook->ops));
	hook->ops.func = redirect;
	hook->ops.flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_RECURSION;
	hook->address = address;
	error = ftrace_set_filter_ip(&hook->ops, address, 0, 0);
	if (error)
		return error;
	error = register_ftrace_function(&hook->ops);
	if (error)
		ftrace_free_filter(&hook->ops);
	return error;
}

/* The hook of a function, made if there is none. */
static struct hook *take_hook(unsigned long address)
{
	struct hook *free = NULL;
	int n, error;

	for (n = 0; n < HOOKS; n++) {
		struct hook *hook = &hooks[n];

		if (hook->users && hook->address == address) {
			hook->users++;
			return hook;
		}
		if (!hook->users && !free)
			free = hook;
	}
	if (!free)
		return ERR_PTR(-ENOSPC);
	error = hook_function(free, address);
	if (error)
		return ERR_PTR(error);
	free->users = 1;
	return free;
}

/*
 * Taking the function off ftrace waits until every task has slept once. So
 * whoever was sent to an entry has read the address by then.
 */
static void put_hook(struct hook *hook)
{
	if (!hook || --hook->users)
		return;
	unregister_ftrace_function(&hook->ops);
	ftrace_free_filter(&hook->ops);
}

static void clear_slot(struct slot *slot)
{
	struct hook *hook;
	unsigned long flags;

	spin_lock_irqsave(&slots_lock, flags);
	hook = slot->hook;
	slot->hook = NULL;
	slot->state = EMPTY;
	slot->use++;
	spin_unlock_irqrestore(&slots_lock, flags);
	wake_up_all(&slot->wait);
	put_hook(hook);
	if (slot->probed)
		unregister_kprobe(&slot->probe);
	slot->probed = false;
}

static void clear_all(void)
{
	int n;

	for (n = 0; n < SLOTS; n++)
		clear_slot(&slots[n]);
}

/* A number, and nothing behind it. */
static int parse_number(const char *word, unsigned int least, unsigned int most, unsigned int *number)
{
	int error = kstrtouint(word, 10, number);

	if (error)
		return error;
	return *number < least || *number > most ? -ERANGE : 0;
}

static int parse_slot(const char *word, struct slot **slot)
{
	unsigned int number;
	int error = parse_number(word, 0, SLOTS - 1, &number);

	if (!error)
		*slot = &slots[number];
	return error;
}

/* What is behind the symbol: which calls are meant. */
static int parse_filters(struct slot *slot, int argc, char **argv)
{
	int error;

	slot->of_folio = false;
	slot->of_inode = false;
	while (argc) {
		if (!strcmp(argv[0], "folio") && argc >= 3) {
			error = kstrtoul(argv[1], 0, &slot->folio_ino);
			if (!error)
				error = kstrtoul(argv[2], 0, &slot->index);
			slot->of_folio = true;
			argc -= 3;
			argv += 3;
		} else if (!strcmp(argv[0], "inode") && argc >= 2) {
			error = kstrtoul(argv[1], 0, &slot->inode_ino);
			slot->of_inode = true;
			argc -= 2;
			argv += 2;
		} else {
			error = -EINVAL;
		}
		if (error)
			return error;
	}
	return 0;
}

/* The words behind "arm SLOT", into a slot that is clear. */
static int parse_arm(struct slot *slot, int argc, char **argv)
{
	int error;

	if (argc < 5)
		return -EINVAL;
	slot->after = !strcmp(argv[0], "after");
	slot->at_store = !strcmp(argv[0], "i_size");
	if (!slot->after && !slot->at_store && strcmp(argv[0], "before"))
		return -EINVAL;
	error = parse_number(argv[1], 1, UINT_MAX, &slot->nth);
	if (!error)
		error = parse_number(argv[2], 1, LONGEST_MS, &slot->timeout_ms);
	if (error)
		return error;
	slot->any_comm = !strcmp(argv[3], "*");
	slot->of_kernel = !strcmp(argv[3], "[kernel]");
	if (strscpy(slot->comm, argv[3], sizeof(slot->comm)) < 0 ||
	    strscpy(slot->symbol, argv[4], sizeof(slot->symbol)) < 0)
		return -ENAMETOOLONG;
	return parse_filters(slot, argc - 5, argv + 5);
}

/* Of a slot that is set; the lock is held. */
static void arm_set(struct slot *slot)
{
	slot->calls = 0;
	slot->arming = ++armings;
	slot->state = ARMED;
}

static int arm(struct slot *slot)
{
	unsigned long flags;
	int error = 0;

	spin_lock_irqsave(&slots_lock, flags);
	if (slot->state == SET)
		arm_set(slot);
	else
		error = -ENODATA;
	spin_unlock_irqrestore(&slots_lock, flags);
	return error;
}

/* Hooks the function; calls are not looked at yet. */
static int set(struct slot *slot, int argc, char **argv)
{
	unsigned long address, flags;
	struct hook *hook = NULL;
	int error;

	clear_slot(slot);
	error = parse_arm(slot, argc, argv);
	if (error)
		return error;
	address = find_symbol(slot->symbol);
	if (!address) {
		pr_err("hold: there is no function %s\n", slot->symbol);
		return -ENOENT;
	}
	if (!slot->at_store)
		hook = take_hook(address);
	if (IS_ERR(hook)) {
		pr_err("hold: %s cannot be hooked: error %ld\n", slot->symbol, PTR_ERR(hook));
		return PTR_ERR(hook);
	}
	spin_lock_irqsave(&slots_lock, flags);
	slot->hook = hook;
	slot->calls = 0;
	slot->hit = slot->go = slot->released = slot->timed_out = slot->atomic = false;
	slot->held_us = 0;
	slot->pid = 0;
	slot->state = SET;
	spin_unlock_irqrestore(&slots_lock, flags);
	error = slot->at_store ? probe_size_store(slot, address) : 0;
	if (error)
		clear_slot(slot);
	return error;
}

/* What is to be said of a slot that has come as far as it was waited for. */
static int outcome(struct slot *slot, enum state least)
{
	unsigned long flags;
	int error = 0;

	spin_lock_irqsave(&slots_lock, flags);
	if (slot->timed_out)
		error = -ETIME;
	else if (least == HELD && slot->atomic)
		error = -EDEADLK;	/* it would have slept where nobody may */
	else if (least == HELD && slot->state != HELD)
		error = -EALREADY;
	spin_unlock_irqrestore(&slots_lock, flags);
	return error;
}

/* Waits until a slot is hit, or the call that hit it has returned. */
static int await(struct slot *slot, const char *word, enum state least)
{
	unsigned int use = READ_ONCE(slot->use), ms;
	long left;
	int error;

	error = parse_number(word, 0, LONGEST_MS, &ms);
	if (error)
		return error;
	if (READ_ONCE(slot->state) == EMPTY)
		return -ENODATA;
	left = wait_event_interruptible_timeout(slot->wait,
						READ_ONCE(slot->state) >= least ||
						READ_ONCE(slot->use) != use,
						msecs_to_jiffies(ms));
	if (left < 0)
		return left;
	if (READ_ONCE(slot->use) != use)
		return -ECANCELED;
	if (!left)
		return -ETIMEDOUT;
	return outcome(slot, least);
}

static int go(struct slot *slot)
{
	unsigned long flags;
	int error = 0;

	spin_lock_irqsave(&slots_lock, flags);
	if (slot->state == EMPTY)
		error = -ENODATA;
	else if (slot->timed_out)
		error = -ETIME;
	else
		slot->go = true;
	spin_unlock_irqrestore(&slots_lock, flags);
	wake_up_all(&slot->wait);
	return error;
}

/* Commands that change which functions are hooked, one at a time. */
static int change(int argc, char **argv)
{
	struct slot *slot;
	int error;

	if (!strcmp(argv[0], "clear") && argc == 2 && !strcmp(argv[1], "all")) {
		clear_all();
		return 0;
	}
	error = parse_slot(argv[1], &slot);
	if (error)
		return error;
	if (!strcmp(argv[0], "arm") && argc == 2)
		return arm(slot);
	if (strcmp(argv[0], "clear")) {
		error = set(slot, argc - 2, argv + 2);
		return error || !strcmp(argv[0], "set") ? error : arm(slot);
	}
	if (argc != 2)
		return -EINVAL;
	clear_slot(slot);
	return 0;
}

static int carry_out(int argc, char **argv)
{
	struct slot *slot;
	int error;

	if (argc < 2)
		return -EINVAL;
	if (!strcmp(argv[0], "arm") || !strcmp(argv[0], "set") || !strcmp(argv[0], "clear")) {
		mutex_lock(&hooks_lock);
		error = change(argc, argv);
		mutex_unlock(&hooks_lock);
		return error;
	}
	error = parse_slot(argv[1], &slot);
	if (error)
		return error;
	if (!strcmp(argv[0], "go") && argc == 2)
		return go(slot);
	if (!strcmp(argv[0], "until") && argc == 3)
		return await(slot, argv[2], HELD);
	if (!strcmp(argv[0], "returned") && argc == 3)
		return await(slot, argv[2], RETURNED);
	return -EINVAL;
}

static ssize_t control_write(struct file *file, const char __user *from, size_t bytes, loff_t *at)
{
	char *text, **argv;
	int argc, error;

	if (bytes > LONGEST_COMMAND)
		return -E2BIG;
	text = memdup_user_nul(from, bytes);
	if (IS_ERR(text))
		return PTR_ERR(text);
	argv = argv_split(GFP_KERNEL, text, &argc);
	kfree(text);
	if (!argv)
		return -ENOMEM;
	error = carry_out(argc, argv);
	argv_free(argv);
	return error ? error : bytes;
}

static void show(struct seq_file *out, int n)
{
	const struct slot *slot = &slots[n];

	seq_printf(out, "%d symbol=%s at=%s state=%s calls=%u hit=%d released=%d timed_out=%d atomic=%d us=%llu",
		   n, slot->symbol, slot->at_store ? "i_size" : slot->after ? "after" : "before", state_names[slot->state],
		   slot->calls, slot->hit, slot->released, slot->timed_out, slot->atomic, slot->held_us);
	if (slot->hit)
		seq_printf(out, " comm=%s pid=%d cpu=%d", slot->who, slot->pid, slot->cpu);
	seq_putc(out, '\n');
}

static int control_show(struct seq_file *out, void *nothing)
{
	int n;

	for (n = 0; n < SLOTS; n++)
		if (slots[n].state != EMPTY)
			show(out, n);
	return 0;
}

static int control_open(struct inode *inode, struct file *file)
{
	return single_open(file, control_show, NULL);
}

static const struct file_operations control_operations = {
	.owner = THIS_MODULE,
	.open = control_open,
	.read = seq_read,
	.write = control_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static int nothing(struct kprobe *probe, struct pt_regs *regs)
{
	return 0;
}

/* It is not exported; a probe finds it. */
static int find_lookup(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name", .pre_handler = nothing };
	int error = register_kprobe(&probe);

	if (error)
		return error;
	lookup_name = (void *)probe.addr;
	unregister_kprobe(&probe);
	return 0;
}

static int __init hold_init(void)
{
	int n, error = find_lookup();

	if (error)
		return error;
	for (n = 0; n < SLOTS; n++)
		init_waitqueue_head(&slots[n].wait);
	control = debugfs_create_file("hold", 0600, NULL, NULL, &control_operations);
	return PTR_ERR_OR_ZERO(control);
}

static void __exit hold_exit(void)
{
	debugfs_remove(control);
	clear_all();
	while (atomic_read(&inside))
		msleep(1);
	/* Who has counted itself out has still to return from here. */
	synchronize_rcu_tasks();
}

module_init(hold_init);
module_exit(hold_exit);
MODULE_DESCRIPTION("Holds a task before or after a function of the kernel");
MODULE_LICENSE("Dual MIT/GPL");

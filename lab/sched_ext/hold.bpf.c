// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Holds tasks without a module: a probe marks the task and asks for it to be
 * preempted, and a scheduler of sched_ext does not run who is marked until the
 * slot says `go`.
 *
 * The probes are kprobes, since those reach what has no BTF: functions of
 * modules that were built elsewhere. The call that has a processor reschedule,
 * scx_bpf_kick_cpu(), is not for kprobes; so they hit a tracepoint that nobody
 * else does, and a program on that makes it. The interrupt comes at once, when
 * the probe keeps the task from being preempted; it is, when the probe has
 * ended: before the first instruction of the function, or after its last.
 *
 * Whoever is not held is run where the kernel would, in the order of coming.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "slots.h"

#define READY	0	/* queue of those who may run on any processor */
#define STOPPED	1	/* queue of those who are held; nobody takes from it */
#define OF_KERNEL 0x00200000	/* PF_KTHREAD */

char _license[] SEC("license") = "Dual MIT/GPL";

struct hold_slot slots[SLOTS];
unsigned long long ended;	/* why the scheduler ended; 0: it has not */

static bool same_name(const char *one, const char *other)
{
	int n;

	for (n = 0; n < NAME; n++) {
		if (one[n] != other[n])
			return false;
		if (!one[n])
			return true;
	}
	return true;
}

static bool is_by(const struct hold_slot *slot, const char *comm)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (slot->kernel)
		return BPF_CORE_READ(task, flags) & OF_KERNEL;
	return slot->any || same_name(slot->comm, comm);
}

static bool is_folio(const struct hold_slot *slot, unsigned long word)
{
	struct folio *folio = (void *)word;
	struct address_space *mapping = NULL;
	struct inode *inode = NULL;
	unsigned long index = 0, ino = 0;

	if (bpf_core_read(&mapping, sizeof(mapping), &folio->mapping) || ((unsigned long)mapping & 3))
		return false;
	if (bpf_core_read(&index, sizeof(index), &folio->index) || index != slot->index)
		return false;
	if (bpf_core_read(&inode, sizeof(inode), &mapping->host))
		return false;
	return !bpf_core_read(&ino, sizeof(inode->i_ino), &inode->i_ino) && ino == slot->ino;
}

static bool has_folio(const struct hold_slot *slot, struct pt_regs *regs)
{
	return is_folio(slot, PT_REGS_PARM1(regs)) || is_folio(slot, PT_REGS_PARM2(regs)) ||
	       is_folio(slot, PT_REGS_PARM3(regs)) || is_folio(slot, PT_REGS_PARM4(regs));
}

/* From here on the task is to stop: the tracepoint is hit. */
static void mark(struct hold_slot *slot)
{
	static const char nothing[] = "hold";

	slot->cpu = bpf_get_smp_processor_id();
	slot->marked_ns = bpf_ktime_get_ns();
	slot->state = MARKED;
	bpf_trace_printk(nothing, sizeof(nothing));
}

SEC("kprobe")
int before(struct pt_regs *regs)
{
	u64 function = bpf_get_attach_cookie(regs);
	u32 pid = (u32)bpf_get_current_pid_tgid();
	char comm[NAME] = {};
	int n;

	bpf_get_current_comm(comm, sizeof(comm));
	for (n = 0; n < SLOTS; n++) {
		struct hold_slot *slot = &slots[n];

		if (slot->state != ARMED || slot->function != function || !is_by(slot, comm))
			continue;
		if (slot->of_folio && !has_folio(slot, regs))
			continue;
		if (__sync_fetch_and_add(&slot->calls, 1) + 1 != slot->nth)
			continue;
		slot->pid = pid;
		__builtin_memcpy(slot->who, comm, NAME);
		if (slot->go)
			slot->state = ON_ITS_WAY;
		else if (slot->after)
			slot->state = CHOSEN;
		else
			mark(slot);
	}
	return 0;
}

SEC("kretprobe")
int after(struct pt_regs *regs)
{
	u64 function = bpf_get_attach_cookie(regs);
	u32 pid = (u32)bpf_get_current_pid_tgid();
	int n;

	for (n = 0; n < SLOTS; n++) {
		struct hold_slot *slot = &slots[n];

		if (slot->function != function || slot->pid != pid)
			continue;
		if (slot->state == CHOSEN && !slot->go)
			mark(slot);
		else if (slot->state == MARKED)
			slot->state = MISSED;
		else if (slot->state == CHOSEN || slot->state == ON_ITS_WAY)
			slot->state = RETURNED;
	}
	return 0;
}

SEC("tp_btf/bpf_trace_printk")
int BPF_PROG(preempt)
{
	scx_bpf_kick_cpu(bpf_get_smp_processor_id(), SCX_KICK_PREEMPT);
	return 0;
}

/* The slot that a task is to stop for. */
static struct hold_slot *slot_of(u32 pid)
{
	int n;

	for (n = 0; n < SLOTS; n++) {
		struct hold_slot *slot = &slots[n];

		if ((slot->state == MARKED || slot->state == HELD) && slot->pid == pid && !slot->go)
			return slot;
	}
	return NULL;
}

SEC("struct_ops/choose_cpu")
s32 BPF_PROG(choose_cpu, struct task_struct *task, s32 last, u64 flags)
{
	bool idle = false;

	return scx_bpf_select_cpu_dfl(task, last, flags, &idle);
}

SEC("struct_ops/enqueue")
void BPF_PROG(enqueue, struct task_struct *task, u64 flags)
{
	struct hold_slot *slot = slot_of(task->pid);

	if (slot) {
		if (slot->state == MARKED) {
			slot->held_ns = bpf_ktime_get_ns();
			slot->state = HELD;
		}
		scx_bpf_dsq_insert(task, STOPPED, SCX_SLICE_DFL, flags);
		return;
	}
	/* Threads of one processor stay there; so does who was woken on an idle one. */
	if (task->nr_cpus_allowed == 1 || task->migration_disabled || (flags & SCX_ENQ_CPU_SELECTED)) {
		scx_bpf_dsq_insert(task, SCX_DSQ_LOCAL, SCX_SLICE_DFL, flags);
		return;
	}
	scx_bpf_dsq_insert(task, READY, SCX_SLICE_DFL, flags);
}

SEC("struct_ops/dispatch")
void BPF_PROG(dispatch, s32 cpu, struct task_struct *last)
{
	scx_bpf_dsq_move_to_local(READY);
}

SEC("struct_ops.s/begin")
s32 BPF_PROG(begin)
{
	s32 error = scx_bpf_create_dsq(READY, -1);

	return error ? error : scx_bpf_create_dsq(STOPPED, -1);
}

SEC("struct_ops/end")
void BPF_PROG(end, struct scx_exit_info *info)
{
	ended = info->kind;
}

/* Called by user space when it has said `go`: those who are held for nothing any more are run again. */
SEC("syscall")
int release(void *nothing)
{
	struct bpf_iter_scx_dsq each;
	struct task_struct *task;

	bpf_rcu_read_lock();
	bpf_iter_scx_dsq_new(&each, STOPPED, 0);
	while ((task = bpf_iter_scx_dsq_next(&each))) {
		s32 cpu = scx_bpf_task_cpu(task);

		if (slot_of(task->pid))
			continue;
		scx_bpf_dsq_move(&each, task, SCX_DSQ_LOCAL_ON | cpu, 0);
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
	}
	bpf_iter_scx_dsq_destroy(&each);
	bpf_rcu_read_unlock();
	return 0;
}

SEC(".struct_ops.link")
struct sched_ext_ops hold = {
	.select_cpu = (void *)choose_cpu,
	.enqueue = (void *)enqueue,
	.dispatch = (void *)dispatch,
	.init = (void *)begin,
	.exit = (void *)end,
	/* Who is held may be the only one of its processor, and may have to stay on it. */
	.flags = SCX_OPS_ENQ_LAST | SCX_OPS_ENQ_MIGRATION_DISABLED,
	.timeout_ms = 30000,	/* the most there is; whoever is held longer is let go by the kernel */
	.name = "hold",
};

/*
 * The race of README.md for SPIN. What stands in one d_step is one visible operation, and between two of them a process has
 * nothing to do: every state is a state of the race, and no other tool has fewer or more. (An `if` with a single way is there to
 * be jumped to; SPIN does not jump to a d_step.) Set from outside:
 *
 *	FOLIOS	of the file, 1 to 4
 *	ACTORS	3: writer, flusher, kworker; 4: reclaim as well; 5: the fault as well
 *	CHECK	1: the writer compares the counter once it has the folio; 0: it does not
 *	OBSERVE	1: prints every final state, for the test that compares them (two states more for each)
 */

#ifndef FOLIOS
#define FOLIOS	3
#endif
#ifndef ACTORS
#define ACTORS	5
#endif
#ifndef CHECK
#define CHECK	1
#endif
#ifndef OBSERVE
#define OBSERVE	0
#endif

#define LAST	(FOLIOS - 1)

/* What a half of a folio, or of a block of the disk, contains. */
#define ZERO	0
#define OLD	1	/* what was in the cache when the race began */
#define WRITER	2
#define STORED	3	/* through the mapping */
#define GARBAGE	4	/* what an unwritten block contained before */

#if ACTORS == 5
#define EXPECTED	STORED
#else
#define EXPECTED	OLD
#endif

typedef Folio {
	bit present;
	bit uptodate;
	bit dirty;
	bit writeback;
	bit locked;
	bit writable;		/* a PTE of the mapping, that can be stored through */
	unsigned head : 3;
	unsigned tail : 3;
	unsigned disk_head : 3;
	unsigned disk_tail : 3;
};

Folio folio[FOLIOS];
unsigned unwritten : 4;		/* a bit for each block */
unsigned seq : 3;		/* the counter of the extent map */
unsigned ioends : 4;		/* finished by the device, a bit for each block */
bit submitted;			/* there will be no more of them */
unsigned left : 3 = ACTORS;	/* actors that have not finished */

#define F	folio[at]
#define M	folio[LAST]

#define read_in(f, is_unwritten) \
	if \
	:: is_unwritten -> f.head = ZERO; f.tail = ZERO \
	:: else -> f.head = f.disk_head; f.tail = f.disk_tail \
	fi; \
	f.uptodate = 1

init {
	d_step {
		byte i = 0;
		do
		:: i < FOLIOS ->
			folio[i].disk_head = GARBAGE;
			folio[i].disk_tail = GARBAGE;
			i++
		:: else -> break
		od;
		i = 0;
		unwritten = (1 << FOLIOS) - 1;
		M.present = 1;
		M.uptodate = 1;
		M.dirty = 1;
		M.tail = OLD
	}
	atomic {
		run writer();
		run flusher();
		run kworker();
#if ACTORS >= 4
		run reclaim();
#endif
#if ACTORS >= 5
		run fault();
#endif
		run judge()
	}
}

/* A buffered write of the file's first bytes up to the middle of its last folio. One mapping serves all folios. */
proctype writer() {
	unsigned at : 3;
	unsigned map : 4;	/* which blocks were unwritten when it was sampled */
#if CHECK
	unsigned cookie : 3;
#endif

iomap_begin:
	if
	:: d_step {
		map = unwritten;
#if CHECK
		cookie = seq
#endif
	   }
	fi;
folio_lock:
	if
	:: d_step { !F.locked -> F.locked = 1; F.present = 1 }
	fi;
#if CHECK
	if
	:: d_step { cookie == seq -> skip }
	:: d_step { cookie != seq -> F.locked = 0; map = 0; cookie = 0 }; goto iomap_begin
	fi;
#endif
write_begin:
	if
	:: d_step { at == LAST && !F.uptodate -> read_in(F, (map >> at) & 1) }; goto write_begin
	:: d_step { at == LAST && F.uptodate ->
		F.head = WRITER; F.dirty = 1; F.locked = 0;
		at = 0; map = 0;
#if CHECK
		cookie = 0;
#endif
		left-- }; goto end_writer
	:: d_step { at < LAST ->
		F.head = WRITER; F.tail = WRITER; F.uptodate = 1; F.dirty = 1; F.locked = 0;
		at++ }; goto folio_lock
	fi;
end_writer:
	false
}

/* A store through a mapping into the second half of the last folio. */
proctype fault() {
	bit hole;

filemap_fault:
	if
	:: d_step { !M.locked -> M.locked = 1; M.present = 1 }
	fi;
locked:
	if
	:: d_step { !M.uptodate -> hole = (unwritten >> LAST) & 1 }
	:: d_step { M.uptodate -> M.dirty = 1; M.writable = 1; M.locked = 0 }; goto store
	fi;
	d_step { read_in(M, hole); hole = 0 }; goto locked;
store:
	if
	:: d_step { M.writable -> M.tail = STORED; left-- }; goto end_fault
	:: d_step { !M.writable -> skip }; goto filemap_fault
	fi;
end_fault:
	false
}

/* Writeback of the whole file, once. */
proctype flusher() {
	unsigned at : 3;

next:
	if
	:: d_step { at < FOLIOS && !(F.present && F.dirty) -> at++ }; goto next
	:: d_step { at < FOLIOS && F.present && F.dirty && !F.locked -> F.locked = 1 }
	:: d_step { at == FOLIOS -> submitted = 1; at = 0; left-- }; goto end_flusher
	fi;
	d_step { F.dirty = 0; F.writable = 0; F.writeback = 1; F.locked = 0 };
	/* The device reads the folio. */
	d_step { F.disk_head = F.head; F.disk_tail = F.tail; ioends = ioends | (1 << at); at++ };
	goto next;
end_flusher:
	false
}

/* Completion of what the device has finished, in the order in which it was submitted. */
proctype kworker() {
	unsigned at : 3;

end_take:
	if
	:: d_step { ioends ->
		do
		:: ioends & (1 << at) -> break
		:: else -> at++
		od;
		ioends = ioends & ~(1 << at) }
	:: d_step { !ioends && submitted -> left-- }; goto end_kworker
	fi;
	/* Under the ILOCK: the block becomes written. */
	d_step {
		if
		:: unwritten & (1 << at) -> unwritten = unwritten & ~(1 << at); seq++
		:: else
		fi
	};
	d_step { F.writeback = 0; at = 0 };
	goto end_take;
end_kworker:
	false
}

/* Takes what is clean out of the cache, once. Its lock is an attempt. */
proctype reclaim() {
	unsigned at : 3;

#define reclaimable	(F.present && !F.locked && !F.dirty && !F.writeback)

end_look:
	if
	:: d_step { at < FOLIOS && reclaimable -> F.locked = 1 }
	:: d_step { at < FOLIOS && !reclaimable -> at++; left = left - (at == FOLIOS) }; goto end_look
	fi;
	d_step {
		F.present = 0; F.uptodate = 0; F.locked = 0; F.head = ZERO; F.tail = ZERO;
		at++; left = left - (at == FOLIOS)
	};
	goto end_look
}

#define contents \
	(M.present && M.uptodate -> M.tail : ((unwritten >> LAST) & 1 -> ZERO : M.disk_tail))

/* What was stored last must be what a reader finds in the end. */
proctype judge() {
#if OBSERVE
	byte at;

end_judge:
	d_step {
		left == 0 ->
		c_code {
			int i;
			printf("FINAL");
			for (i = 0; i < FOLIOS; i++)
				printf(" %d%d%d%d%d%d:%d%d:%d:%d%d",
					now.folio[i].present, now.folio[i].uptodate, now.folio[i].dirty,
					now.folio[i].writeback, now.folio[i].locked, now.folio[i].writable,
					now.folio[i].head, now.folio[i].tail, (now.unwritten >> i) & 1,
					now.folio[i].disk_head, now.folio[i].disk_tail);
			printf(" seq %d\n", now.seq);
		};
		assert(contents == EXPECTED)
	}
#else
end_judge:
	d_step { left == 0 && contents != EXPECTED -> assert(false) }
#endif
}

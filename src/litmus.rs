//! The core of the argument as a litmus test of the kernel's memory model, in the C of herd7.
//!
//! Three tasks remain of a scenario: the completion, which moves the counter and clears the writeback bit; reclaim,
//! which sees the bit clear; and the writer, who finds what reclaim has left and looks at the counter. The bad end is
//! that the writer finds the change and not the count. There are two cores: the folio is evicted, and the writer
//! brings in another; or the eviction fails, but forgets which blocks were valid.
//!
//! What the comment says about the end is explored here, and not written down: for the expected result, in the memory
//! whose releases are cumulative, as the kernel's model (tools/memory-model) has them. That model also allows load
//! buffering, which takes a store that does not depend on the load before it; there is none here.

use stalemap_model::words::branches;
use std::fmt::Write as _;
use std::ops::ControlFlow;

use stalemap_explore::{EngineError, Options, explore};
use stalemap_facade::{
    ActorId, ActorSpec, Atomic, Backend, Branch, Leaf, Lock, MemoryModel, Op, Ordering, Role, System,
};
use stalemap_model::words::ordering::{Link, Orderings};

/// Registers of a task.
const REGISTERS: usize = 2;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Word {
    Seq,
    Writeback,
    /// What the writer finds: the folio in its slot, or whether its block is valid.
    Found,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Spinlock {
    Ilock,
    XaLock,
    FolioLock,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Statement {
    Load(usize, Word),
    Store(Word, u64, Ordering),
    Lock(Spinlock),
    Unlock(Spinlock),
    /// If the register is 0.
    IfZero(usize, Vec<Statement>),
}

use Statement::{IfZero, Load, Store, Unlock};

/// A litmus test.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Core {
    name: String,
    about: &'static str,
    /// What [`Word::Found`] is called.
    found: &'static str,
    tasks: Vec<(&'static str, Vec<Statement>)>,
    memory: MemoryModel,
}

/// The statements, under a lock if the link is kept.
fn section(orderings: Orderings, link: Link, lock: Spinlock, inside: Vec<Statement>) -> Vec<Statement> {
    if !orderings.keeps(link) {
        return inside;
    }
    let locked = std::iter::once(Statement::Lock(lock)).chain(inside);
    locked.chain([Unlock(lock)]).collect()
}

impl Core {
    /// The core of a scenario that reaches these branches: the failed eviction, where there is one.
    pub fn of(reached: &[Branch], orderings: Orderings) -> Option<Self> {
        if reached.contains(&branches::IFS_LOST) {
            Some(Core::kept(orderings))
        } else {
            reached.contains(&branches::EVICT).then(|| Core::evicted(orderings))
        }
    }

    /// The folio is evicted.
    fn evicted(orderings: Orderings) -> Self {
        let remove = section(
            orderings,
            Link::XaRemove,
            Spinlock::XaLock,
            vec![Store(Word::Found, 0, Ordering::Relaxed)],
        );
        let insert = vec![Load(0, Word::Found), IfZero(0, vec![Store(Word::Found, 2, Ordering::Relaxed)])];
        let mut write = section(orderings, Link::XaInsert, Spinlock::XaLock, insert);
        write.push(Load(1, Word::Seq));
        Core {
            name: named("stale-mapping+evicted", orderings),
            about: "A folio is written back and evicted; who brings the next one in must see the counter moved.",
            found: "folio",
            tasks: vec![
                ("end_io", end_io(orderings)),
                ("reclaim", vec![Load(0, Word::Writeback), IfZero(0, remove)]),
                ("write", write),
            ],
            memory: MemoryModel::Cumulative,
        }
    }

    /// The eviction fails, and the per-block state is gone.
    fn kept(orderings: Orderings) -> Self {
        let mut release = vec![Store(Word::Found, 0, Ordering::Relaxed)];
        release.extend(section(orderings, Link::XaRemoveFailed, Spinlock::XaLock, Vec::new()));
        let reclaim = vec![Load(0, Word::Writeback), IfZero(0, release)];
        let write = vec![Load(0, Word::Found), Load(1, Word::Seq)];
        let ordered = orderings.keeps(Link::FolioLock) && orderings.keeps(Link::FolioUnlock);
        let link = if ordered { Link::FolioLock } else { Link::FolioUnlock };
        let under = |inside| {
            if ordered { section(orderings, link, Spinlock::FolioLock, inside) } else { inside }
        };
        Core {
            name: named("stale-mapping+kept", orderings),
            about: "A folio is written back and loses its per-block state in an eviction that fails; who locks it next \
                    must see the counter moved.",
            found: "valid",
            tasks: vec![("end_io", end_io(orderings)), ("reclaim", under(reclaim)), ("write", under(write))],
            memory: MemoryModel::Cumulative,
        }
    }

    /// The test as a file. Fails only if the engine is broken.
    pub fn render(&self) -> Result<String, EngineError> {
        let [kernels, relaxed] = [MemoryModel::Cumulative, MemoryModel::Relaxed].map(|memory| {
            let core = Core { memory, ..self.clone() };
            explore(&core, &Options::default(), &mut |_| ()).map(|found| {
                match (found.outcomes.contains_key(BAD), found.outcomes.contains_key(GOOD)) {
                    (false, _) => "Never",
                    (true, false) => "Always",
                    (true, true) => "Sometimes",
                }
            })
        });
        let mut text = format!("C {}\n\n(*\n * Result: {}\n *\n", self.name, kernels?);
        let _ = writeln!(text, " * {}", self.about);
        let _ = writeln!(text, " * Where releases are not cumulative (C++20): {}.\n *)\n", relaxed?);
        let _ = writeln!(text, "{{\n\twriteback=1;\n\t{}=1;\n}}", self.found);
        for (number, (about, statements)) in self.tasks.iter().enumerate() {
            let parameters = self.parameters(statements).join(", ");
            let _ = writeln!(text, "\nP{number}({parameters})\n{{\n\t/* {about} */");
            for register in 0..REGISTERS {
                if loads(statements, register) {
                    let _ = writeln!(text, "\tint r{register};");
                }
            }
            text.push('\n');
            self.print(&mut text, statements, 1);
            text.push_str("}\n");
        }
        text.push_str("\nexists (2:r0=0 /\\ 2:r1=0)\n");
        Ok(text)
    }

    fn word(&self, word: Word) -> &'static str {
        match word {
            Word::Seq => "if_seq",
            Word::Writeback => "writeback",
            Word::Found => self.found,
        }
    }

    fn parameters(&self, statements: &[Statement]) -> Vec<String> {
        let mut parameters: Vec<String> = Vec::new();
        let mut add = |parameter: String| {
            if !parameters.contains(&parameter) {
                parameters.push(parameter);
            }
        };
        for statement in statements {
            match statement {
                Load(_, word) | Store(word, _, _) => add(format!("int *{}", self.word(*word))),
                Statement::Lock(lock) | Unlock(lock) => add(format!("spinlock_t *{}", lock.name())),
                IfZero(_, inside) => self.parameters(inside).into_iter().for_each(&mut add),
            }
        }
        parameters
    }

    fn print(&self, text: &mut String, statements: &[Statement], depth: usize) {
        let indent = "\t".repeat(depth);
        for statement in statements {
            let _ = match statement {
                Load(register, word) => {
                    writeln!(text, "{indent}r{register} = READ_ONCE(*{});", self.word(*word))
                }
                Store(word, value, Ordering::Release) => {
                    writeln!(text, "{indent}smp_store_release({}, {value});", self.word(*word))
                }
                Store(word, value, _) => {
                    writeln!(text, "{indent}WRITE_ONCE(*{}, {value});", self.word(*word))
                }
                Statement::Lock(lock) => writeln!(text, "{indent}spin_lock({});", lock.name()),
                Unlock(lock) => writeln!(text, "{indent}spin_unlock({});", lock.name()),
                IfZero(register, inside) => {
                    let _ = writeln!(text, "{indent}if (r{register} == 0) {{");
                    self.print(text, inside, depth + 1);
                    writeln!(text, "{indent}}}")
                }
            };
        }
    }
}

/// The completion, in both.
fn end_io(orderings: Orderings) -> Vec<Statement> {
    let kept = orderings.keeps(Link::IlockLock) && orderings.keeps(Link::IlockUnlock);
    let link = if kept { Link::IlockLock } else { Link::IlockUnlock };
    let bump = vec![Store(Word::Seq, 1, orderings.of(Link::CounterStore))];
    let mut statements = if kept { section(orderings, link, Spinlock::Ilock, bump) } else { bump };
    let clear = vec![Store(Word::Writeback, 0, orderings.of(Link::WritebackClear))];
    statements.extend(section(orderings, Link::XaEndWriteback, Spinlock::XaLock, clear));
    statements
}

fn named(core: &str, orderings: Orderings) -> String {
    let without = orderings.weakened().into_iter().map(|link| format!("+no-{}", link.name()));
    std::iter::once(core.to_owned()).chain(without).collect()
}

fn loads(statements: &[Statement], wanted: usize) -> bool {
    statements.iter().any(|statement| match statement {
        Load(register, _) => *register == wanted,
        IfZero(_, inside) => loads(inside, wanted),
        _ => false,
    })
}

impl Spinlock {
    fn name(self) -> &'static str {
        match self {
            Spinlock::Ilock => "ilock",
            Spinlock::XaLock => "xa_lock",
            Spinlock::FolioLock => "folio_lock",
        }
    }
}

/// How the writer ends.
const BAD: &str = "exists";
const GOOD: &str = "not";

/// The memory of a litmus test.
pub struct Memory<B: Backend> {
    words: [B::Atomic; 3],
    locks: [B::Lock<()>; 3],
    bad: B::Leaf<bool>,
}

impl System for Core {
    type World<B: Backend> = Memory<B>;
    type State = ();

    fn world<B: Backend>(&self, backend: &B) -> Memory<B> {
        Memory {
            words: [
                backend.atomic("if_seq", 0),
                backend.atomic("writeback", 1),
                backend.atomic(self.found, 1),
            ],
            locks: std::array::from_fn(|_| backend.lock("spinlock", ())),
            bad: backend.leaf("end", false),
        }
    }

    fn memory(&self) -> MemoryModel {
        self.memory
    }

    fn actors(&self) -> Vec<ActorSpec> {
        let spec = |(name, _): &(&str, _)| ActorSpec { name: (*name).to_owned(), role: Role::Main };
        self.tasks.iter().map(spec).collect()
    }

    fn start(&self, _: ActorId) {}

    async fn step<B: Backend>(&self, memory: &Memory<B>, task: ActorId, (): ()) -> ControlFlow<(), ()> {
        let mut registers = [u64::MAX; REGISTERS];
        let mut held: [Option<<B::Lock<()> as Lock<()>>::Guard<'_>>; 3] = std::array::from_fn(|_| None);
        let mut todo: Vec<&Statement> = self.tasks[task].1.iter().rev().collect();
        while let Some(statement) = todo.pop() {
            match statement {
                Load(register, word) => {
                    let op = Op::new(self.word(*word));
                    registers[*register] = memory.words[*word as usize].load(op, Ordering::Relaxed).await;
                }
                Store(word, value, ordering) => {
                    let op = Op::new(self.word(*word));
                    memory.words[*word as usize].store(op, *value, *ordering).await;
                }
                Statement::Lock(lock) => {
                    held[*lock as usize] =
                        Some(memory.locks[*lock as usize].lock(Op::new(lock.name())).await);
                }
                Unlock(lock) => held[*lock as usize] = None,
                IfZero(register, inside) => {
                    if registers[*register] == 0 {
                        todo.extend(inside.iter().rev());
                    }
                }
            }
        }
        if task == self.tasks.len() - 1 {
            memory.bad.update(|bad| *bad = registers == [0; REGISTERS]);
        }
        ControlFlow::Break(())
    }

    fn observe<B: Backend>(&self, memory: &Memory<B>) -> Option<String> {
        let bad = memory.bad.read(|bad| *bad);
        Some(if bad { BAD } else { GOOD }.to_owned())
    }
}

//! What a concurrent system is made of, for the engines of stalemap to explore.
//!
//! A [`System`] is shared memory and the actors on it. Their code is ordinary sequential `async` Rust, generic over a
//! [`Backend`]: the same code runs on every engine, and never learns on which. What can go wrong is a [`Property`] that
//! the code finds violated.
//!
//! Invariants: this crate knows no file and no folio, which are the model's, and no engine. It depends on nothing; the
//! program below runs on the crate `stalemap-explore`.
//!
#![doc = include_str!("peterson.md")]
#![forbid(unsafe_code)]

mod actor;
mod backend;
mod call;
mod event;
mod name;
mod picture;
mod property;
mod system;

pub use actor::ActorId;
pub use backend::{Atomic, Backend, Leaf, Lock, Op, Ordering, Shared, View};
pub use call::{Call, Calls, Returned};
pub use event::{Event, SystemEvent};
pub use name::{Bound, Branch, Counter};
pub use picture::Picture;
pub use property::Property;
pub use system::{ActorSpec, MemoryModel, Role, System};

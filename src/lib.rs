//! stalemap: which designs of the iomap validity check lose data, and which provably do not.

#![forbid(unsafe_code)]

pub mod scenario;

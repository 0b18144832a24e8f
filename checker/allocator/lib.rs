//! The allocator of the command and of the benchmarks.
//!
//! A search makes and drops many small values, and mimalloc is measurably faster at that than the system's allocator. It is a
//! crate of its own because every call of it goes through a function that is compiled with it, and the command, which only
//! reads and prints, is not optimised. Who uses stalemap as a library keeps an allocator of their own.

#![forbid(unsafe_code)]

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

//! What the differential tests are made of: random programs, what they mean, and how they are drawn.

// Each test crate uses its part of it.
#![allow(dead_code)]

pub(crate) mod axiomatic;
pub(crate) mod directly;
pub(crate) mod litmus;
pub(crate) mod names;
pub(crate) mod program;
pub(crate) mod random_litmus;
pub(crate) mod reference;
pub(crate) mod strategy;

//! Kernels of a distribution's packages, and guests that boot them.
//!
//! A kernel is fetched by its version (`fetch`, out of an `archive`), and made ready with the tools of a root that is apart from
//! the host (`tools`, `inside`): a module that holds tasks (`module`), an XFS with another check (`design`), what a guest begins with
//! (`initramfs`). All of it lies in a store. `boot` runs a job in a guest and brings back what that has left.

mod archive;
mod boot;
mod compile;
mod cpio;
mod depends;
mod design;
mod error;
mod fetch;
mod initramfs;
mod inside;
mod module;
mod programs;
mod store;
mod tar;
mod tools;
mod version;

pub use self::boot::{DEVICE_BYTES, Job, Ran, boot};
pub use self::compile::compile;
pub use self::design::names as designs;
pub use self::error::LabError;
pub use self::fetch::fetch;
pub(super) use self::programs::with_libraries;
pub use self::store::{Kernel, Store};
pub(super) use self::tools::are_there;

//! The table: a row for each field, in the order of the structs, by subject.
//!
//! A value is the nearest that the model has; where the kernel does something that no value says, the reason says that.

mod buffered;
mod direct_io;
mod file_system;
mod validity;
mod writeback;

use crate::words::kernel_version::KernelVersion::{self, V6_1, V6_1Y, V6_2, V6_6, V6_12, V7_3};
use crate::words::kernel_version::{Row, Value};
use crate::words::settings::Setting;

/// All rows, by subject.
pub const TABLE: &[&[Row]] =
    &[validity::ROWS, buffered::ROWS, writeback::ROWS, direct_io::ROWS, file_system::ROWS];

/// Every file system that some release has.
const EVERY: &[&str] = &["xfs", "xfs-zoned", "gfs2", "gfs2-jdata", "zonefs"];
/// XFS, wherever it writes to.
const XFS: &[&str] = &["xfs", "xfs-zoned"];
/// gfs2, whatever it does about data.
const GFS2: &[&str] = &["gfs2", "gfs2-jdata"];

/// Every release.
const ALL: &[KernelVersion] = KernelVersion::ALL;
/// All with a check.
const FROM_6_1Y: &[KernelVersion] = &[V6_1Y, V6_2, V6_6, V6_12, V7_3];
/// Before the folio batches and dirty ranges of 2023.
const TO_6_2: &[KernelVersion] = &[V6_1, V6_1Y, V6_2];
/// From those on.
const FROM_6_6: &[KernelVersion] = &[V6_6, V6_12, V7_3];
/// All before 6.12.
const TO_6_6: &[KernelVersion] = &[V6_1, V6_1Y, V6_2, V6_6];
/// All but the newest.
const TO_6_12: &[KernelVersion] = &[V6_1, V6_1Y, V6_2, V6_6, V6_12];
/// 6.12 and later.
const FROM_6_12: &[KernelVersion] = &[V6_12, V7_3];
/// The newest alone.
const NEWEST: &[KernelVersion] = &[V7_3];

const fn row(field: &'static str, on: &'static [&'static str], values: &'static [Value]) -> Row {
    Row { field, on, values }
}

const fn text(is: &'static str, kernels: &'static [KernelVersion], why: &'static str) -> Value {
    Value { is: Setting::Text(is), kernels, why }
}

const fn number(is: u64, kernels: &'static [KernelVersion], why: &'static str) -> Value {
    Value { is: Setting::Number(is), kernels, why }
}

const fn flag(is: bool, kernels: &'static [KernelVersion], why: &'static str) -> Value {
    Value { is: Setting::Flag(is), kernels, why }
}

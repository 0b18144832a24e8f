//! The names of the actors that the model starts itself. Schedules tell actors apart by their names, so no actor of a
//! scenario may bear one of these.

/// The actor that runs the setup commands.
pub const SETUP: &str = "setup";
/// The actor that completes writeback.
pub const KWORKER: &str = "kworker";
/// The epilogue.
pub const UMOUNT: &str = "umount";
/// The actor that completes the first asynchronous direct I/O; further ones are numbered from 2 on.
const DIO: &str = "dio";

/// Whether the model starts an actor of its own under this name, in this scenario or in another one.
pub fn is_reserved(name: &str) -> bool {
    let is_worker = |number: &str| number.bytes().all(|digit| digit.is_ascii_digit());
    [SETUP, KWORKER, UMOUNT].contains(&name) || name.strip_prefix(DIO).is_some_and(is_worker)
}

/// The actor that completes an asynchronous direct I/O, by its number, from 1 on.
pub fn worker_name(number: usize) -> String {
    if number == 1 { DIO.to_owned() } else { format!("{DIO}{number}") }
}

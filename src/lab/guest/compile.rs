//! Programs for guests: C, compiled in the store's root, with nothing that they need beside them.

use std::fs;

use super::error::{LabError, Result};
use super::inside::Inside;
use super::store::Store;
use super::tools;

/// Compiles a C program that uses threads; the program, which is linked statically.
pub fn compile(store: &Store, source: &str) -> Result<Vec<u8>> {
    if !tools::are_there(store) {
        return Err(LabError::NotFetched {
            what: "the compiler".to_owned(),
            store: store.folder().display().to_string(),
            ask: "VERSION".to_owned(),
        });
    }
    let temporary = store.temporary()?;
    let (text, program) = (temporary.path().join("program.c"), temporary.path().join("program"));
    fs::write(&text, source).map_err(LabError::file(&text))?;
    let inside = Inside::of(store);
    let (text, made) = (inside.path(&text), inside.path(&program));
    let command = ["gcc", "-O1", "-static", "-pthread", "-Wall", "-o", &made, &text];
    inside.run("compiling the program", &command)?;
    fs::read(&program).map_err(LabError::file(&program))
}

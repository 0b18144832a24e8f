//! The race for [SPIN](https://spinroot.com): `race.pml`, made into a program in C, which is compiled and run.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{fs, io};

use crate::race::{Check, Finals, Race};
use crate::report::Counts;

const MODEL: &str = include_str!("../race.pml");

/// Flags for the compiler, whatever else there is. Nothing is asked about cycles.
pub const FLAGS: [&str; 2] = ["-O2", "-DSAFETY"];

/// Arguments of the verifier: go on behind an error, with room for the deepest state and for all states.
pub const ARGUMENTS: [&str; 3] = ["-c0", "-m10000", "-w20"];

/// States that only SPIN has: before its `init` has set the file up, and before it has started the processes.
pub const BEFORE: u64 = 2;

/// Whether the final states are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Observe {
    /// They are, and each of them is one state more.
    Finals,
    /// They are not.
    Nothing,
}

/// What the programs that are needed say of their versions; `None` where one is missing.
pub fn versions() -> Option<(String, String)> {
    let first_line = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output().ok()?;
        String::from_utf8_lossy(&output.stdout).lines().next().map(str::to_owned)
    };
    Some((first_line("spin", "-V")?, first_line("gcc", "--version")?))
}

/// Compiles the verifier of a race into a folder.
pub fn build(race: Race, flags: &[&str], observe: Observe, folder: &Path) -> io::Result<PathBuf> {
    fs::write(folder.join("race.pml"), MODEL)?;
    let defines = [
        format!("-DFOLIOS={}", race.folios),
        format!("-DACTORS={}", race.cast.actors()),
        format!("-DCHECK={}", u8::from(race.check == Check::IomapValid)),
        format!("-DOBSERVE={}", u8::from(observe == Observe::Finals)),
    ];
    said(Command::new("spin").current_dir(folder).arg("-a").args(defines).arg("race.pml"))?;
    let verifier = folder.join("pan");
    let compiler = Command::new("gcc")
        .current_dir(folder)
        .args(FLAGS.iter().chain(flags))
        .args([OsStr::new("-w"), OsStr::new("-o"), verifier.as_os_str(), OsStr::new("pan.c")])
        .output()?;
    good(&compiler).map(|_| verifier)
}

/// Explores the race without partial-order reduction. Also the final states.
pub fn finals(race: Race, folder: &Path) -> io::Result<(Counts, Finals)> {
    let verifier = build(race, &["-DNOREDUCE"], Observe::Finals, folder)?;
    let text = said(Command::new(verifier).current_dir(folder).args(ARGUMENTS))?;
    let finals = text.lines().filter(|line| line.starts_with("FINAL ")).map(str::to_owned).collect();
    Ok((counts(&text)?, finals))
}

/// Explores the race with these flags for the compiler besides.
pub fn explore(race: Race, flags: &[&str], folder: &Path) -> io::Result<Counts> {
    let verifier = build(race, flags, Observe::Nothing, folder)?;
    counts(&said(Command::new(verifier).current_dir(folder).args(ARGUMENTS))?)
}

/// Reads what a verifier has printed.
pub fn counts(text: &str) -> io::Result<Counts> {
    let number = |what: &str| {
        let line = text.lines().find(|line| line.contains(what));
        let number = line.and_then(|line| line.split_whitespace().next()).and_then(|word| word.parse().ok());
        number.ok_or_else(|| io::Error::other(format!("the verifier did not say its {what}:\n{text}")))
    };
    if text.contains(": invalid end state") {
        return Err(io::Error::other(format!("somebody waits for ever:\n{text}")));
    }
    let was_cut = ["Search not completed", "max search depth too small", "out of memory"]
        .iter()
        .any(|words| text.contains(words));
    Ok(Counts {
        finished: !was_cut,
        lost: text.contains("assertion violated"),
        states: Some(number(" states, stored")?),
        transitions: Some(number(" transitions (")?),
        executions: None,
    })
}

fn said(command: &mut Command) -> io::Result<String> {
    good(&command.output()?)
}

fn good(output: &Output) -> io::Result<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        Ok(text)
    } else {
        Err(io::Error::other(format!("{text}{}", String::from_utf8_lossy(&output.stderr))))
    }
}

#[cfg(test)]
mod tests {
    use super::counts;
    use crate::report::Counts;

    const PRINTED: &str = "\
State-vector 68 byte, depth reached 40, errors: 0
     9777 states, stored
    20047 states, matched
    29824 transitions (= stored+matched)
";

    #[test]
    fn what_a_verifier_prints_is_read() {
        let all = Counts {
            finished: true,
            lost: false,
            states: Some(9777),
            transitions: Some(29824),
            executions: None,
        };
        assert_eq!(counts(PRINTED).expect("numbers"), all);
        let cut = format!("Warning: Search not completed\n{PRINTED}");
        assert_eq!(counts(&cut).expect("numbers"), Counts { finished: false, ..all });
        let lost = format!("pan:1: assertion violated 0 (at depth 28)\n{PRINTED}");
        assert_eq!(counts(&lost).expect("numbers"), Counts { lost: true, ..all });
        let stuck = format!("pan:1: invalid end state (at depth 28)\n{PRINTED}");
        assert!(counts(&stuck).expect_err("a deadlock").to_string().starts_with("somebody waits for ever"));
        assert!(counts("").expect_err("nothing").to_string().contains("states, stored"));
    }
}

//! An exported test of xfstests in a guest, and how it ended, as xfstests would say it.
//!
//! The guest has no xfstests. It has the functions that exported tests call (`lab/xfstests/common/`), bash, and what else of
//! the tests' programs is unlike that of busybox.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::guest::{Job, Kernel, LabError, Ran, Store, are_there, boot, with_libraries};
use super::plan::DEVICE_PATTERN;

/// What the guest does.
const JOB: &str = include_str!("../../lab/xfstests/run");

/// The functions that tests call, by file.
pub const COMMON: [(&str, &str); 5] = [
    ("filter", include_str!("../../lab/xfstests/common/filter")),
    ("inject", include_str!("../../lab/xfstests/common/inject")),
    ("preamble", include_str!("../../lab/xfstests/common/preamble")),
    ("reflink", include_str!("../../lab/xfstests/common/reflink")),
    ("tracing", include_str!("../../lab/xfstests/common/tracing")),
];

/// The programs that tests need beside busybox's.
const PROGRAMS: [(&str, &str); 4] = [
    ("usr/bin/bash", "/usr/bin/bash"),
    ("usr/bin/cmp", "/usr/bin/cmp"),
    ("usr/bin/diff", "/usr/bin/diff"),
    ("usr/bin/od", "/usr/bin/od"),
];

/// The longest that a test may take, with the guest that it runs in. Of a write of many folios each may be delayed.
const LONGEST: Duration = Duration::from_mins(5);

/// A test.
#[derive(Clone, Copy, Debug)]
pub struct Test<'t> {
    /// The script, which is called NNN.
    pub script: &'t str,
    /// What it prints if nothing is wrong: NNN.out.
    pub output: &'t str,
    /// What a line that it prints has if the contents of a file are wrong.
    pub wrong: &'t str,
}

/// How a test ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ended {
    /// It printed what it should.
    Passed,
    /// It did not.
    Failed {
        /// Whether contents were wrong.
        wrong_contents: bool,
        /// How the output differs, as diff(1) says it; or how it ended, where the output does not.
        diff: String,
    },
    /// It could not be run, and says why.
    NotRun(String),
    /// The guest did not come to the test's end.
    Broken(String),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Passed => f.write_str("pass"),
            Ended::Failed { wrong_contents: true, .. } => f.write_str("fail, with wrong contents"),
            Ended::Failed { wrong_contents: false, .. } => f.write_str("fail, and not by its contents"),
            Ended::NotRun(why) => write!(f, "not run: {why}"),
            Ended::Broken(why) => write!(f, "no result: {why}"),
        }
    }
}

/// What came of a test on a kernel.
#[derive(Clone, Debug)]
pub struct Results {
    /// The kernel's release, `6.12.118+deb13-amd64`.
    pub release: String,
    /// How it ended.
    pub ended: Ended,
    /// What the guest took, in seconds.
    pub seconds: f64,
    /// Lines of the kernel's log that say that something is wrong.
    pub warnings: Vec<String>,
    /// What the guest left, by the names of the files, and its console.
    pub left: BTreeMap<String, Vec<u8>>,
}

/// Runs a test in a guest; `design` is the check of its XFS, if that is not the kernel's own.
pub fn run(
    store: &Store,
    kernel: &Kernel,
    design: Option<&str>,
    test: Test<'_>,
) -> Result<Results, LabError> {
    if !are_there(store) {
        return Err(LabError::NotFetched {
            what: "bash for guests".to_owned(),
            store: store.folder().display().to_string(),
            ask: kernel.full.clone(),
        });
    }
    let mut files = with_libraries(store, &PROGRAMS)?;
    files.extend(COMMON.map(|(name, text)| (format!("/xfstests/common/{name}"), text.as_bytes().to_vec())));
    files.push(("/xfstests/tests/NNN".to_owned(), test.script.as_bytes().to_vec()));
    files.push(("/xfstests/tests/NNN.out".to_owned(), test.output.as_bytes().to_vec()));
    let job = Job {
        script: JOB.to_owned(),
        files,
        boot: Vec::new(),
        device_fill: DEVICE_PATTERN,
        module: design.map(str::to_owned),
        timeout: LONGEST,
    };
    let ran = boot(store, kernel, &job)?;
    Ok(Results {
        release: kernel.release.clone(),
        ended: ended(&ran, test.wrong),
        seconds: ran.seconds,
        warnings: ran.warnings(),
        left: ran.left(),
    })
}

/// How a test ended, from what the guest left.
fn ended(ran: &Ran, wrong: &str) -> Ended {
    if ran.timed_out {
        return Ended::Broken("the guest did not come to its end within its time".to_owned());
    }
    let Some(status) = ran.text("status") else {
        return Ended::Broken("the guest left no word of how the test ended".to_owned());
    };
    if let Some(why) = ran.text("NNN.notrun") {
        return Ended::NotRun(why.trim_end().to_owned());
    }
    let (status, diff) = (status.trim(), ran.text("NNN.diff").unwrap_or_default());
    if status == "0" && diff.is_empty() {
        return Ended::Passed;
    }
    let output = ran.text("NNN.out.bad").unwrap_or_default();
    let wrong_contents = output.lines().any(|line| line.contains(wrong));
    let ends = || format!("the output is as it should be, and the test ended with {status}\n");
    Ended::Failed { wrong_contents, diff: if diff.is_empty() { ends() } else { diff } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(files: &[(&str, &str)]) -> Ended {
        let out = files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect();
        ended(&Ran { console: String::new(), out, seconds: 1.0, timed_out: false }, "is not as expected")
    }

    #[test]
    fn a_test_ends_as_xfstests_would_say() {
        let failed = |wrong_contents, diff: &str| Ended::Failed { wrong_contents, diff: diff.to_owned() };
        assert_eq!(left(&[("status", "0\n"), ("NNN.diff", "")]), Ended::Passed);
        let wrong = "QA output created by NNN\n/mnt/file is not as expected\nSilence is golden\n";
        let diff = "+/mnt/file is not as expected\n";
        assert_eq!(
            left(&[("status", "0\n"), ("NNN.out.bad", wrong), ("NNN.diff", diff)]),
            failed(true, diff)
        );
        let diff = "+tests/NNN: line 7: no_such_program: command not found\n";
        assert_eq!(
            left(&[("status", "1\n"), ("NNN.out.bad", diff), ("NNN.diff", diff)]),
            failed(false, diff)
        );
        let ends = "the output is as it should be, and the test ended with 1\n";
        assert_eq!(left(&[("status", "1\n"), ("NNN.diff", "")]), failed(false, ends));
        // What is not run prints less than it should.
        let skipped = [("status", "0\n"), ("NNN.notrun", "no tag\n"), ("NNN.diff", "-Silence is golden\n")];
        assert_eq!(left(&skipped), Ended::NotRun("no tag".to_owned()));
        assert!(matches!(left(&[]), Ended::Broken(_)));
    }
}

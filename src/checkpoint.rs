//! Searches kept in files, one for each scenario and design, so that the same command goes on after a limit, after a signal,
//! or after it was killed. They are in a folder; a command with one search may name its file instead.
//!
//! A file begins with lines that say what it is of, and ends with what the engine writes. It is taken up only by a search to
//! which all of them apply: of the same scenario, design, memory and bound of preemptions, by the same build, since the states
//! that it holds are known by their fingerprints alone. The other limits may be different. It is written under a name that nobody
//! else has and then renamed, so that there is always a whole one: of several processes at once, that of the last. Who writes a file
//! has a lock on it; so what a process has left that was killed meanwhile is known, and removed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Permissions};
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use stalemap_explore::{Checkpointer, EngineError, Request};
use stalemap_model::words::implementation::Implementation;
use tempfile::{Builder, NamedTempFile};
use xxhash_rust::xxh3::Xxh3;

use crate::build;
use crate::file_name::file_name;
use crate::scenario::Scenario;

/// What the names of files end with.
const EXTENSION: &str = "checkpoint";

/// What the names of files begin with that are being written.
const NEW: &str = ".checkpoint-";

/// That a file is something else.
const NONE: &str = "it is no checkpoint";

const FIRST_LINE: &str = "stalemap checkpoint 1";

/// A search is kept this long after it began or was kept,
const INTERVAL: Duration = Duration::from_secs(10);

/// and not before this many times as much time has passed as keeping it took.
const SHARE: u32 = 20;

/// The most bytes of the lines at the beginning: names of scenarios and designs, and some numbers.
const MAX_HEADER: u64 = 1 << 16;

/// Where the searches of a command are kept.
#[derive(Debug)]
pub struct Checkpoints {
    place: Place,
    /// How often they are kept, if that was said.
    every: Option<Duration>,
    /// What made the fingerprints: this program.
    build: u128,
    /// Set when the searches are to be kept and to stop.
    stop: Arc<AtomicBool>,
    /// What could not be written when that was last tried, and why.
    problems: Mutex<BTreeMap<PathBuf, String>>,
}

/// What there is of the searches of a command before they begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found {
    /// Searches of which there is a file,
    pub files: usize,
    /// of so many.
    pub searches: usize,
    /// Bytes of the files, which are read before anything else is done.
    pub bytes: u64,
}

#[derive(Debug)]
enum Place {
    /// One file for each.
    Folder(PathBuf),
    /// That of the only one.
    File(PathBuf),
}

impl Place {
    fn of(path: &Path) -> Self {
        let is_called_so = path.extension().is_some_and(|extension| extension == EXTENSION);
        if path.is_file() || is_called_so && !path.is_dir() {
            Place::File(path.to_owned())
        } else {
            Place::Folder(path.to_owned())
        }
    }

    /// Where new files are made.
    fn folder(&self) -> &Path {
        match self {
            Place::Folder(folder) => folder,
            Place::File(file) => folder_of(file),
        }
    }
}

/// The folder that a file is in.
fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl Checkpoints {
    /// Keeps searches in a folder, which is made if it is not there, or in a file. They stop when `stop` is set.
    pub fn new(path: &Path, every: Option<Duration>, stop: Arc<AtomicBool>) -> io::Result<Self> {
        let place = Place::of(path);
        fs::create_dir_all(place.folder())?;
        remove_leavings(place.folder())?;
        let problems = Mutex::default();
        Ok(Checkpoints { place, every, build: build::sum()?, stop, problems })
    }

    /// Whether every search has a file of its own, and every file that is there is of its search. What there is of them.
    pub fn fit<'s>(
        &self,
        searches: impl Iterator<Item = (&'s Scenario, &'s Implementation)>,
        preemptions: Option<u32>,
    ) -> Result<Found, CheckpointError> {
        let mut taken = BTreeSet::new();
        let mut found = Found { files: 0, searches: 0, bytes: 0 };
        for (scenario, implementation) in searches {
            let checkpoint = self.of(scenario, implementation, preemptions);
            if !taken.insert(checkpoint.path.clone()) {
                let path = checkpoint.path.display();
                return Err(CheckpointError(match self.place {
                    Place::Folder(_) => {
                        format!("{path} would be of two of these scenarios; run one of them alone")
                    }
                    Place::File(_) => format!(
                        "{path} is a file for one search, and there are several; run one scenario under one design \
                         or kernel, or name a folder"
                    ),
                }));
            }
            found.searches += 1;
            if let Some(file) = checkpoint.open().map_err(|problem| checkpoint.error(&problem))? {
                found.files += 1;
                found.bytes += file.get_ref().metadata().map_or(0, |file| file.len());
            }
        }
        Ok(found)
    }

    /// Where the search of a scenario under a design is kept, when the command line bounds the preemptions like this.
    pub(crate) fn of(
        &self,
        scenario: &Scenario,
        implementation: &Implementation,
        preemptions: Option<u32>,
    ) -> Checkpoint<'_> {
        let mut settings = Xxh3::new();
        settings.update(format!("{:?}", scenario.config_of(implementation.clone())).as_bytes());
        let preemptions = preemptions.or(scenario.limits.preemptions);
        let header = [
            (VERSION, env!("CARGO_PKG_VERSION").to_owned()),
            (BUILD, format!("{:032x}", self.build)),
            ("scenario", scenario.name.clone()),
            ("design", implementation.name().to_owned()),
            ("memory", scenario.memory.name().to_owned()),
            ("limit of preemptions", preemptions.map_or_else(|| "none".to_owned(), |most| most.to_string())),
            (SETTINGS, format!("{:032x}", settings.digest128())),
        ];
        let path = match &self.place {
            Place::Folder(folder) => folder.join(file_name(&scenario.name, implementation.name(), EXTENSION)),
            Place::File(file) => file.clone(),
        };
        let (last, took) = (Instant::now(), Duration::ZERO);
        Checkpoint { of: self, header, path, last, took, goes_on: false, tell: None }
    }

    /// Where.
    pub fn path(&self) -> &Path {
        match &self.place {
            Place::Folder(path) | Place::File(path) => path,
        }
    }

    /// What could not be written when that was last tried, and why.
    pub fn problems(&self) -> Vec<String> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

const SETTINGS: &str = "settings";
const VERSION: &str = "version";
const BUILD: &str = "build";

/// Why a search cannot go on from a file, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CheckpointError(String);

/// The file of one search.
pub(crate) struct Checkpoint<'c> {
    of: &'c Checkpoints,
    header: [(&'static str, String); 7],
    path: PathBuf,
    /// When it was written, or else begun with.
    last: Instant,
    /// How long that took.
    took: Duration,
    /// The search is written while it goes on: nobody will read for long what is said at the end.
    goes_on: bool,
    /// Who is told at once.
    tell: Option<&'c Tell<'c>>,
}

/// What is told of the keeping of a search when it happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Telling {
    /// What somebody waits for.
    Waiting,
    /// That something went wrong.
    Problem,
}

/// Tells it somebody.
pub type Tell<'t> = dyn Fn(Telling, &str) + Sync + 't;

impl<'c> Checkpoint<'c> {
    /// The same, with somebody who is told at once.
    pub(crate) fn telling(self, tell: Option<&'c Tell<'c>>) -> Self {
        Checkpoint { tell, ..self }
    }
}

impl Checkpoint<'_> {
    /// That the search cannot go on from the file.
    pub(crate) fn error(&self, problem: &str) -> CheckpointError {
        let path = self.path.display();
        // What is something else is not for us to have removed.
        let remove = if problem.starts_with(NONE) { "" } else { "remove it to begin anew, or " };
        CheckpointError(format!(
            "{path} is no beginning of this search: {problem}; {remove}keep the search elsewhere"
        ))
    }

    /// The file, behind its header. `None`: there is none.
    fn open(&self) -> Result<Option<BufReader<File>>, String> {
        match fs::metadata(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Ok(metadata) if !metadata.is_file() => return Err("it is no regular file".to_owned()),
            _ => {}
        }
        let mut file = BufReader::new(File::open(&self.path).map_err(|error| error.to_string())?);
        let mut lines = (&mut file).take(MAX_HEADER);
        let mut line = || {
            let mut line = String::new();
            let read = lines.read_line(&mut line);
            if read.is_ok() && line.ends_with('\n') { Some(line.trim_end().to_owned()) } else { None }
        };
        match line() {
            Some(first) if first == FIRST_LINE => {}
            Some(first) if first.starts_with("stalemap checkpoint ") => {
                return Err(format!("it is `{first}`, and only version 1 is understood"));
            }
            _ => return Err(format!("{NONE}: the first line must be `{FIRST_LINE}`")),
        }
        for (key, ours) in &self.header {
            let theirs = line();
            let theirs = theirs.as_deref().and_then(|line| line.strip_prefix(key)?.strip_prefix(" = "));
            match theirs {
                None => return Err(format!("it is damaged: `{key} = …` is missing")),
                Some(theirs) if theirs == ours => {}
                Some(theirs) => return Err(difference(key, theirs, ours)),
            }
        }
        match line() {
            Some(empty) if empty.is_empty() => Ok(Some(file)),
            _ => Err("it is damaged: an empty line is missing".to_owned()),
        }
    }

    fn write(&self, search: &dyn Fn(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let folder = folder_of(&self.path);
        let new = locked(folder)?;
        let mut file = BufWriter::new(new.as_file());
        writeln!(file, "{FIRST_LINE}")?;
        for (key, value) in &self.header {
            writeln!(file, "{key} = {value}")?;
        }
        writeln!(file)?;
        search(&mut file)?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        new.persist(&self.path).map_err(|error| error.error)?;
        // The name, too, is to be there after the machine has stopped.
        File::open(folder)?.sync_all()
    }
}

/// A new file that nobody else has, with a lock on it.
fn locked(folder: &Path) -> io::Result<NamedTempFile> {
    loop {
        let readable = Permissions::from_mode(0o666);
        let new = Builder::new().prefix(NEW).permissions(readable).tempfile_in(folder)?;
        new.as_file().lock()?;
        // Before it was locked, somebody may have taken it for a leaving.
        if new.as_file().metadata()?.nlink() > 0 {
            return Ok(new);
        }
    }
}

/// Removes what processes were writing when they were killed: nobody has a lock on it.
fn remove_leavings(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(NEW) || !entry.file_type()?.is_file() {
            continue;
        }
        // Whoever has just renamed or removed it needs no help.
        let Ok(file) = File::open(entry.path()) else { continue };
        if file.try_lock().is_ok() {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// In what a file is another's, in words.
fn difference(key: &str, theirs: &str, ours: &str) -> String {
    match key {
        SETTINGS => "the scenario or the design has been changed since".to_owned(),
        VERSION => format!("stalemap {theirs} wrote it, and this is {ours}"),
        BUILD => "another build of stalemap wrote it".to_owned(),
        _ => format!("it is of the {key} `{theirs}`, and this is `{ours}`"),
    }
}

impl Checkpointer for Checkpoint<'_> {
    fn saved(&mut self) -> Result<Option<Box<dyn Read>>, EngineError> {
        let file = self.open().map_err(|problem| EngineError::Checkpoint { problem })?;
        Ok(file.map(|file| Box::new(file) as Box<dyn Read>))
    }

    fn request(&mut self) -> Request {
        let request = if self.of.stop.load(Ordering::Relaxed) {
            Request::Stop
        } else if self.last.elapsed() >= self.of.every.unwrap_or(INTERVAL.max(self.took * SHARE)) {
            Request::Save
        } else {
            Request::GoOn
        };
        self.goes_on = request == Request::Save;
        request
    }

    fn save(&mut self, search: &dyn Fn(&mut dyn Write) -> io::Result<()>) {
        let begun = Instant::now();
        if let (Some(tell), true) = (self.tell, self.of.stop.load(Ordering::Relaxed)) {
            tell(Telling::Waiting, &format!("interrupted: writes {}", self.path.display()));
        }
        let written = self.write(search);
        let mut problems = self.of.problems.lock().unwrap_or_else(PoisonError::into_inner);
        match written {
            Ok(()) => drop(problems.remove(&self.path)),
            Err(error) => {
                let problem = format!("cannot write {}: {error}", self.path.display());
                if let (Some(tell), true) = (self.tell, self.goes_on && !problems.contains_key(&self.path)) {
                    tell(Telling::Problem, &problem);
                }
                problems.insert(self.path.clone(), problem);
            }
        }
        drop(problems);
        self.goes_on = false;
        (self.last, self.took) = (Instant::now(), begun.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{catalogue, read};

    /// Asks the checkpoint of a shipped scenario in a folder of its own.
    fn with_one(ask: impl FnOnce(&Checkpoints, Checkpoint<'_>)) {
        let folder = tempfile::tempdir().expect("a folder");
        let kept = Checkpoints::new(&folder.path().join("kept"), None, Arc::default()).expect("a folder");
        let (name, source) = catalogue::find("xfs/t1").expect("a shipped scenario");
        let scenario = read(&name, source.as_bytes()).expect("a sound file");
        let none = scenario.implementation("none").expect("a design");
        ask(&kept, kept.of(&scenario, &none, None));
    }

    /// The time of a clock that has gone on by so many seconds.
    fn ago(seconds: u64) -> Instant {
        Instant::now().checked_sub(Duration::from_secs(seconds)).expect("the machine has run for longer")
    }

    #[test]
    fn a_search_is_kept_now_and_then_and_when_it_stops() {
        with_one(|kept, mut checkpoint| {
            assert_eq!(checkpoint.request(), Request::GoOn);
            checkpoint.last = ago(11);
            assert_eq!(checkpoint.request(), Request::Save);
            checkpoint.took = Duration::from_secs(1);
            assert_eq!(
                checkpoint.request(),
                Request::GoOn,
                "keeping it takes a twentieth of the time at most"
            );
            checkpoint.last = ago(21);
            assert_eq!(checkpoint.request(), Request::Save);
            checkpoint.save(&|file| file.write_all(b"a search"));
            assert_eq!(checkpoint.request(), Request::GoOn, "it has just been kept");
            assert!(checkpoint.took < Duration::from_secs(1), "and that took another time");
            kept.stop.store(true, Ordering::Relaxed);
            assert_eq!(checkpoint.request(), Request::Stop);
        });
    }

    #[test]
    fn what_could_not_be_written_is_remembered_and_what_was_there_stays() {
        with_one(|kept, mut checkpoint| {
            checkpoint.save(&|file| file.write_all(b"a search"));
            let whole = fs::read(&checkpoint.path).expect("a file");
            assert!(whole.ends_with(b"\n\na search"));
            checkpoint.save(&|file| {
                file.write_all(b"half a search")?;
                Err(io::Error::other("no space"))
            });
            assert_eq!(fs::read(&checkpoint.path).expect("a file"), whole);
            assert_eq!(fs::read_dir(kept.path()).expect("the folder").count(), 1, "nothing is left behind");
            let [problem] = &kept.problems()[..] else { panic!("one problem") };
            assert!(problem.contains("xfs-t1-none.checkpoint: no space"), "{problem}");
            checkpoint.save(&|file| file.write_all(b"a search"));
            assert_eq!(kept.problems(), [""; 0], "it is there again");
        });
    }

    #[test]
    fn of_a_search_that_goes_on_it_is_said_at_once_and_once() {
        with_one(|kept, checkpoint| {
            let said = Mutex::new(Vec::new());
            let tell = |what: Telling, told: &str| said.lock().expect("a list").push((what, told.to_owned()));
            let told = || said.lock().expect("a list").len();
            let mut checkpoint = checkpoint.telling(Some(&tell));
            let mut fail = |last| {
                checkpoint.last = last;
                let request = checkpoint.request();
                checkpoint.save(&|_| Err(io::Error::other("no space")));
                request
            };
            assert_eq!((fail(ago(11)), told()), (Request::Save, 1));
            assert_eq!((fail(ago(11)), told()), (Request::Save, 1));
            kept.problems.lock().expect("a list").clear();
            kept.stop.store(true, Ordering::Relaxed);
            assert_eq!((fail(ago(11)), told()), (Request::Stop, 2), "the end says the problem");
            let said = said.lock().expect("a list");
            assert_eq!(said[0], (Telling::Problem, kept.problems().concat()));
            assert_eq!(said[1].0, Telling::Waiting);
            assert!(said[1].1.starts_with("interrupted: writes /"), "{said:?}");
        });
    }
}

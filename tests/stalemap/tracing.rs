//! Who listens to `tracing` hears the kernel's tracepoints during a replay, and nothing while exploring.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use stalemap_checker::{explore, replay};
use stalemap_explore::Options;
use stalemap_model::judge::properties;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::common::{alone, kernel, least};

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Kept {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[test]
fn tracepoints_are_told_during_a_replay_only() {
    // Whether anybody listens to a tracepoint is kept for the whole process, and a thread without a listener may be
    // the first to come by.
    alone("tracing::tracepoints_are_told_during_a_replay_only", tracepoints_of_a_replay);
}

fn tracepoints_of_a_replay() {
    let kernel = kernel("xfs/t1", "none");
    let kept = Kept::default();
    let listener = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(kept.clone())
        .finish();
    tracing::subscriber::with_default(listener, || {
        let exploration = explore(&kernel, &Options::default(), &mut |_| ()).unwrap();
        let (_, schedule) = least(&kernel, properties::LOST_WRITE);
        let steps = |lines: &[String]| lines.iter().filter(|line| line.contains("tracepoint=")).count();
        assert!(exploration.statistics.transitions > 300);
        assert_eq!(steps(&kept.lines()), 0, "exploring tells no tracepoint");

        let replayed = replay(&kernel, &schedule).unwrap();
        let hit = replayed
            .played
            .iter()
            .flat_map(|played| &played.events)
            .filter_map(|event| stalemap::annotate::events::tracepoint(event));
        let hit: Vec<_> = hit.collect();
        let lines = kept.lines();
        assert_eq!(steps(&lines), hit.len(), "a replay tells every tracepoint once");
        assert!(hit.len() >= 15, "{}", hit.len());
        for tracepoint in hit {
            let told = |line: &&String| {
                line.contains(tracepoint.name)
                    && line.contains(&tracepoint.to_string())
                    && line.contains(&format!(" {}: ", tracepoint.subsystem.name()))
            };
            assert!(lines.iter().any(|line| told(&line)), "{}: {tracepoint}", tracepoint.name);
        }
    });
}

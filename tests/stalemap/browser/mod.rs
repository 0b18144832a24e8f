//! The page in a real browser: it loads without an error and without asking anybody for anything, steps by keyboard,
//! shows the step that the fragment names, follows the theme, fits a narrow window, and stays fast.
//!
//! Where no browser is installed the tests say so and pass, unless STALEMAP_REQUIRE_BROWSER is set.

mod devtools;

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use stalemap::annotate::{About, AnnotatedSchedule, annotate};
use stalemap::report::export::perfetto;
use stalemap::report::html;
use stalemap_checker::serial;
use stalemap_explore::Schedule;
use stalemap_facade::{Property, Role, System};
use stalemap_model::judge::properties;
use stalemap_model::system::kernel::Kernel;
use tempfile::TempDir;

use crate::common::{elsewhere, good, kernel, least};
use devtools::Browser;

/// One browser at a time is enough for a small machine.
static ONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The least counterexample to a design, annotated.
fn counterexample(scenario: &str, design: &str, property: Property) -> AnnotatedSchedule {
    let kernel = kernel(scenario, design);
    let (_, steps) = least(&kernel, property);
    let about = About { scenario: scenario.to_owned(), design: design.to_owned(), ..About::default() };
    annotate(&kernel, &Schedule { steps, ..Schedule::default() }, about).unwrap()
}

/// A run of a scenario in which the actors come one after the other.
fn serial_run(source: &str) -> AnnotatedSchedule {
    let scenario = good("serial.toml", source);
    let kernel = Kernel::new(scenario.config_of(scenario.implementation("linux-7.3").unwrap())).unwrap();
    let main: Vec<usize> = kernel
        .actors()
        .iter()
        .enumerate()
        .filter(|(_, spec)| spec.role == Role::Main)
        .map(|(n, _)| n)
        .collect();
    let steps = serial(&kernel, &main).unwrap().unwrap();
    let about = About { scenario: "serial".to_owned(), design: "linux-7.3".to_owned(), ..About::default() };
    annotate(&kernel, &Schedule { steps, ..Schedule::default() }, about).unwrap()
}

/// A page on disk.
struct Saved {
    _folder: TempDir,
    path: PathBuf,
}

impl Saved {
    fn new(text: &str) -> Self {
        let folder = elsewhere();
        let path = folder.path().join("page.html");
        fs::write(&path, text).unwrap();
        Saved { _folder: folder, path }
    }

    fn url(&self, fragment: &str) -> String {
        format!("file://{}{fragment}", self.path.display())
    }
}

/// Errors and warnings on the console, exceptions, and requests for anything but the page itself.
fn complaints(events: &[Value], page: &str) -> Vec<String> {
    let complains = |event: &Value| {
        let parameters = &event["params"];
        match event["method"].as_str()? {
            "Runtime.exceptionThrown" => Some(parameters["exceptionDetails"].to_string()),
            "Runtime.consoleAPICalled" => Some(parameters["args"].to_string()),
            "Log.entryAdded" => Some(parameters["entry"].to_string()),
            "Network.requestWillBeSent" => {
                let url = parameters["request"]["url"].as_str()?;
                (url != page.split('#').next()? && url != "data:,").then(|| format!("request for {url}"))
            }
            _ => None,
        }
    };
    events.iter().filter_map(complains).collect()
}

/// What the panel beside the steps is about.
fn shown(browser: &mut Browser) -> Value {
    browser.evaluate("document.querySelector('.state h2').textContent")
}

#[test]
fn a_schedule_is_stepped_through() {
    let _alone = alone();
    let Some(mut browser) = Browser::start(1280, 1200) else { return };
    let schedule = counterexample("xfs/t1", "none", properties::LOST_WRITE);
    let page = Saved::new(&html::page(&schedule));

    let events = browser.open(&page.url(""));
    assert_eq!(complaints(&events, &page.url("")), [""; 0]);
    assert_eq!(shown(&mut browser), "After the setup");
    for (key, expected) in [
        ("j", "After step 1"),
        ("ArrowDown", "After step 2"),
        ("ArrowRight", "After step 3"),
        ("k", "After step 2"),
        ("ArrowUp", "After step 1"),
        ("End", "After step 16"),
        ("j", "After step 16"),
        ("Home", "After the setup"),
        ("ArrowLeft", "After the setup"),
    ] {
        browser.press(key);
        assert_eq!(shown(&mut browser), expected, "after {key}");
    }
    browser.press("j");
    assert_eq!(browser.evaluate("location.hash"), "#step=1", "the address names the step");
    assert_eq!(browser.evaluate("document.querySelectorAll('tr.chosen').length"), 1);

    let events = browser.open(&page.url("#step=12"));
    assert_eq!(complaints(&events, &page.url("")), [""; 0]);
    assert_eq!(shown(&mut browser), "After step 12");
    let state = browser.evaluate("document.querySelector('.state').textContent");
    let state = state.as_str().unwrap();
    assert!(state.contains("seq2"), "the counter has moved: {state}");
    assert!(state.contains("on its way") || state.contains("under writeback"), "{state}");
    let visible = "(() => { const row = document.querySelector('tr.chosen').getBoundingClientRect(); \
                   return row.top >= 0 && row.bottom <= innerHeight; })()";
    assert_eq!(browser.evaluate(visible), true, "the step of the fragment is in view");

    browser.evaluate("location.hash = '#step=3'");
    assert_eq!(complaints(&browser.reported(), &page.url("")), [""; 0]);
    assert_eq!(shown(&mut browser), "After step 3");
    browser.evaluate("document.querySelector('footer a').click()");
    browser.reported();
    assert_eq!(shown(&mut browser), "After step 7", "the deciding orders are links");

    // Every step shows something, and nothing complains.
    browser.press("Home");
    for _ in 0..schedule.steps.len() {
        browser.press("j");
        assert!(browser.evaluate("document.querySelectorAll('.state .strip').length").as_u64().unwrap() >= 3);
    }
    assert_eq!(complaints(&browser.reported(), &page.url("")), [""; 0]);
}

/// The lightness of a colour as the browser writes it, from 0 to 255.
fn lightness(color: &Value) -> u32 {
    let numbers: Vec<u32> = color
        .as_str()
        .unwrap()
        .split(|character: char| !character.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect();
    numbers.iter().take(3).sum::<u32>() / 3
}

#[test]
fn the_page_follows_the_theme_and_fits_narrow_windows() {
    let _alone = alone();
    let Some(mut browser) = Browser::start(1280, 1200) else { return };
    let schedule = counterexample("xfs/t1", "none", properties::LOST_WRITE);
    let against = counterexample("xfs/t1", "before-lock", properties::LOST_WRITE);
    for page in [html::page(&schedule), html::comparison(&schedule, &against)] {
        let page = Saved::new(&page);
        for (scheme, is_dark) in [("light", false), ("dark", true)] {
            browser.prefer(scheme);
            for width in [1280, 400] {
                browser.resize(width, 900);
                let events = browser.open(&page.url("#step=12"));
                assert_eq!(complaints(&events, &page.url("")), [""; 0]);
                let ground = browser.evaluate("getComputedStyle(document.body).backgroundColor");
                let ink = browser.evaluate("getComputedStyle(document.body).color");
                assert_eq!(lightness(&ground) < 64, is_dark, "{scheme}: {ground}");
                assert!(lightness(&ground).abs_diff(lightness(&ink)) > 128, "{scheme}: {ink} on {ground}");
                let overflow = browser.evaluate("document.documentElement.scrollWidth - innerWidth");
                assert!(
                    overflow.as_i64().unwrap() <= 0,
                    "{width} wide: the page itself scrolls sideways by {overflow}"
                );
                let state = "(() => { const box = document.querySelector('.state').getBoundingClientRect(); \
                             return box.height > 50 && box.top < innerHeight && box.left < innerWidth; })()";
                assert_eq!(browser.evaluate(state), true, "{width} wide: the state is in view");
            }
        }
    }
}

#[test]
fn two_schedules_are_stepped_through_together() {
    let _alone = alone();
    let Some(mut browser) = Browser::start(1280, 1200) else { return };
    let schedule = counterexample("xfs/t1", "none", properties::LOST_WRITE);
    let against = counterexample("xfs/t1", "before-lock", properties::LOST_WRITE);
    let page = Saved::new(&html::comparison(&schedule, &against));
    let events = browser.open(&page.url("#against=18"));
    assert_eq!(complaints(&events, &page.url("")), [""; 0]);
    let both = "[...document.querySelectorAll('.state h2')].map((head) => head.textContent).join(', ')";
    assert_eq!(browser.evaluate(both), "After step 16, After step 18");
    browser.press("Home");
    assert_eq!(browser.evaluate(both), "After the setup, After the setup");
    browser.press("j");
    assert_eq!(
        browser.evaluate("document.querySelectorAll('tr.chosen').length"),
        2,
        "both have a first step"
    );
    assert_eq!(complaints(&browser.reported(), &page.url("")), [""; 0]);
}

/// Eight actors with many small writes, each of them so often.
fn long(times: usize) -> AnnotatedSchedule {
    let actor = |n: usize| {
        let write = format!("\"pwrite -b 2k {0}k 8k\", ", n * 8).repeat(times);
        format!("[[actor]]\nname = \"writer{n}\"\nrun = [{write}\"fsync\"]\n")
    };
    let actors: String = (0..8).map(actor).collect();
    serial_run(&format!("title = \"long\"\n[setup]\nrun = [\"falloc 0 64k\"]\n{actors}"))
}

/// The most elements, attributes and texts that the page changes for one step, over 99 steps from step 100 on.
fn changes(browser: &mut Browser, schedule: &AnnotatedSchedule) -> u64 {
    let page = Saved::new(&html::page(schedule));
    let events = browser.open(&page.url("#step=100"));
    assert_eq!(complaints(&events, &page.url("")), [""; 0]);
    assert_eq!(shown(browser), "After step 100");
    let most = browser.evaluate(
        "(() => { let most = 0; \
         const observer = new MutationObserver(() => {}); \
         const all = { subtree: true, childList: true, attributes: true, characterData: true }; \
         observer.observe(document, all); \
         for (let n = 0; n < 99; n++) { \
           document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true, cancelable: true })); \
           let changed = 0; \
           for (const record of observer.takeRecords()) { \
             const children = (nodes) => [...nodes].map((node) => node.nodeType === 1 ? node.querySelectorAll('*').length + 1 : 1); \
             const counts = [...children(record.addedNodes), ...children(record.removedNodes)]; \
             changed += record.type === 'childList' ? counts.reduce((sum, count) => sum + count, 0) : 1; \
           } \
           most = Math.max(most, changed); \
         } \
         return most; })()",
    );
    assert_eq!(shown(browser), "After step 199");
    most.as_u64().expect("a count")
}

#[test]
fn a_step_of_a_long_schedule_changes_no_more_than_one_of_a_short_one() {
    let _alone = alone();
    let (short, long) = (long(1), long(2));
    assert!(short.steps.len() >= 200, "{} operations", short.steps.len());
    assert!(long.steps.len() >= 500, "{} operations", long.steps.len());
    assert!(long.movers().len() >= 8, "{} actors", long.movers().len());
    let Some(mut browser) = Browser::start(1280, 1200) else { return };
    let (of_short, of_long) = (changes(&mut browser, &short), changes(&mut browser, &long));
    assert!(of_short > 0, "a step changes something");
    assert!(
        of_long <= of_short,
        "a step of {} changes {of_long}, one of {} {of_short}",
        long.steps.len(),
        short.steps.len()
    );
}

/// What the trace engine of the browser's own developer tools makes of a trace: the threads, each with its slices.
fn import(browser: &mut Browser, trace: &str) -> Value {
    let script = "(async (trace) => { \
        const { TraceModel } = await import('devtools://devtools/bundled/models/trace/trace.js'); \
        const model = TraceModel.Model.createWithAllHandlers(); \
        await model.parse(trace.traceEvents, {}); \
        const { Meta, Renderer } = model.parsedTrace(0).data; \
        const processes = [...Renderer.processes.values()]; \
        const threads = processes.flatMap((process) => [...process.threads.values()]); \
        return { \
          generic: Meta.traceIsGeneric, \
          threads: threads.map(({ name, entries }) => ({ name, slices: entries.map((entry) => entry.name) })), \
        }; })";
    browser.evaluate(&format!("{script}({trace})"))
}

/// Chromium's developer tools import traces of the same format as chrome://tracing, which is not built into every
/// browser.
#[test]
fn the_trace_engine_of_the_browser_reads_perfetto_traces() {
    let _alone = alone();
    let Some(mut browser) = Browser::start(1280, 1200) else { return };
    browser.open("devtools://devtools/bundled/devtools_app.html");
    for (scenario, design) in [("xfs/t1", "none"), ("xfs/t2", "before-lock"), ("xfs/t9a", "range")] {
        let schedule = counterexample(scenario, design, properties::LOST_WRITE);
        let read = import(&mut browser, &perfetto::trace(&schedule));
        assert_eq!(read["generic"], true);
        for actor in schedule.movers() {
            let name = schedule.name(actor);
            let threads = read["threads"].as_array().unwrap();
            let thread = threads.iter().find(|thread| thread["name"] == name.as_str()).unwrap();
            let steps = schedule.steps.iter().filter(|step| step.actor == actor).map(|step| step.op.as_str());
            assert_eq!(thread["slices"], Value::from(steps.collect::<Vec<_>>()), "{scenario}: {name}");
        }
    }
}

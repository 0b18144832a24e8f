//! The order of layers, read off the imports: facade ← explore, facade ← model, and inside the model
//! words ← judge ← state ← fs ← paths ← system; inside the tool scenario ← annotate ← run ← studies ← report ← cli ← commands.
//! No file imports one of a later layer, and no files import each other in a circle. docs/architecture.md says what each layer is
//! for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use toml::Table;

const WORKSPACE: &str = env!("CARGO_MANIFEST_DIR");

/// The folders of the model's layers, in order; the files directly in `model/` and their parts are the paths.
const LAYERS: [&str; 6] = ["words", "judge", "state", "fs", PATHS, "system"];
const PATHS: &str = "paths";

/// The layers of the tool, in order, each with its modules: what all others use; scenario files; what is told of a schedule; running
/// scenarios; what is made of many runs; reports; the command line; the commands; tests made of scenario files.
const TOOL: [&[&str]; 9] = [
    &[
        "available",
        "build",
        "engine",
        "file_name",
        "kernel_name",
        "paint",
        "shell",
        "stdin",
        "tally",
        "times",
        "verdict",
        "words",
        "wrap",
    ],
    &["input", "scenario"],
    &["annotate"],
    &["attended", "check_place", "checkpoint", "expect", "failures", "run"],
    &[
        "accept",
        "agree",
        "baseline",
        "between",
        "bisect",
        "claims",
        "comparison",
        "conform",
        "costs",
        "fuzz",
        "idle",
        "lab",
        "litmus",
        "minimise",
        "mutants",
        "orderings",
        "parts",
        "power",
        "smaller",
        "synthesis",
        "why",
    ],
    &["report"],
    &["cli"],
    &["commands"],
    &["testing"],
];

/// The modules of a crate, each with the modules that it imports.
struct Imports(BTreeMap<String, BTreeSet<String>>);

impl Imports {
    /// Reads a crate's files below a folder; their module paths are those of the files.
    fn of(folder: &str) -> Self {
        let root = Path::new(WORKSPACE).join(folder);
        let mut files = Vec::new();
        collect(&root, &mut files);
        let texts: BTreeMap<String, String> = files
            .iter()
            .filter_map(|file| {
                let path =
                    file.strip_prefix(&root).ok()?.with_extension("").to_string_lossy().replace('/', "::");
                let module = path.strip_suffix("::mod").unwrap_or(&path).to_owned();
                (module != "lib" && module != "main")
                    .then(|| Some((module, fs::read_to_string(file).ok()?)))?
            })
            .collect();
        let modules: BTreeSet<&str> = texts.keys().map(String::as_str).collect();
        let imports = texts.iter().map(|(module, text)| (module.clone(), imported(module, text, &modules)));
        Imports(imports.collect())
    }

    /// A circle of modules, if there is one, as a way round it.
    fn circle(&self) -> Option<Vec<&str>> {
        let mut done = BTreeSet::new();
        self.0.keys().find_map(|module| self.circle_from(module, &mut Vec::new(), &mut done))
    }

    fn circle_from<'m>(
        &'m self,
        module: &'m str,
        way: &mut Vec<&'m str>,
        done: &mut BTreeSet<&'m str>,
    ) -> Option<Vec<&'m str>> {
        if let Some(start) = way.iter().position(|other| *other == module) {
            return Some(way[start..].to_vec());
        }
        if done.contains(module) {
            return None;
        }
        way.push(module);
        let found = self.0[module].iter().find_map(|next| self.circle_from(next, way, done));
        way.pop();
        done.insert(module);
        found
    }
}

pub(crate) fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let is_rust = entry.extension().is_some_and(|extension| extension == "rs");
        if entry.is_dir() && !entry.ends_with("tests") && !entry.ends_with("target") {
            collect(&entry, files);
        } else if is_rust {
            files.push(entry);
        }
    }
}

/// The modules that a file imports: the longest module that each `crate::` and `super::` path in its code begins with.
fn imported(module: &str, text: &str, modules: &BTreeSet<&str>) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let code: String =
        code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
    for (prefix, base) in [("crate::", ""), ("super::", parent), ("self::", module)] {
        for (at, _) in code.match_indices(prefix) {
            if code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':')
            {
                continue;
            }
            for path in paths(&code[at + prefix.len()..]) {
                let path = if base.is_empty() { path } else { format!("{base}::{path}") };
                let longest = modules.iter().filter(|module| {
                    path.strip_prefix(**module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
                });
                found.extend(longest.max_by_key(|module| module.len()).map(ToString::to_string));
            }
        }
    }
    found.remove(module);
    found
}

/// The paths that a text begins with: one, or those of a braced list.
fn paths(text: &str) -> Vec<String> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len());
    let (head, rest) = text.split_at(end);
    let Some(list) = rest.strip_prefix('{').filter(|_| head.is_empty() || head.ends_with("::")) else {
        return vec![head.trim_end_matches(':').to_owned()];
    };
    let mut all = Vec::new();
    let (mut depth, mut item) = (0, String::new());
    for c in list.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => all.push(std::mem::take(&mut item)),
            c => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                item.push(c);
            }
        }
    }
    all.push(item);
    let items = all.iter().map(|item| item.trim()).filter(|item| !item.is_empty());
    items
        .flat_map(paths)
        .map(|path| format!("{head}{}", path.trim_start_matches("self")))
        .map(|path| path.trim_end_matches(':').to_owned())
        .collect()
}

fn layer(module: &str) -> usize {
    let first = module.split("::").next().unwrap_or(module);
    let known = LAYERS.iter().position(|layer| *layer == first);
    known.unwrap_or_else(|| LAYERS.iter().position(|layer| *layer == PATHS).expect("a layer"))
}

/// The layer of a module of the tool. One that is added belongs to a layer.
fn layer_of_tool(module: &str) -> usize {
    let first = module.split("::").next().unwrap_or(module);
    let layer = TOOL.iter().position(|layer| layer.contains(&first));
    layer.unwrap_or_else(|| panic!("`{first}` has no place in the order of `src/`: give it one in `TOOL`"))
}

/// The imports of a later layer.
fn imports_of_later(folder: &str, place: impl Fn(&str) -> usize) -> Vec<String> {
    let all = Imports::of(folder).0;
    assert!(all.len() > 60, "{} files were read", all.len());
    let later = all.iter().flat_map(|(module, imported)| {
        let later = imported.iter().filter(|other| place(other) > place(module));
        later.map(move |other| format!("{module} -> {other}"))
    });
    later.collect()
}

#[test]
fn imports_of_the_model_go_one_way() {
    assert_eq!(imports_of_later("model", layer), [""; 0]);
}

#[test]
fn imports_of_the_tool_go_one_way() {
    assert_eq!(imports_of_later("src", layer_of_tool), [""; 0]);
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    for folder in ["facade", "explore", "model", "trace", "src"] {
        assert_eq!(Imports::of(folder).circle(), None, "{folder}/");
    }
}

#[test]
fn crates_depend_one_way() {
    // The program on the front page of `facade` runs on `explore`: a dependency of its doc test, and of nothing else.
    let (users, all) = (&["dependencies"][..], &["dependencies", "dev-dependencies"][..]);
    for (folder, others, tables) in [
        ("facade", &["explore", "model"][..], users),
        ("facade", &["model"], all),
        ("explore", &["model"], all),
        ("model", &["explore"], all),
    ] {
        let manifest = fs::read_to_string(Path::new(WORKSPACE).join(folder).join("Cargo.toml"));
        let manifest: Table = manifest.expect("a manifest").parse().expect("TOML");
        for dependencies in tables.iter().filter_map(|table| manifest.get(*table)?.as_table()) {
            for other in others {
                assert!(
                    !dependencies.contains_key(&format!("stalemap-{other}")),
                    "{folder} depends on {other}"
                );
            }
        }
    }
}

#[test]
fn an_import_is_read_in_every_form() {
    let modules = ["a", "a::b", "c", "c::d"].into();
    let text =
        "use crate::{a::{self, b::X}, c};\nuse super::d::Y;\n// use crate::e;\nfn f() { crate::c::d::g() }";
    let found: Vec<String> = imported("c::e", text, &modules).into_iter().collect();
    assert_eq!(found, ["a", "a::b", "c", "c::d"]);
}

/// Reports work on the data of events: text is made of them in one file, and what comes out of it is only shown.
#[test]
fn no_report_reads_the_words_of_an_event() {
    const MAKES_WORDS: &str = "src/words.rs";
    // A step's notes, and the events of a JSON document.
    const SHOW_WORDS: [&str; 2] = ["src/annotate.rs", "src/report/json.rs"];
    let root = Path::new(WORKSPACE);
    let mut files = Vec::new();
    collect(&root.join("src/annotate"), &mut files);
    collect(&root.join("src/report"), &mut files);
    assert!(root.join(MAKES_WORDS).is_file());
    for file in files {
        let text = fs::read_to_string(&file).expect("a source file");
        let name = file.strip_prefix(root).expect("a file of the workspace").display().to_string();
        assert!(!text.contains("event.words()") && !text.contains("Event::words"), "{name}");
        assert!(!text.contains("words::event") || SHOW_WORDS.contains(&name.as_str()), "{name}");
    }
    // The model makes no words: what it reports has none but those of its fields.
    let event = fs::read_to_string(root.join("model/state/event.rs")).expect("a source file");
    assert!(!event.contains("fn words"));
}

/// The most lines between a function's first and its last.
const MOST_LINES: usize = 70;

/// Functions that are longer, each with where it begins: found by their indentation, since all files are formatted.
fn long_functions(text: &str) -> Vec<(usize, usize)> {
    let mut long = Vec::new();
    let mut open: Option<(usize, usize)> = None;
    for (number, line) in text.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_function =
            words.iter().take(5).any(|word| *word == "fn") && !line.trim_start().starts_with("//");
        match open {
            Some((start, at)) if indent == at && line.trim_end() == format!("{}}}", " ".repeat(at)) => {
                if number - start > MOST_LINES {
                    long.push((start + 1, number - start));
                }
                open = None;
            }
            _ if is_function => open = Some((number, indent)),
            _ => {}
        }
    }
    long
}

#[test]
fn no_function_is_long() {
    let mut files = Vec::new();
    for folder in
        ["facade", "explore", "model", "checker", "trace", "src", "tests", "explore/tests", "benches"]
    {
        collect(&Path::new(WORKSPACE).join(folder), &mut files);
    }
    assert!(files.len() > 200, "{} files were read", files.len());
    let long = files.iter().flat_map(|file| {
        let text = fs::read_to_string(file).expect("a file");
        let found = long_functions(&text).into_iter();
        found
            .map(move |(line, lines)| format!("{}:{line}: {lines} lines", file.display()))
            .collect::<Vec<_>>()
    });
    assert_eq!(long.collect::<Vec<_>>(), [""; 0]);
    let lines = "    x();\n".repeat(70);
    assert_eq!(long_functions(&format!("fn f() {{\n{lines}}}\n")), [(1, 71)]);
    assert_eq!(long_functions(&format!("fn f() {{\n{}}}\n", "    x();\n".repeat(69))), []);
}

/// The variants of enums that have three or more unnamed fields, each with the line that it stands in.
fn unnamed_variants(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut end_of_enum: Option<String> = None;
    for (number, line) in text.lines().enumerate() {
        let indent = " ".repeat(line.len() - line.trim_start().len());
        if end_of_enum.as_deref() == Some(line) {
            end_of_enum = None;
        } else if end_of_enum.is_some() && is_tuple_of_three(line.trim()) {
            found.push((number + 1, line.trim()));
        } else if line.trim_start().trim_start_matches("pub ").starts_with("enum ") {
            end_of_enum = Some(format!("{indent}}}"));
        }
    }
    found
}

/// Whether a line is a variant such as `Flush(Remap, Side, WritebackState),`, or the first line of a longer one.
fn is_tuple_of_three(line: &str) -> bool {
    let Some((name, fields)) = line.split_once('(') else { return false };
    let is_name = name.starts_with(char::is_uppercase) && name.chars().all(char::is_alphanumeric);
    let mut depth = 0;
    let commas = fields.trim_end_matches("),").chars().filter(|c| {
        depth += i32::from("<([".contains(*c)) - i32::from(">)]".contains(*c));
        *c == ',' && depth == 0
    });
    is_name && (commas.count() >= 2 || fields.is_empty())
}

/// What survives a step is read by its name, not by its place.
#[test]
fn states_of_three_and_more_fields_name_them() {
    let mut files = Vec::new();
    collect(&Path::new(WORKSPACE).join("model"), &mut files);
    for file in files {
        let text = fs::read_to_string(&file).expect("a source file");
        assert_eq!(unnamed_variants(&text), [], "{}", file.display());
    }
    let text = "enum State {\n    A(Range<(u8, u8)>, u8),\n    B(u8, u8, u8),\n    C(\n        u8,\n    ),\n}\nf(A(1, 2, 3),\n";
    assert_eq!(unnamed_variants(text), [(3, "B(u8, u8, u8),"), (4, "C(")]);
}

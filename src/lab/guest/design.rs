//! Kernels with another check: an `xfs.ko` of the distribution's source in which one expression is changed, so that it does what
//! a design of the model does.
//!
//! All are built with XFS_DEBUG: then the error tags are there, with which the kernel's own regression tests widen windows. So
//! `iomap_valid`, in which nothing is changed, is what the others are to be compared with.

use std::fs;
use std::path::{Path, PathBuf};

use super::archive::Archive;
use super::error::{LabError, Result};
use super::inside::Inside;
use super::module::make;
use super::store::{Kernel, Store};

/// A change of the source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Change {
    /// The file of `fs/xfs`.
    file: &'static str,
    /// The function.
    function: &'static str,
    /// What is replaced in it, by what, as the one or the other kernel has it: of all, one has to be there, and once. White
    /// space stands for any.
    places: &'static [(&'static str, &'static str)],
}

/// The designs that there are modules of, each with what is changed for it.
const DESIGNS: [(&str, Option<Change>); 3] = [
    (
        "none",
        Some(Change {
            file: "xfs_iomap.c",
            function: "xfs_iomap_valid",
            places: &[
                ("if (iomap->validity_cookie !=", "if (false && iomap->validity_cookie !="),
                ("return iomap->validity_cookie ==", "return true || iomap->validity_cookie =="),
            ],
        }),
    ),
    ("iomap_valid", None),
    (
        "chinner-cow",
        Some(Change {
            file: "xfs_aops.c",
            function: "xfs_imap_valid",
            places: &[(
                "IOMAP_F_SHARED) return true;",
                "IOMAP_F_SHARED)\n\t\treturn XFS_WPC(wpc)->cow_seq == READ_ONCE(ip->i_cowfp->if_seq);",
            )],
        }),
    ),
];

/// Parts that XFS is built without: those that check and repair mounted file systems, which are half of it, and what only they
/// use.
const WITHOUT: [&str; 7] = [
    "CONFIG_XFS_ONLINE_SCRUB",
    "CONFIG_XFS_ONLINE_SCRUB_STATS",
    "CONFIG_XFS_ONLINE_REPAIR",
    "CONFIG_XFS_BTREE_IN_MEM",
    "CONFIG_XFS_MEMORY_BUFS",
    "CONFIG_XFS_LIVE_HOOKS",
    "CONFIG_XFS_DRAIN_INTENTS",
];

/// How XFS is built: with debugging code. Makefiles of old kernels look for the headers of XFS below the kernel's.
const OPTIONS: [&str; 2] = ["CONFIG_XFS_DEBUG=y", "KCFLAGS=-I/build -I/build/libxfs -include /build/lab.h"];

/// What makefiles are told.
fn options() -> Vec<String> {
    let without = WITHOUT.iter().map(|part| format!("{part}="));
    OPTIONS.iter().map(ToString::to_string).chain(without).collect()
}

/// What the code is told, after the kernel's own configuration.
fn header() -> String {
    let without = WITHOUT.iter().map(|part| format!("#undef {part}\n"));
    std::iter::once("#define CONFIG_XFS_DEBUG 1\n".to_owned()).chain(without).collect()
}

/// The names of the designs.
pub fn names() -> Vec<&'static str> {
    DESIGNS.iter().map(|(name, _)| *name).collect()
}

fn change_for(design: &str) -> Result<Option<Change>> {
    let found = DESIGNS.iter().find(|(name, _)| *name == design);
    found.map(|(_, change)| *change).ok_or_else(|| {
        let there = names().join(", ");
        LabError::Other(format!("no kernel can be had with design `{design}`; there are {there}"))
    })
}

fn place(kernel: &Kernel, design: &str) -> PathBuf {
    kernel.made().join("designs").join(design).join("xfs.ko")
}

/// Where the module of a design is; it was built before.
pub(super) fn module(store: &Store, kernel: &Kernel, design: &str) -> Result<PathBuf> {
    change_for(design)?;
    let place = place(kernel, design);
    if place.is_file() {
        return Ok(place);
    }
    Err(LabError::NotFetched {
        what: format!("linux {} with design {design}", kernel.full),
        store: store.folder().display().to_string(),
        ask: format!("{} --design {design}", kernel.full),
    })
}

/// That there is such a design.
pub(super) fn check(design: &str) -> Result<()> {
    change_for(design).map(drop)
}

/// Whether the module of a design is there.
pub(super) fn is_there(kernel: &Kernel, design: &str) -> bool {
    place(kernel, design).is_file()
}

/// Whether the source of a kernel is there.
pub(super) fn has_source(kernel: &Kernel) -> bool {
    source(kernel).is_dir()
}

fn source(kernel: &Kernel) -> PathBuf {
    kernel.made().join("xfs")
}

/// Builds the module of a design; the source is there. It is built where it is, unchanged, and a copy of that, changed: so only
/// the first design takes long.
pub(super) fn build(store: &Store, kernel: &Kernel, design: &str) -> Result<()> {
    let change = change_for(design)?;
    let source = source(kernel);
    let (told, header, options) = (source.join("lab.h"), header(), options());
    if !fs::read_to_string(&told).is_ok_and(|text| text == header) {
        fs::write(&told, header).map_err(LabError::file(&told))?;
    }
    make(store, kernel, &source, &options)?;
    let temporary = store.temporary()?;
    let folder = temporary.path().join("xfs");
    let inside = Inside::of(store);
    inside.run("copying the source", &["cp", "-a", &inside.path(&source), &inside.path(&folder)])?;
    if let Some(change) = change {
        apply(&folder, change)?;
        make(store, kernel, &folder, &options)?;
    }
    let (built, place) = (folder.join("xfs.ko"), place(kernel, design));
    let above = place.parent().unwrap_or(&place);
    fs::create_dir_all(above).map_err(LabError::file(above))?;
    inside.run("stripping xfs.ko", &["strip", "-g", &inside.path(&built)])?;
    fs::rename(&built, &place).map_err(LabError::file(&built))
}

/// Unpacks `fs/xfs` of the source that the kernel was built of.
pub(super) fn fetch_source(store: &Store, archive: &Archive<'_>, kernel: &Kernel) -> Result<()> {
    let place = source(kernel);
    let temporary = store.temporary()?;
    let name = format!("linux-source-{}", kernel.version);
    archive.unpack(&[format!("{name}={}", kernel.package)], temporary.path())?;
    let inside = Inside::of(store);
    let packed = inside.path(&temporary.path().join(format!("usr/src/{name}.tar.xz")));
    let into = inside.path(temporary.path());
    let member = format!("{name}/fs/xfs");
    inside.run("unpacking the source", &["tar", "-xf", &packed, "-C", &into, &member])?;
    let unpacked = temporary.path().join(member);
    fs::rename(&unpacked, &place).map_err(LabError::file(&unpacked))
}

fn apply(folder: &Path, change: Change) -> Result<()> {
    let path = folder.join(change.file);
    let text = fs::read_to_string(&path).map_err(LabError::file(&path))?;
    let changed =
        changed(&text, change).map_err(|problem| LabError::Other(format!("{}: {problem}", change.file)))?;
    fs::write(&path, changed).map_err(LabError::file(&path))
}

/// A source with one place of one function changed.
fn changed(text: &str, change: Change) -> std::result::Result<String, String> {
    let function = change.function;
    let body = body_of(text, function).ok_or_else(|| {
        format!("there is no function {function}, or more than one; this kernel cannot be changed so")
    })?;
    let found: Vec<_> = change
        .places
        .iter()
        .flat_map(|(from, to)| places(&text[body.clone()], from).into_iter().map(move |place| (place, to)))
        .collect();
    let [(place, to)] = &found[..] else {
        let (from, many) = (change.places[0].0, found.len());
        return Err(format!(
            "`{from}`, or what else is known, stands {many} times in {function}, not once; this kernel cannot be changed so"
        ));
    };
    let (begin, end) = (body.start + place.start, body.start + place.end);
    Ok(format!("{}{to}{}", &text[..begin], &text[end..]))
}

/// Where a function's body is, in the kernel's style: the name begins a line, and so do both braces.
fn body_of(text: &str, function: &str) -> Option<std::ops::Range<usize>> {
    let head = format!("\n{function}(");
    let mut bodies = text.match_indices(&head).filter_map(|(at, _)| {
        let begin = at + text[at..].find("\n{\n")?;
        // What is only declared ends before a body begins.
        if text[at..begin].contains(';') {
            return None;
        }
        Some(begin..begin + text[begin..].find("\n}\n")?)
    });
    bodies.next().filter(|_| bodies.next().is_none())
}

/// Where a text stands, with any white space between its words.
fn places(text: &str, wanted: &str) -> Vec<std::ops::Range<usize>> {
    let words: Vec<&str> = wanted.split_whitespace().collect();
    let Some((first, rest)) = words.split_first() else { return Vec::new() };
    let place = |at: usize| {
        let mut end = at + first.len();
        for word in rest {
            let gap = text[end..].len() - text[end..].trim_start().len();
            end += gap;
            (gap > 0 && text[end..].starts_with(word)).then_some(())?;
            end += word.len();
        }
        Some(at..end)
    };
    text.match_indices(first).filter_map(|(at, _)| place(at)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGE: Change = Change {
        file: "a.c",
        function: "is_fresh",
        places: &[("a) return 1;", "a)\n\t\treturn b;"), ("x) return 1;", "x)\n\t\treturn b;")],
    };

    const TEXT: &str = "static int\nis_fresh(\n\tint a);\n\nstatic int\nis_fresh(\n\tint a)\n{\n\tif (a)\n\t\treturn 1;\n\
        \treturn 2;\n}\n\nint\nother(int a)\n{\n\tif (a)\n\t\treturn 1;\n}\n";

    #[test]
    fn one_place_of_one_function_is_changed() {
        let changed = changed(TEXT, CHANGE).expect("a change");
        assert!(changed.contains("{\n\tif (a)\n\t\treturn b;\n\treturn 2;\n}"), "{changed}");
        assert!(changed.ends_with("other(int a)\n{\n\tif (a)\n\t\treturn 1;\n}\n"), "{changed}");
    }

    #[test]
    fn what_is_not_there_exactly_once_is_refused() {
        let twice = TEXT.replace("\treturn 2;", "\tif (a)\n\t\treturn 1;");
        let error = changed(&twice, CHANGE).expect_err("twice");
        assert!(error.contains("stands 2 times in is_fresh"), "{error}");
        let error = changed(TEXT, Change { places: &[("nowhere", "")], ..CHANGE }).expect_err("never");
        assert!(error.contains("stands 0 times"), "{error}");
        let error = changed(TEXT, Change { function: "lacking", ..CHANGE }).expect_err("no function");
        assert!(error.contains("no function lacking"), "{error}");
    }

    #[test]
    fn makefiles_and_code_are_told_the_same() {
        let header = header();
        assert!(
            header.starts_with("#define CONFIG_XFS_DEBUG 1\n#undef CONFIG_XFS_ONLINE_SCRUB\n"),
            "{header}"
        );
        for part in WITHOUT {
            assert!(options().contains(&format!("{part}=")) && header.contains(&format!("#undef {part}\n")));
        }
    }

    #[test]
    fn designs_are_those_of_the_model() {
        for name in names() {
            assert!(stalemap_model::words::design::Design::built_in(name).is_some(), "{name}");
        }
        let error = change_for("get_folio").expect_err("none").to_string();
        assert!(error.contains("there are none, iomap_valid, chinner-cow"), "{error}");
    }
}

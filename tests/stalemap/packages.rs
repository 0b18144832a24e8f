//! What goes with the program: licences and a page in each package, and what a build server is told.

use std::fs;
use std::process::Command;

use saphyr::{LoadableYamlNode, Yaml};

use crate::common::{elsewhere, in_repository, page, stalemap, text};

/// The packages with their folders.
fn packages() -> Vec<(String, String)> {
    let manifest: toml::Table = page("Cargo.toml").parse().expect("TOML");
    let members = manifest["workspace"]["members"].as_array().expect("a list");
    let folders = members.iter().map(|member| member.as_str().expect("a name").to_owned());
    let name = |folder: &str| {
        let manifest: toml::Table = page(&format!("{folder}/Cargo.toml")).parse().expect("TOML");
        manifest["package"]["name"].as_str().expect("a name").to_owned()
    };
    std::iter::once(".".to_owned()).chain(folders).map(|folder| (name(&folder), folder)).collect()
}

#[test]
fn every_package_has_its_licences_and_a_page() {
    let packages = packages();
    assert!(packages.len() >= 9, "{packages:?}");
    for (name, folder) in packages {
        let output = Command::new(env!("CARGO"))
            .args(["package", "--list", "--allow-dirty", "--offline", "-p", &name])
            .current_dir(in_repository("."))
            .output()
            .expect("cargo");
        assert!(output.status.success(), "{name}: {}", text(&output.stderr));
        let listed = text(&output.stdout);
        for file in ["LICENSE-MIT", "LICENSE-APACHE", "README.md", "Cargo.toml"] {
            assert!(listed.lines().any(|line| line == file), "{name} has no {file}:\n{listed}");
            // A link is packed as what it leads to.
            let same = fs::read(in_repository(&folder).join(file)).expect(file);
            if file.starts_with("LICENSE") {
                assert_eq!(same, fs::read(in_repository(file)).expect(file), "{name}: {file}");
            }
        }
        let readme = page(&format!("{folder}/README.md"));
        assert!(readme.contains(&format!("# {name}\n")), "{name}: {readme}");
    }
    let listed = Command::new(env!("CARGO"))
        .args(["package", "--list", "--allow-dirty", "--offline", "-p", "stalemap"])
        .current_dir(in_repository("."))
        .output();
    let listed = text(&listed.expect("cargo").stdout);
    // What is compiled in.
    for file in ["scenarios/xfs/t1.toml", "lab/module/hold.c", "build.rs", "src/report/html/page.js"] {
        assert!(listed.lines().any(|line| line == file), "{file}:\n{listed}");
    }
}

fn yaml(path: &str) -> Yaml<'static> {
    let text: &'static str = Box::leak(page(path).into_boxed_str());
    let documents = Yaml::load_from_str(text).unwrap_or_else(|error| panic!("{path}: {error}"));
    let [document] =
        <[Yaml<'_>; 1]>::try_from(documents).unwrap_or_else(|all| panic!("{path}: {} documents", all.len()));
    document
}

fn steps<'y>(of: &'y Yaml<'static>) -> Vec<&'y Yaml<'static>> {
    of["steps"].as_vec().expect("steps").iter().collect()
}

#[test]
fn the_action_checks_and_the_workflow_uploads() {
    let action = yaml("docs/ci/action.yml");
    assert_eq!(action["runs"]["using"].as_str(), Some("composite"));
    let script = |step: &Yaml<'_>| step["run"].as_str().unwrap_or_default().to_owned();
    let scripts: Vec<String> = steps(&action["runs"]).into_iter().map(script).collect();
    assert!(scripts.iter().any(|script| script.contains("cargo install --locked --path")), "{scripts:?}");
    let check = scripts.iter().find(|script| script.contains("stalemap check")).expect("a check");
    let folder = elsewhere();
    // The script, as the action runs it, without a workflow around.
    let (program, path) = (env!("CARGO_BIN_EXE_stalemap"), std::env::var("PATH").unwrap_or_default());
    let bin = std::path::Path::new(program).parent().expect("a folder").display().to_string();
    let ran = |scenarios: &str| {
        let output = Command::new("bash")
            .args(["-e", "-c", check])
            .env("PATH", format!("{bin}:{path}"))
            .env("SCENARIOS", scenarios)
            .env("ARGUMENTS", "--design none")
            .env("SARIF", "out.sarif")
            .env("GITHUB_OUTPUT", "outputs")
            .current_dir(folder.path())
            .output()
            .expect("bash");
        let outputs = fs::read_to_string(folder.path().join("outputs")).unwrap_or_default();
        let _ = fs::remove_file(folder.path().join("outputs"));
        (output.status.success(), outputs)
    };
    assert_eq!(ran("xfs/t1 xfs/t2"), (true, "exit-code=0\n".to_owned()));
    let log: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("out.sarif")).expect("a file")).expect("JSON");
    assert_eq!(log["version"], "2.1.0");
    assert_eq!(ran("no-such-scenario"), (false, "exit-code=2\n".to_owned()), "bad input fails the step");

    let workflow = yaml("docs/ci/workflow.yml");
    assert_eq!(workflow["permissions"]["security-events"].as_str(), Some("write"));
    let steps = steps(&workflow["jobs"]["check"]);
    let place = |uses: &str| {
        let found =
            steps.iter().position(|step| step["uses"].as_str().is_some_and(|used| used.starts_with(uses)));
        found.unwrap_or_else(|| panic!("no step uses {uses}"))
    };
    let (check, upload) = (place("OWNER/stalemap/docs/ci@"), place("github/codeql-action/upload-sarif@"));
    assert!(check < upload, "what is not as expected is uploaded before it fails");
    let id = steps[check]["id"].as_str().expect("an id");
    let outputs = action["outputs"].as_mapping().expect("outputs");
    let names: Vec<&str> = outputs.iter().filter_map(|(name, _)| name.as_str()).collect();
    let used = page("docs/ci/workflow.yml");
    for name in &names {
        assert!(used.contains(&format!("steps.{id}.outputs.{name}")), "{name}");
    }
    assert_eq!(
        used.matches(&format!("steps.{id}.outputs.")).count(),
        names.len(),
        "no output that there is not"
    );
    let inputs = action["inputs"].as_mapping().expect("inputs");
    let given = steps[check]["with"].as_mapping().expect("inputs that are given");
    assert!(given.iter().all(|(name, _)| inputs.contains_key(name)));
    // What the pages show can be asked for.
    let help = text(&stalemap(elsewhere().path(), &["check", "--help"]).stdout);
    assert!(help.contains("--baseline") && help.contains("--kernel"), "{help}");
}

//! `completions` and `man`: the command line for a shell, and as a manual page.

use clap::CommandFactory;

use super::{Exit, Report, Result, Stop};
use crate::cli::{Cli, ManArgs};
use crate::scenario::nearest;

/// The script that completes the command line in a shell.
pub(super) fn completions(shell: clap_complete::Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "stalemap", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The page of the program, or of one of its commands.
pub(super) fn man(args: &ManArgs) -> Result<Report> {
    let mut all = Cli::command().disable_help_subcommand(true);
    all.build();
    let page = render(&named(&all, &args.command)?);
    let page = page.map_err(|error| Stop::other(format!("the page cannot be made: {error}")))?;
    Ok(Report::of(page, Exit::Expected))
}

/// A command by its names, from the outside in. Its page is called after all of them.
fn named(all: &clap::Command, names: &[String]) -> Result<clap::Command> {
    let mut found = all;
    for name in names {
        let known = || found.get_subcommands().map(clap::Command::get_name);
        found = found.find_subcommand(name).ok_or_else(|| {
            let hint = match (nearest(name, known()), known().next()) {
                (Some(near), _) => format!("did you mean `{near}`?"),
                (None, None) => format!("`{}` has none", found.get_name()),
                (None, Some(_)) => format!("there are {}", known().collect::<Vec<_>>().join(", ")),
            };
            Stop::other(format!("there is no command `{name}`; {hint}"))
        })?;
    }
    Ok(found.clone())
}

/// A page in the language of man(7).
fn render(command: &clap::Command) -> std::io::Result<String> {
    let mut page = Vec::new();
    // By itself the page would name the last word of the command as what it belongs to.
    let source = format!("stalemap {}", command.get_version().unwrap_or_default());
    clap_mangen::Man::new(command.clone()).source(source).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

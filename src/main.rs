//! The command `stalemap`: parses the command line, prints, and exits with the right code.

#![forbid(unsafe_code)]

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use clap::FromArgMatches;
use stalemap::cli::Cli;
use stalemap::commands::{self, Exit};
// What it is for is the static in it.
use stalemap_allocator as _;

fn main() -> ExitCode {
    let mut parser = commands::parser();
    let parsed = parser.try_get_matches_from_mut(std::env::args_os());
    let parsed = parsed.and_then(|parsed| Cli::from_arg_matches(&parsed));
    let cli = match parsed.map_err(|said| said.format(&mut parser)) {
        Ok(cli) => cli,
        Err(said) => return not_run(&said),
    };
    cli.color.choice().write_global();
    let levels = match cli.verbose {
        0 => "off",
        1 => "info",
        _ => "debug",
    };
    let filter = std::env::var("RUST_LOG").ok().filter(|filter| !filter.is_empty());
    if filter.is_some() || cli.verbose > 0 {
        let logging = tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_ansi(anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never)
            .with_env_filter(filter.as_deref().unwrap_or(levels))
            .try_init();
        if let Err(error) = logging {
            eprintln!("RUST_LOG: {error}");
        }
    }
    let mut stdout = anstream::stdout().lock();
    let report = commands::run(&cli, &mut stdout);
    let _ = write!(anstream::stderr(), "{}", report.errors);
    let written = stdout.write_all(report.results.as_bytes()).and_then(|()| stdout.flush());
    exit(written, report.exit as u8)
}

/// What the command line asks for instead of a command, help or the version, or what is wrong with it.
fn not_run(said: &clap::Error) -> ExitCode {
    let written = said.print().and_then(|()| std::io::stdout().flush());
    exit(written, u8::try_from(said.exit_code()).unwrap_or(Exit::BadInput as u8))
}

/// How it ends, unless what it says could not be written.
fn exit(written: std::io::Result<()>, code: u8) -> ExitCode {
    match written {
        // Whoever closed the pipe has seen enough.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let _ = writeln!(anstream::stderr(), "error: cannot write the results: {error}");
            ExitCode::from(Exit::BadInput as u8)
        }
        _ => ExitCode::from(code),
    }
}

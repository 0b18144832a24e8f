//! `kernels`: which releases verdicts can be about, and in which fields they differ.

use stalemap_model::words::kernel_version::KernelVersion;

use super::{Exit, Report, Result};
use crate::cli::{KernelsArgs, KernelsFormat};
use crate::input::InputError;
use crate::report::kernels;

pub(super) fn command(args: &KernelsArgs) -> Result<Report> {
    let named = args.kernels.iter().map(|name| kernel(name)).collect::<Result<Vec<_>>>()?;
    let text = match (args.format, &named[..]) {
        (KernelsFormat::Markdown, []) => kernels::page(),
        (KernelsFormat::Markdown, _) => {
            let problem = "the page is of all kernels: leave their names out, or take another format";
            return Err(vec![InputError::Other(problem.to_owned())]);
        }
        (KernelsFormat::Text, []) => kernels::list(),
        (KernelsFormat::Text, [one]) => kernels::values(*one),
        (KernelsFormat::Text, [from, to, ..]) => kernels::differences(*from, *to),
        (KernelsFormat::Json, []) => kernels::json(KernelVersion::ALL),
        (KernelsFormat::Json, some) => kernels::json(some),
    };
    Ok(Report::of(text, Exit::Expected))
}

fn kernel(name: &str) -> Result<KernelVersion> {
    KernelVersion::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = KernelVersion::ALL.iter().map(|kernel| kernel.name()).collect();
        vec![InputError::Other(format!("there is no kernel `{name}`; there are {}", known.join(", ")))]
    })
}

//! `kernels`: which releases verdicts can be about, and in which fields they differ.

use stalemap_model::words::kernel_version::KernelVersion;

use super::{Exit, Report, Result, Stop, columns};
use crate::cli::{KernelsArgs, KernelsFormat};
use crate::kernel_name;
use crate::report::kernels;
use crate::wrap::broken;

pub(super) fn command(args: &KernelsArgs) -> Result<Report> {
    let named = args.kernels.iter().map(|name| kernel_name::kernel(name)).collect::<Result<Vec<_>, _>>();
    let named = named.map_err(Stop::other)?;
    let text = match (args.format, &named[..]) {
        (KernelsFormat::Markdown, []) => kernels::page(),
        (KernelsFormat::Markdown, _) => {
            let problem = "the page is of all kernels: leave their names out, or take another format";
            return Err(Stop::other(problem));
        }
        (KernelsFormat::Text, []) => kernels::list(columns()),
        (KernelsFormat::Text, [one]) => broken(&kernels::values(*one), columns()),
        (KernelsFormat::Text, [from, to, ..]) => broken(&kernels::differences(*from, *to), columns()),
        (KernelsFormat::Json, []) => kernels::json(KernelVersion::ALL),
        (KernelsFormat::Json, some) => kernels::json(some),
    };
    Ok(Report::of(text, Exit::Expected))
}

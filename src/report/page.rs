//! What every page has: one file that needs nothing else, to be opened from disk, mailed or printed.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// A page. The script is run once the body is there.
pub(super) fn document(title: &str, style: &str, body: &Markup, script: &str) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content={ "stalemap " (env!("CARGO_PKG_VERSION")) };
                link rel="icon" href="data:,";
                title { (title) " - stalemap" }
                style { (PreEscaped(style)) }
            }
            body {
                (body)
                script { (PreEscaped(script)) }
            }
        }
    };
    page.into_string()
}

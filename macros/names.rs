//! Names of modules and tests, from those of files and designs.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span};

/// Those that are taken.
#[derive(Default)]
pub(crate) struct Names(BTreeSet<String>);

impl Names {
    /// A name like this one that is not taken: `t1-b` is `t1_b`, and the second of that name `t1_b_2`.
    pub(crate) fn unique(&mut self, like: &str) -> Ident {
        let plain = identifier(like);
        let mut name = plain.clone();
        let mut number = 1;
        while !self.0.insert(name.clone()) {
            number += 1;
            name = format!("{plain}_{number}");
        }
        Ident::new(&name, Span::call_site())
    }
}

fn identifier(text: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    let mut name: String = text.chars().map(letter).collect();
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        name.insert(0, '_');
    }
    if syn::parse_str::<Ident>(&name).is_err() {
        // A keyword, or nothing but `_`.
        name.push('_');
    }
    name
}

//! `stalemap::scenario_tests!`, the part that has to run in the compiler: it finds the files of a folder and writes a test
//! for each and each design that its `[expect]` names.
//!
//! Invariants: of a file it knows its name and the keys of `[expect]`. What a scenario means, whether it is right, and what
//! comes of it is for the tests that it writes, which call `stalemap::testing`. A file that cannot be read that far has one
//! test, which fails and says why.

#![forbid(unsafe_code)]

mod files;
mod names;

use std::collections::BTreeMap;
use std::path::Path;

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::quote;
use syn::LitStr;

use crate::files::{File, scenarios};
use crate::names::Names;

/// Called by `stalemap::scenario_tests!`, with a path to the crate `stalemap` in braces before the folder.
#[proc_macro]
pub fn scenario_tests(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(input.into()).unwrap_or_else(|error| error.to_compile_error()).into()
}

fn expand(input: TokenStream) -> syn::Result<TokenStream> {
    let mut input = input.into_iter();
    let Some(TokenTree::Group(stalemap)) = input.next() else {
        return Err(syn::Error::new(
            proc_macro2::Span::call_site(),
            "this is called by `stalemap::scenario_tests!`",
        ));
    };
    let stalemap = stalemap.stream();
    let folder: LitStr = syn::parse2(input.collect()).map_err(|error| {
        syn::Error::new(error.span(), "expected one folder: `stalemap::scenario_tests!(\"scenarios/\")`")
    })?;
    let problem = |problem: String| syn::Error::new(folder.span(), problem);
    let root = std::env::var("CARGO_MANIFEST_DIR")
        .map_err(|_| problem("CARGO_MANIFEST_DIR is not set: cargo does that".to_owned()))?;
    let files = scenarios(Path::new(&root), &folder.value()).map_err(problem)?;
    let mut top = Module::default();
    for file in &files {
        top.at(file).push(tests(&stalemap, file));
    }
    let (modules, listed) = (top.modules(), files.iter().map(|file| file.name.as_str()));
    Ok(quote! {
        #modules

        /// A file that was added after this was compiled has no test yet.
        #[cfg(test)]
        #[test]
        fn every_scenario_has_its_tests() {
            #stalemap::testing::assert_complete(::core::env!("CARGO_MANIFEST_DIR"), #folder, &[#(#listed),*]);
        }
    })
}

/// The tests of a file: one for each design.
fn tests(stalemap: &TokenStream, file: &File) -> TokenStream {
    let File { name, path, designs, .. } = file;
    let source = quote!(::core::include_bytes!(#path));
    if designs.is_empty() {
        return quote! {
            #[test]
            fn expects_something() {
                #stalemap::testing::assert_expects_something(#name, #source);
            }
        };
    }
    let mut names = Names::default();
    let tests = designs.iter().map(|design| {
        let test = names.unique(design);
        quote! {
            #[test]
            fn #test() {
                #stalemap::testing::assert_as_expected(#name, #source, #design);
            }
        }
    });
    quote!(#(#tests)*)
}

/// A folder, as a module: its folders and files are modules in it.
#[derive(Default)]
struct Module {
    folders: BTreeMap<String, (Ident, Module)>,
    files: Vec<(Ident, Vec<TokenStream>)>,
    names: Names,
}

impl Module {
    /// The contents of the module that a file becomes.
    fn at(&mut self, file: &File) -> &mut Vec<TokenStream> {
        let mut module = self;
        for folder in &file.folders {
            let names = &mut module.names;
            let inner = module.folders.entry(folder.clone());
            module = &mut inner.or_insert_with(|| (names.unique(folder), Module::default())).1;
        }
        let name = module.names.unique(&file.stem);
        module.files.push((name, Vec::new()));
        let last = module.files.len() - 1;
        &mut module.files[last].1
    }

    fn modules(&self) -> TokenStream {
        let folders = self.folders.values().map(|(name, module)| (name, module.modules()));
        let files = self.files.iter().map(|(name, tests)| (name, quote!(#(#tests)*)));
        let modules = folders.chain(files).map(|(name, contents)| {
            quote! {
                #[cfg(test)]
                #[allow(non_snake_case)]
                mod #name { #contents }
            }
        });
        quote!(#(#modules)*)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(input: TokenStream) -> String {
        expand(input).expect_err("it is wrong").to_string()
    }

    #[test]
    fn what_is_no_folder_of_scenarios_is_an_error_that_says_why() {
        assert!(refused(quote!({ stalemap })).starts_with("expected one folder"));
        assert!(refused(quote!({ stalemap } folder)).starts_with("expected one folder"));
        assert!(refused(quote!({ stalemap } "a", "b")).starts_with("expected one folder"));
        assert!(refused(quote!({ stalemap } "no-such-folder/")).contains("macros/no-such-folder/"));
        assert!(
            refused(quote!({ stalemap } "../explore/tests"))
                .ends_with("explore/tests contains no scenario (*.toml)")
        );
    }

    #[test]
    fn files_of_one_name_are_modules_of_two() {
        let mut names = Names::default();
        let names = ["t1-b", "t1.b", "1", "match", "_", "ü"].map(|name| names.unique(name).to_string());
        assert_eq!(names, ["t1_b", "t1_b_2", "_1", "match_", "__", "___2"]);
    }
}

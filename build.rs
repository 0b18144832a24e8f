//! The scenarios and the claims are compiled in; a file that is added has to be noticed.

fn main() {
    println!("cargo::rerun-if-changed=scenarios");
    println!("cargo::rerun-if-changed=claims");
}

//! stalemap
fn main() {}

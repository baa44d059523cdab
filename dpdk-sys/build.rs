//! Placeholder until the bindings land.
fn main() {}

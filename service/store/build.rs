//! A migration that was added is compiled in.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}

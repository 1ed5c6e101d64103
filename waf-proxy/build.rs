//! The built-in rules are part of the binary: a new file among them must lead to a new one.

fn main() {
    println!("cargo::rerun-if-changed=../rules");
}

//! The bare server as a program, for clients that are not Rust: it answers every request with the bytes of a file.
//!
//! It prints its address as its first line, and ends with its standard input.

// Its set-up is the benchmark's: what is wrong there ends it with a panic.
#![allow(clippy::unwrap_used, clippy::disallowed_types, clippy::disallowed_methods, missing_docs, dead_code)]

#[path = "../benches/bare/mod.rs"]
mod bare;

use std::io::Read;

fn main() {
    let file = std::env::args().nth(1).expect("the file with the answer is the only argument");
    let answer = std::fs::read(&file).expect("the file can be read");
    println!("http://{}/", bare::serve(answer));
    // Whoever started it holds the other end.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

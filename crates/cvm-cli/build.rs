//! Packs the catalogue: as a text it would be a twentieth of the program.

use std::path::Path;
use std::{env, fs};

const CATALOGUE: &str = "src/catalogue/api.json";

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={CATALOGUE}");
    // Its lines are for people; no text in it goes over one.
    let text: String = fs::read_to_string(CATALOGUE)?.lines().map(str::trim_start).collect();
    let packed = miniz_oxide::deflate::compress_to_vec(text.as_bytes(), 9);
    let folder = env::var_os("OUT_DIR").ok_or_else(|| std::io::Error::other("cargo sets OUT_DIR"))?;
    fs::write(Path::new(&folder).join("api.json.deflate"), packed)
}

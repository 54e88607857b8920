//! Puts the built page (`ui/dist`) into the binary: a table of its files, each beside what it is compressed.
//! Without a built page the table is empty, and the server says how to build one.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../ui/dist");
    println!("cargo:rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    if root.is_dir() {
        collect(&root, &mut files)?;
    }
    files.sort();
    let mut table = String::from("&[\n");
    for file in &files {
        let Some(path) = file.strip_prefix(&root).ok().and_then(Path::to_str) else {
            continue;
        };
        let include = |file: &Path| format!("include_bytes!({:?})", file.display().to_string());
        let compressed = |suffix: &str| {
            let other = PathBuf::from(format!("{}{suffix}", file.display()));
            match files.binary_search(&other) {
                Ok(_) => format!("Some({})", include(&other)),
                Err(_) => "None".to_owned(),
            }
        };
        let hidden = path.starts_with('.');
        if hidden || path.ends_with(".br") || path.ends_with(".gz") {
            continue;
        }
        let path = path.replace('\\', "/");
        let (plain, brotli, gzip) = (include(file), compressed(".br"), compressed(".gz"));
        let _ = writeln!(
            table,
            "File {{ path: {path:?}, plain: {plain}, brotli: {brotli}, gzip: {gzip} }},"
        );
    }
    table.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("page_files.rs"), table)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

//! Lays out headers that are AWS-LC's, and in `evp.h` the part of OpenSSL 3 that SQLCipher needs beside them.

use std::fs::{self, File};
use std::io::{Result, Write as _};
use std::path::{Path, PathBuf};

const ADDITION: &str = "evp_mac.h";

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed={ADDITION}");
    let include = PathBuf::from(variable("OUT_DIR")).join("include");
    copy_folder(&aws_lc_headers(), &include)?;
    let headers = include.join("openssl");
    fs::copy(ADDITION, headers.join(ADDITION))?;
    let mut evp = File::options().append(true).open(headers.join("evp.h"))?;
    writeln!(evp, "#include <openssl/{ADDITION}>")?;
    // libsqlite3-sys reads it as DEP_OPENSSL_INCLUDE.
    println!("cargo::metadata=include={}", include.display());
    Ok(())
}

/// Where aws-lc-sys says that its headers are; its variable's name has its version in it.
fn aws_lc_headers() -> PathBuf {
    let (_, path) = std::env::vars()
        .find(|(name, _)| name.starts_with("DEP_AWS_LC_") && name.ends_with("_INCLUDE"))
        .expect("aws-lc-sys tells where its headers are");
    path.into()
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::write(target, fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

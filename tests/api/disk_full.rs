//! A full disk is a clear error, and nothing that was acknowledged is lost.

use std::io::Read as _;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use settee::database::{Concurrency, Database, DatabaseOptions, SaveList};

use super::support::{default, doc_id, save};

const CHILD: &str = "SETTEE_TEST_FULL_DIRECTORY";

/// Not a test of its own: fills the small disk that it is given.
#[test]
fn child_filler() {
    let Some(directory) = std::env::var_os(CHILD) else {
        return;
    };
    let directory = Path::new(&directory);
    let database = Database::open("db", &DatabaseOptions::in_directory(directory)).unwrap();
    let body = format!(r#"{{"x":"{}"}}"#, "y".repeat(3_000));
    let (sender, receiver) = std::sync::mpsc::channel();
    // Some alone, some in groups, some in lists.
    let mut acknowledged = Vec::new();
    let mut failures = Vec::new();
    for n in 0..3_000 {
        let id = doc_id(&format!("d{n}"));
        if n % 3 == 0 {
            match database.write(|tx| save(tx, &id, &body)) {
                Ok(_) => acknowledged.push(n),
                Err(error) => failures.push(error),
            }
        } else if n % 3 == 1 {
            let mut list = SaveList::default();
            for part in 0..3 {
                list.push(Some(&format!("d{}", n + part * 10_000)), &body);
            }
            let (sender, rule) = (sender.clone(), Concurrency::LastWriteWins);
            database.submit_saves(default(), list, rule, move |results| {
                for (part, result) in (0..).zip(results) {
                    sender.send((n + part * 10_000, result)).unwrap();
                }
            });
        } else {
            let (sender, body) = (sender.clone(), body.clone());
            database.submit_write(
                body.len(),
                move |tx| save(tx, &id, &body),
                move |result| sender.send((n, result)).unwrap(),
            );
        }
    }
    drop(sender);
    for (n, result) in receiver {
        match result {
            Ok(_) => acknowledged.push(n),
            Err(error) => failures.push(error),
        }
    }
    assert!(!acknowledged.is_empty() && !failures.is_empty());
    for failure in &failures {
        assert_eq!(
            (failure.domain(), failure.code() & 0xff),
            ("CouchbaseLite.SQLite", 13),
            "{failure}"
        );
    }
    let mut writer = database.blob_writer().unwrap();
    let blob = writer
        .write(&vec![7; 10_000_000])
        .and_then(|()| writer.finish(None, None));
    assert_eq!(blob.unwrap_err().code(), 13);
    let mut source = std::io::repeat(7).take(10_000_000);
    let blob = database.store_blob_from(|buffer| Ok(source.read(buffer)?));
    assert_eq!(blob.unwrap_err().code(), 13);

    let check = |database: &Database| {
        database
            .read(|tx| {
                for n in &acknowledged {
                    let found = tx.document(&default(), &doc_id(&format!("d{n}")))?;
                    assert!(found.is_some(), "d{n} is lost");
                }
                assert_eq!(tx.count(&default())?, acknowledged.len() as u64);
                Ok(())
            })
            .unwrap();
    };
    check(&database);
    // Room again: everything goes on.
    std::fs::remove_file(directory.join("ballast")).unwrap();
    database
        .write(|tx| save(tx, &doc_id("more"), "{}"))
        .unwrap();
    database
        .write(|tx| tx.purge(&default(), &doc_id("more")))
        .unwrap();
    check(&database);
    database.close().unwrap();
    let database = Database::open("db", &DatabaseOptions::in_directory(directory)).unwrap();
    check(&database);
    println!("filled");
    std::io::stdout().flush().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    // A disk of its own, seen by the child alone.
    let script = "mount -t tmpfs -o size=8m tmpfs \"$1\" || exit 77; \
         head -c 4000000 /dev/zero > \"$1/ballast\"; exec \"$2\" --exact disk_full::child_filler --nocapture";
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", script, "sh"])
        .arg(directory.path())
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, directory.path())
        .stdin(Stdio::null())
        .output();
    let Ok(output) = output else {
        println!("skipped: no unshare here");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(77) || errors.contains("unshare failed") {
        println!("skipped: may not mount here");
        return;
    }
    assert!(text.contains("filled"), "{text}\n{errors}");
}

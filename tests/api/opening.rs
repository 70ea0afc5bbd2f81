//! Opening, closing, deleting, and what is refused.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use settee::database::{Database, DatabaseOptions};
use settee::error::Code;

use super::support::{Fixture, default, doc_id, options, save};

const CHILD: &str = "SETTEE_TEST_OPEN_DIRECTORY";

/// Not a test of its own: a process that opens the database and tells how that went.
#[test]
fn child_opener() {
    let Some(directory) = std::env::var_os(CHILD) else {
        return;
    };
    let mut out = std::io::stdout();
    match Database::open("db", &DatabaseOptions::in_directory(directory)) {
        Ok(_database) => {
            writeln!(out, "opened").unwrap();
            out.flush().unwrap();
            // Until the parent has seen enough.
            let _ = std::io::stdin().lines().next();
        }
        Err(error) => writeln!(out, "failed {} {error}", error.code()).unwrap(),
    }
}

fn child(directory: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "opening::child_opener", "--nocapture"])
        .env(CHILD, directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

fn says(lines: impl Iterator<Item = std::io::Result<String>>) -> String {
    lines
        .map_while(Result::ok)
        .find(|line| line.starts_with("opened") || line.starts_with("failed"))
        .unwrap()
}

#[test]
fn a_second_process_gets_busy_with_the_name_of_the_database() {
    let fixture = Fixture::new();
    let mut second = child(fixture.directory.path()).spawn().unwrap();
    let line = says(BufReader::new(second.stdout.take().unwrap()).lines());
    assert!(line.starts_with("failed 16 "), "{line}");
    assert!(line.contains("db.cblite2"), "{line}");
    second.wait().unwrap();

    fixture.database.close().unwrap();
    let mut second = child(fixture.directory.path()).spawn().unwrap();
    let line = says(BufReader::new(second.stdout.take().unwrap()).lines());
    assert_eq!(line, "opened");
    let refused = Database::open("db", &options(&fixture.directory)).unwrap_err();
    assert!(refused.is(Code::Busy));
    let refused = Database::delete_at("db", Some(fixture.directory.path())).unwrap_err();
    assert!(refused.is(Code::Busy));
    second.kill().unwrap();
    second.wait().unwrap();
    let _database = Database::open("db", &options(&fixture.directory)).unwrap();
}

#[test]
fn handles_of_one_process_share_one_database() {
    let fixture = Fixture::new();
    let second = Database::open("db", &options(&fixture.directory)).unwrap();
    second.write(|tx| save(tx, &doc_id("a"), "{}")).unwrap();
    assert!(fixture.get("a").is_some());
    assert!(fixture.database.delete().unwrap_err().is(Code::Busy));
    second.close().unwrap();
    assert!(!second.is_open());
    assert!(fixture.database.is_open());
    fixture.save("b", "{}");
    fixture.database.delete().unwrap();
    assert!(!Database::exists("db", Some(fixture.directory.path())));
    assert!(fixture.database.delete().unwrap_err().is(Code::NotOpen));
}

#[test]
fn delete_and_exists_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let at = Some(directory.path());
    Database::delete_at("db", at).unwrap();
    assert!(!Database::exists("db", at));
    let database = Database::open("db", &options(&directory)).unwrap();
    assert!(database.path().ends_with("db.cblite2"));
    assert!(Database::exists("db", at));
    assert!(Database::delete_at("db", at).unwrap_err().is(Code::Busy));
    database.close().unwrap();
    Database::delete_at("db", at).unwrap();
    assert!(!Database::exists("db", at));
    assert!(!directory.path().join("db.cblite2").exists());
    assert!(Database::open("../db", &options(&directory)).is_err());
    assert!(!Database::exists("../db", at));
}

#[test]
fn close_hooks_run_once_before_the_end() {
    let fixture = Fixture::new();
    let ran = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&ran);
    let database = fixture.database.clone();
    fixture.database.on_close(Box::new(move || {
        // Still open: a replicator saves its checkpoint here.
        database
            .write(|tx| save(tx, &doc_id("last"), "{}"))
            .unwrap();
        counter.fetch_add(1, Ordering::Relaxed);
    }));
    let counter = Arc::clone(&ran);
    let removed = fixture.database.on_close(Box::new(move || {
        counter.fetch_add(100, Ordering::Relaxed);
    }));
    fixture.database.remove_close_hook(removed);
    fixture.database.close().unwrap();
    fixture.database.close().unwrap();
    assert_eq!(ran.load(Ordering::Relaxed), 1);
    let mut fixture = fixture;
    fixture.reopen();
    assert!(fixture.get("last").is_some());
}

#[test]
fn closing_leaves_one_file_and_no_log() {
    let fixture = Fixture::new();
    fixture.save("a", "{}");
    let folder = fixture.database.path().to_owned();
    fixture.database.close().unwrap();
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["settee.lock", "settee.sqlite3"]);
}

#[test]
fn a_folder_of_couchbase_lite_itself_is_never_touched() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("db.cblite2");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("db.sqlite3"), b"theirs").unwrap();
    let error = Database::open("db", &options(&directory)).unwrap_err();
    assert!(error.is(Code::WrongFormat), "{error}");
    assert!(error.message().contains("Couchbase Lite"));
    assert!(!Database::exists("db", Some(directory.path())));
    assert!(Database::delete_at("db", Some(directory.path())).is_err());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn what_is_no_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("db.cblite2");
    let refused = |what: &str| {
        let error = Database::open("db", &options(&directory)).unwrap_err();
        assert!(error.is(Code::NotADatabaseFile), "{what}: {error}");
        assert!(error.message().contains("db.cblite2"), "{what}: {error}");
    };
    fs::write(&folder, b"a file").unwrap();
    refused("a file in the folder's place");
    fs::remove_file(&folder).unwrap();

    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("holiday.jpg"), b"x").unwrap();
    refused("somebody's folder");
    fs::remove_file(folder.join("holiday.jpg")).unwrap();

    let file = folder.join("settee.sqlite3");
    fs::write(&file, vec![b'x'; 10_000]).unwrap();
    refused("garbage");
    assert_eq!(fs::read(&file).unwrap(), vec![b'x'; 10_000]);
}

#[test]
fn a_newer_schema_and_a_foreign_sqlite_file_are_refused() {
    let mut fixture = Fixture::new();
    fixture.save("a", "{}");
    let file = fixture.database.path().join("settee.sqlite3");
    fixture.database.close().unwrap();
    // `PRAGMA user_version` and `application_id` live at fixed places of the header.
    let patch = |at: usize, value: [u8; 4]| {
        let mut bytes = fs::read(&file).unwrap();
        let old: [u8; 4] = bytes[at..at + 4].try_into().unwrap();
        bytes[at..at + 4].copy_from_slice(&value);
        fs::write(&file, bytes).unwrap();
        old
    };
    let version = patch(60, 99_u32.to_be_bytes());
    let error = Database::open("db", &options(&fixture.directory)).unwrap_err();
    assert!(error.is(Code::DatabaseTooNew), "{error}");
    assert!(error.message().contains("99"), "{error}");
    patch(60, version);
    let ours = patch(68, [0; 4]);
    let error = Database::open("db", &options(&fixture.directory)).unwrap_err();
    assert!(
        error.is(Code::DatabaseTooOld) || error.is(Code::NotADatabaseFile),
        "{error}"
    );
    patch(68, ours);
    fixture.reopen();
    assert!(fixture.get("a").is_some());
}

#[cfg(unix)]
#[test]
fn a_read_only_folder_is_told_apart() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;

    let fixture = Fixture::new();
    fixture.save("a", "{}");
    let folder = fixture.database.path().to_owned();
    fixture.database.close().unwrap();
    let set = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    for name in ["settee.lock", "settee.sqlite3"] {
        set(&folder.join(name), 0o444);
    }
    set(&folder, 0o555);
    set(fixture.directory.path(), 0o755);
    let mut command = child(fixture.directory.path());
    command.stdin(Stdio::null());
    // Root may write anywhere: be somebody else.
    let am_root = fs::metadata("/proc/self").is_ok_and(|me| {
        use std::os::unix::fs::MetadataExt as _;
        me.uid() == 0
    });
    if am_root {
        // That somebody must be able to read the test binary.
        let copy = fixture.directory.path().join("test-binary");
        fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
        set(&copy, 0o755);
        let mut other = Command::new(&copy);
        other
            .args(["--exact", "opening::child_opener", "--nocapture"])
            .env(CHILD, fixture.directory.path())
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .uid(65_534);
        command = other;
    }
    // A test that forks just now may still hold the copy open for writing.
    let output = (0..100)
        .find_map(|_| {
            let output = command.output();
            if output.is_err() {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            output.ok()
        })
        .unwrap();
    let line = says(BufReader::new(output.stdout.as_slice()).lines());
    set(&folder, 0o755);
    assert!(line.starts_with("failed 14 "), "{line}");
    assert!(line.contains("db.cblite2"), "{line}");
}

#[test]
fn an_interrupted_creation_is_no_obstacle() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("db.cblite2");
    fs::create_dir_all(folder.join("Attachments")).unwrap();
    fs::write(folder.join("settee.lock"), b"").unwrap();
    fs::write(folder.join("settee.sqlite3"), b"").unwrap();
    let database = Database::open("db", &options(&directory)).unwrap();
    assert_eq!(database.read(|tx| tx.count(&default())).unwrap(), 0);
}

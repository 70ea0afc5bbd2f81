use std::fs;
use std::path::Path;

use super::*;

fn config(directory: &Path, level: LogLevel) -> FileLogConfig {
    FileLogConfig {
        level,
        directory: directory.to_owned(),
        max_rotate_count: FileLogConfig::DEFAULT_MAX_ROTATE_COUNT,
        max_size: FileLogConfig::DEFAULT_MAX_SIZE,
    }
}

/// Names of the files of a level, oldest first.
fn names(directory: &Path, level: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(&format!("cbl_{level}_")))
        .collect();
    names.sort_unstable();
    names
}

fn text(directory: &Path, level: &str) -> String {
    let files = names(directory, level).into_iter();
    files
        .map(|name| fs::read_to_string(directory.join(name)).unwrap())
        .collect()
}

/// Sinks with a subscriber for this thread; the console is off.
fn with_logging(run: impl FnOnce(&Logging)) {
    let logging = Arc::new(Logging::new());
    logging.set_console(&[], LogLevel::None);
    let layer = LogLayer(Arc::clone(&logging));
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, || run(&logging));
}

#[test]
fn a_message_goes_to_the_series_of_its_level_alone() {
    let folder = tempfile::tempdir().unwrap();
    with_logging(|logging| {
        logging
            .set_files(&config(folder.path(), LogLevel::Info))
            .unwrap();
        tracing::debug!(target: "database", "too fine");
        tracing::info!(target: "listener", port = 4984, "started");
        tracing::error!(target: "query", error = "no such table", "failed");
        tracing::error!(target: "someone_else", "not ours");
    });
    assert!(names(folder.path(), "verbose").is_empty());
    let info = text(folder.path(), "info");
    assert!(
        info.ends_with("Z [NETWORK] info: started port=4984\n"),
        "{info}"
    );
    let error = text(folder.path(), "error");
    assert!(error.ends_with("[QUERY] error: failed error=\"no such table\"\n"));
    assert_eq!(error.lines().count(), 2);
    assert_eq!(text(folder.path(), "warning").lines().count(), 1);
}

#[test]
fn level_none_ends_the_files_and_keeps_them() {
    let folder = tempfile::tempdir().unwrap();
    with_logging(|logging| {
        logging
            .set_files(&config(folder.path(), LogLevel::Debug))
            .unwrap();
        tracing::trace!(target: "network", "frame");
        logging
            .set_files(&config(folder.path(), LogLevel::None))
            .unwrap();
        tracing::error!(target: "network", "late");
    });
    assert!(text(folder.path(), "debug").contains("[NETWORK] debug: frame"));
    assert!(!text(folder.path(), "error").contains("late"));
}

#[test]
fn the_same_setting_again_begins_no_file() {
    let folder = tempfile::tempdir().unwrap();
    with_logging(|logging| {
        let config = config(folder.path(), LogLevel::Error);
        logging.set_files(&config).unwrap();
        let before = names(folder.path(), "error");
        logging.set_files(&config).unwrap();
        assert_eq!(names(folder.path(), "error"), before);
    });
}

#[test]
fn files_rotate_by_size_and_the_oldest_go() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), LogLevel::Error);
    config.max_size = 200;
    config.max_rotate_count = 2;
    let mut file = log_file::LogFile::open(&config, LogLevel::Error).unwrap();
    for number in 0..100 {
        file.write(format!("line {number:03} {}\n", "x".repeat(50)).as_bytes());
    }
    let names = names(folder.path(), "error");
    assert_eq!(names.len(), 3);
    for name in &names {
        assert!(fs::metadata(folder.path().join(name)).unwrap().len() <= 200);
    }
    let text = text(folder.path(), "error");
    assert!(
        text.contains("line 099") && !text.contains("line 000"),
        "{text}"
    );
}

#[test]
fn a_line_longer_than_a_file_has_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), LogLevel::Error);
    config.max_size = 1;
    config.max_rotate_count = 0;
    let mut file = log_file::LogFile::open(&config, LogLevel::Error).unwrap();
    for number in 0..20 {
        file.write(format!("line {number}\n").as_bytes());
    }
    assert_eq!(names(folder.path(), "error").len(), 1);
    assert!(text(folder.path(), "error").ends_with("----\nline 19\n"));
}

#[test]
fn files_of_earlier_runs_count_and_those_of_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), LogLevel::Error);
    // The third is from a clock that went wrong: later names still sort behind it.
    for time in ["1", "22", "99999999999999"] {
        fs::write(
            folder.path().join(format!("cbl_error_{time}.cbllog")),
            "old",
        )
        .unwrap();
    }
    let foreign = ["cbl_error_007.cbllog", "cbl_error_.cbllog", "notes.txt"];
    for name in foreign {
        fs::write(folder.path().join(name), "mine").unwrap();
    }
    drop(log_file::LogFile::open(&config, LogLevel::Error).unwrap());
    let mut left: Vec<String> = names(folder.path(), "error");
    left.retain(|name| !foreign.contains(&name.as_str()));
    left.sort_unstable_by_key(String::len);
    assert_eq!(
        left,
        [
            "cbl_error_99999999999999.cbllog",
            "cbl_error_100000000000000.cbllog"
        ]
    );
    for name in foreign {
        assert!(folder.path().join(name).exists());
    }
}

#[test]
fn a_folder_that_goes_away_loses_lines_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("logs");
    let mut config = config(&directory, LogLevel::Error);
    config.max_size = 100;
    let mut sink = FileSink::open(&config).unwrap();
    fs::remove_dir_all(&directory).unwrap();
    for _ in 0..10 {
        sink.write(LogLevel::Error, &[b'x'; 60]);
    }
    fs::create_dir(&directory).unwrap();
    sink.write(LogLevel::Error, b"back\n");
    assert!(text(&directory, "error").ends_with("----\nback\n"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_lines_and_nothing_else() {
    // Every write to this device fails with "no space left".
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), LogLevel::Error);
    let mut file = log_file::LogFile::open(&config, LogLevel::Error).unwrap();
    file.replace_open_file(
        fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap(),
    );
    for _ in 0..3 {
        file.write(b"lost\n");
    }
    assert_eq!(names(folder.path(), "error").len(), 1);
}

#[test]
fn a_folder_that_cannot_be_made_is_refused_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    with_logging(|logging| {
        let error = logging.set_files(&config(&file.join("logs"), LogLevel::Info));
        assert!(error.unwrap_err().message().contains("file/logs"));
        tracing::error!(target: "network", "nowhere");
    });
}

#[test]
fn a_text_from_outside_cannot_make_a_line_or_a_long_one() {
    let folder = tempfile::tempdir().unwrap();
    with_logging(|logging| {
        logging
            .set_files(&config(folder.path(), LogLevel::Error))
            .unwrap();
        let hostile = "a\n2026-01-01 [NETWORK] error: forged\u{1b}[2J\u{2028}b";
        tracing::error!(target: "network", error = %hostile, "{hostile}");
        tracing::error!(target: "network", "{}", "é".repeat(10_000));
    });
    let text = text(folder.path(), "error");
    assert_eq!(text.lines().count(), 3);
    assert!(text.contains(r"a\n2026") && !text.contains('\u{1b}') && !text.contains('\u{2028}'));
    assert!(text.lines().all(|line| line.len() <= 4096));
}

#[test]
fn the_console_takes_the_domains_given_last() {
    let logging = Logging::new();
    assert!(logging.to_console(LogLevel::Warning, LogDomain::Query));
    assert!(!logging.to_console(LogLevel::Info, LogDomain::Query));
    logging.set_console(&[LogDomain::Database], LogLevel::Debug);
    logging.set_console(&[LogDomain::Network], LogLevel::Info);
    assert!(!logging.to_console(LogLevel::Error, LogDomain::Database));
    assert!(logging.to_console(LogLevel::Info, LogDomain::Network));
    assert!(!logging.to_console(LogLevel::Verbose, LogDomain::Network));
    logging.set_console(&LogDomain::ALL, LogLevel::None);
    assert!(!logging.to_console(LogLevel::Error, LogDomain::Network));
}

#[test]
fn numbers_are_those_of_the_api() {
    let levels: Vec<_> = (0..=6).map(LogLevel::from_number).collect();
    assert_eq!(levels[0], Some(LogLevel::Debug));
    assert_eq!(levels[3], Some(LogLevel::Warning));
    assert_eq!(levels[5], Some(LogLevel::None));
    assert_eq!(levels[6], None);
}

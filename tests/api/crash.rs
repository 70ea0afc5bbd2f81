//! A process that is killed at any moment loses nothing that was acknowledged (design D3).

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use settee::database::{Database, DatabaseOptions};

use super::support::{default, doc_id, save};

const CHILD: &str = "SETTEE_TEST_CRASH_DIRECTORY";

/// Not a test of its own: the writer that gets killed, when the variable is set.
#[test]
fn child_writer() {
    let Some(directory) = std::env::var_os(CHILD) else {
        return;
    };
    let database = Database::open("db", &DatabaseOptions::in_directory(directory)).unwrap();
    let start = database.read(|tx| tx.last_sequence(&default())).unwrap().0;
    let (sender, receiver) = std::sync::mpsc::channel();
    let mut out = std::io::stdout();
    for n in start.. {
        let sender = sender.clone();
        let id = doc_id(&format!("d{n}"));
        let filler = "x".repeat((n % 700) as usize);
        let body = format!(r#"{{"n":{n},"filler":"{filler}","end":{n}}}"#);
        if n % 5 == 0 {
            // Inline, alone.
            database.write(|tx| save(tx, &id, &body)).unwrap();
            sender.send(n).unwrap();
        } else {
            database.submit_write(
                body.len(),
                move |tx| save(tx, &id, &body),
                move |result| {
                    result.unwrap();
                    sender.send(n).unwrap();
                },
            );
        }
        for acknowledged in receiver.try_iter() {
            writeln!(out, "ack {acknowledged}").unwrap();
        }
        out.flush().unwrap();
    }
}

#[test]
fn every_acknowledged_write_survives_fifty_kills() {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..50_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::child_writer", "--nocapture"])
            .env(CHILD, directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reader = std::thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .filter_map(|line| line.strip_prefix("ack ")?.parse::<u64>().ok())
                .collect::<Vec<_>>()
        });
        // Anywhere between the first page and some thousand documents.
        std::thread::sleep(Duration::from_micros(3_000 + (round * 7_919_317) % 90_000));
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(reader.join().unwrap());

        let options = DatabaseOptions::in_directory(directory.path());
        let database = Database::open("db", &options).unwrap();
        database
            .read(|tx| {
                for n in &acknowledged {
                    let found = tx.document(&default(), &doc_id(&format!("d{n}")))?;
                    let body = found.unwrap_or_else(|| panic!("d{n} is lost")).body;
                    let filler = format!(r#""{}""#, "x".repeat((n % 700) as usize));
                    assert!(body.starts_with(format!(r#"{{"end":{n},"#).as_bytes()));
                    assert!(body.ends_with(format!(r#""n":{n}}}"#).as_bytes()));
                    assert!(body.windows(filler.len()).any(|w| w == filler.as_bytes()));
                }
                // No torn document among the unacknowledged either: all can be read.
                let last = tx.last_sequence(&default())?;
                assert_eq!(tx.count(&default())?, last.0);
                Ok(())
            })
            .unwrap();
        if round % 10 == 9 {
            // Enough seen of these.
            acknowledged.clear();
        }
        database.close().unwrap();
    }
}

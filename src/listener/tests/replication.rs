//! The whole way: two databases on disk, a replicator, TLS and Basic on a real socket.

use std::sync::Mutex;

use serde_json::json;

use super::*;
use crate::database::{Concurrency, Database, DatabaseOptions};
use crate::error::Result;
use crate::listener::{ListenerOptions, UrlEndpointListener};
use crate::model::{CollectionSpec, DocId};
use crate::replicator::{
    ActivityLevel, DocumentReplication, Replicator, ReplicatorConfig, ReplicatorObserver,
    ReplicatorStatus,
};

/// Remembers what a replicator reported.
#[derive(Default)]
struct Diary(Mutex<Vec<ReplicatorStatus>>);

impl ReplicatorObserver for Diary {
    fn status(&self, status: &ReplicatorStatus) {
        self.0.lock().unwrap().push(status.clone());
    }

    fn documents(&self, _: &DocumentReplication) {}
}

impl Diary {
    fn count(&self, level: ActivityLevel) -> usize {
        let diary = self.0.lock().unwrap();
        diary.iter().filter(|status| status.level == level).count()
    }

    async fn wait_for(&self, level: ActivityLevel, count: usize) {
        for _ in 0..3000 {
            if self.count(level) >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no {count} × {level:?} in {:?}", self.0.lock().unwrap());
    }
}

struct Desk {
    folder: tempfile::TempDir,
    database: Database,
}

impl Desk {
    fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = DatabaseOptions {
            directory: Some(folder.path().into()),
            ..DatabaseOptions::default()
        };
        let database = Database::open(name, &options).unwrap();
        Self { folder, database }
    }

    fn save(&self, prefix: &str, count: usize) {
        let collection = CollectionSpec::default_collection();
        self.database
            .write(|tx| {
                for number in 0..count {
                    let id = DocId::parse(format!("{prefix}-{number}"))?;
                    let body = format!(r#"{{"number":{number},"text":"{}"}}"#, "x".repeat(200));
                    let concurrency = Concurrency::LastWriteWins;
                    tx.save(
                        &collection,
                        Some(id),
                        body.as_bytes(),
                        Vec::new(),
                        concurrency,
                    )?;
                }
                Ok(())
            })
            .unwrap();
    }

    fn count(&self) -> u64 {
        let collection = CollectionSpec::default_collection();
        self.database.read(|tx| tx.count(&collection)).unwrap()
    }

    fn listener(&self, port: u16) -> UrlEndpointListener {
        let options = json!({
            "collections": [{"name": "_default", "scopeName": "_default"}],
            "port": port,
            "networkInterface": "127.0.0.1",
            "authenticatorConfig": {
                "type": "basic", "data": {"username": "anna", "password": "geheim"},
            },
        });
        let mut options = ListenerOptions::from_json(&options).unwrap();
        options.identity_folder = Some(self.folder.path().join("identities"));
        UrlEndpointListener::new(self.database.clone(), options, Handle::current()).unwrap()
    }

    fn replicator(&self, changes: serde_json::Value) -> Result<(Replicator, Arc<Diary>)> {
        let collection = json!({
            "name": "_default", "scopeName": "_default", "databaseName": "here",
        });
        let mut config = json!({
            "replicatorType": "PUSH_AND_PULL",
            "authenticator": {
                "type": "basic", "data": {"username": "anna", "password": "geheim"},
            },
            "collectionConfig": json!([
                {"collections": [{"collection": collection}], "config": {}},
            ])
            .to_string(),
        });
        for (name, value) in changes.as_object().unwrap() {
            config[name] = value.clone();
        }
        let resolve = |_: &str| Ok(self.database.clone());
        let (database, config) = ReplicatorConfig::from_json(&config, &resolve)?;
        let diary = Arc::new(Diary::default());
        let observer: Arc<dyn ReplicatorObserver> = diary.clone();
        Ok((
            Replicator::new(database, config, observer, Handle::current()),
            diary,
        ))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_databases_become_equal_over_tls_with_a_password() {
    let (here, there) = (Desk::new("here"), Desk::new("there db"));
    here.save("mine", 300);
    there.save("yours", 200);
    let listener = there.listener(0);
    let url = listener.start().await.unwrap().urls.remove(0);
    let (replicator, diary) = here.replicator(json!({"target": {"url": url}})).unwrap();
    replicator.start(false);
    diary.wait_for(ActivityLevel::Stopped, 1).await;
    assert_eq!(replicator.status().error, None);
    assert_eq!((here.count(), there.count()), (500, 500));
    listener.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_or_database_name_stops_for_good() {
    let (here, there) = (Desk::new("here"), Desk::new("there"));
    let listener = there.listener(0);
    let url = listener.start().await.unwrap().urls.remove(0);
    let wrong = json!({"type": "basic", "data": {"username": "anna", "password": "falsch"}});
    for (changes, code) in [
        (
            json!({"target": {"url": url}, "continuous": true, "authenticator": wrong}),
            10_401,
        ),
        (
            json!({"target": {"url": format!("{url}x")}, "continuous": true}),
            10_404,
        ),
        (
            json!({"target": {"url": url.replace("wss:", "ws:")}, "continuous": true}),
            10_400,
        ),
        (
            json!({"target": {"url": url}, "acceptSelfSignedCerts": false, "continuous": true}),
            5011,
        ),
    ] {
        let (replicator, diary) = here.replicator(changes).unwrap();
        replicator.start(false);
        diary.wait_for(ActivityLevel::Stopped, 1).await;
        assert_eq!(
            replicator.status().error.map(|error| error.code()),
            Some(code)
        );
        assert_eq!(diary.count(ActivityLevel::Offline), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_continuous_client_comes_back_to_a_listener_that_was_stopped() {
    let (here, there) = (Desk::new("here"), Desk::new("there"));
    let listener = there.listener(0);
    let started = listener.start().await.unwrap();
    let changes = json!({
        "target": {"url": started.urls[0]}, "continuous": true, "maxAttemptWaitTime": 1,
    });
    let (replicator, diary) = here.replicator(changes).unwrap();
    replicator.start(false);
    diary.wait_for(ActivityLevel::Idle, 1).await;
    assert_eq!(listener.status().connections, 1);
    listener.stop().await;
    diary.wait_for(ActivityLevel::Offline, 1).await;
    here.save("while-away", 10);
    let again = there.listener(started.port);
    again.start().await.unwrap();
    for _ in 0..3000 {
        if there.count() == 10 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(there.count(), 10);
    replicator.stop();
    diary.wait_for(ActivityLevel::Stopped, 1).await;
    again.stop().await;
}

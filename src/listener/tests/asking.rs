//! An authenticator that takes its time.

use std::sync::Mutex;

use futures_util::future::pending;
use tokio::sync::{mpsc, oneshot};

use super::super::authenticator::{Admission, Credentials};
use super::*;
use crate::error::Error;
use crate::transport::connect;

/// A client that waits to be judged.
type Waiting = (Credentials, oneshot::Sender<Admission>);

/// Hands everybody who comes to the test, which judges.
#[derive(Debug)]
struct Asking(mpsc::UnboundedSender<Waiting>);

impl Authenticator for Asking {
    fn judge(&self, credentials: Credentials) -> BoxFuture<'_, Admission> {
        let (sender, answer) = oneshot::channel();
        self.0.send((credentials, sender)).unwrap();
        async { answer.await.unwrap_or(Admission::Denied) }.boxed()
    }
}

fn asking(setup: Setup) -> (Server, mpsc::UnboundedReceiver<Waiting>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let server = Setup {
        authenticator: Some(Arc::new(Asking(sender))),
        ..setup
    }
    .start();
    (server, receiver)
}

fn as_user(server: &Server, user: &str, password: &str) -> ConnectOptions {
    ConnectOptions {
        basic: Some((user.into(), password.into())),
        ..options_of(server)
    }
}

#[tokio::test]
async fn each_client_waits_for_its_own_answer() {
    for setup in [Setup::default(), Setup::tls()] {
        let (server, mut waiting) = asking(setup);
        let first = as_user(&server, "anna", "ä:ö");
        let second = as_user(&server, "", "");
        let third = as_user(&server, "otto", "x");
        let judge = async {
            let mut all = Vec::new();
            for _ in 0..3 {
                all.push(waiting.recv().await.unwrap());
            }
            for (credentials, answer) in all.into_iter().rev() {
                let (username, password) = credentials.into_text();
                let admission = match (username.as_str(), password.as_str()) {
                    ("anna", "ä:ö") => Admission::Admitted,
                    ("otto", _) => Admission::Overloaded,
                    _ => Admission::Denied,
                };
                answer.send(admission).unwrap();
            }
        };
        let (first, second, third, ()) =
            tokio::join!(connect(&first), connect(&second), connect(&third), judge);
        first.unwrap();
        assert_eq!(second.err(), Some(Error::http(401, "Unauthorized")));
        let busy = third.err().unwrap();
        assert_eq!(busy.code(), 10_503);
        assert!(busy.is_transient());
    }
}

#[tokio::test]
async fn nobody_is_asked_about_a_client_without_credentials() {
    let (server, mut waiting) = asking(Setup::default());
    let mut options = options_of(&server);
    for header in ["", "Basic !!!", "Bearer abc", "Basic YWJj"] {
        if !header.is_empty() {
            options.headers = vec![("Authorization".into(), header.into())];
        }
        let error = connect(&options).await.err();
        assert_eq!(error, Some(Error::http(401, "Unauthorized")), "{header}");
    }
    assert!(waiting.try_recv().is_err());
}

/// Never answers; tells when nobody waits for it any more.
#[derive(Debug)]
struct Silent {
    asked: mpsc::UnboundedSender<()>,
    dropped: Arc<Mutex<usize>>,
}

struct CountDrop(Arc<Mutex<usize>>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        *self.0.lock().unwrap() += 1;
    }
}

impl Authenticator for Silent {
    fn judge(&self, _credentials: Credentials) -> BoxFuture<'_, Admission> {
        self.asked.send(()).unwrap();
        let counter = CountDrop(Arc::clone(&self.dropped));
        async move {
            pending::<()>().await;
            drop(counter);
            Admission::Admitted
        }
        .boxed()
    }
}

fn silent(patience: Patience) -> (Server, mpsc::UnboundedReceiver<()>, Arc<Mutex<usize>>) {
    let (sender, asked) = mpsc::unbounded_channel();
    let dropped = Arc::<Mutex<usize>>::default();
    let authenticator = Silent {
        asked: sender,
        dropped: Arc::clone(&dropped),
    };
    let server = Setup {
        authenticator: Some(Arc::new(authenticator)),
        patience,
        ..Setup::tls()
    }
    .start();
    (server, asked, dropped)
}

#[tokio::test]
async fn an_answer_that_does_not_come_uses_up_the_handshake_and_no_more() {
    let (server, mut asked, dropped) = silent(Patience {
        handshake: Duration::from_millis(200),
        ..tuning::PATIENCE
    });
    let error = connect(&as_user(&server, "u", "p")).await.err().unwrap();
    assert!(error.is_transient(), "{error}");
    assert_eq!(asked.recv().await, Some(()));
    assert_eq!(*dropped.lock().unwrap(), 1);
    assert_eq!(server.status().connections, 0);
}

#[tokio::test]
async fn a_listener_that_stops_does_not_wait_for_answers() {
    let (server, mut asked, dropped) = silent(tuning::PATIENCE);
    let options = as_user(&server, "u", "p");
    let stop = async {
        asked.recv().await.unwrap();
        server.stop().await;
        assert_eq!(*dropped.lock().unwrap(), 1);
    };
    let (connected, ()) = tokio::join!(connect(&options), stop);
    assert!(connected.is_err());
}

#[tokio::test]
async fn a_client_that_leaves_is_not_judged_any_more() {
    let (server, mut asked, dropped) = silent(tuning::PATIENCE);
    let options = as_user(&server, "u", "p");
    let connecting = connect(&options);
    tokio::select! {
        _ = connecting => panic!("was admitted"),
        asked = asked.recv() => asked.unwrap(),
    }
    for _ in 0..1000 {
        if *dropped.lock().unwrap() == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("still waiting");
}

#[tokio::test]
async fn an_address_that_guesses_gets_429_and_is_not_asked_about() {
    let (server, mut waiting) = asking(Setup {
        pace: Pace {
            burst: 2,
            refill: Duration::from_secs(3600),
            addresses: 10,
        },
        ..Setup::default()
    });
    let options = as_user(&server, "anna", "guess");
    for _ in 0..2 {
        let deny = async {
            let (_, answer) = waiting.recv().await.unwrap();
            answer.send(Admission::Denied).unwrap();
        };
        let (denied, ()) = tokio::join!(connect(&options), deny);
        assert_eq!(denied.err(), Some(Error::http(401, "Unauthorized")));
    }
    let slowed = connect(&options).await.err().unwrap();
    assert_eq!(slowed, Error::http(429, "too many failed logins"));
    assert!(slowed.is_transient(), "an honest client comes back later");
    assert!(waiting.try_recv().is_err());
}

#[tokio::test]
async fn a_connection_knows_its_principal_and_what_it_moves() {
    let server = Setup {
        authenticator: anna(),
        ..Setup::tls()
    }
    .start();
    let mut transport = connect(&as_user(&server, "anna", "geheim"))
        .await
        .unwrap()
        .transport;
    let message = bytes::Bytes::from_static(b"hello");
    transport
        .send(Outgoing::Message(message.clone()))
        .await
        .unwrap();
    assert_eq!(
        transport.next().await.unwrap().unwrap(),
        Received::Message(message)
    );
    let [info] = &server.connections().list()[..] else {
        panic!("not one connection");
    };
    assert_eq!(info.principal.to_string(), "user:anna");
    assert_eq!((info.bytes_received, info.bytes_sent), (5, 5));
    assert!(info.address.starts_with("127.0.0.1:"));
}

//! Clients that must show a certificate, and an authenticator that takes its time about them.

use std::sync::Mutex;

use futures_util::future::pending;
use rcgen::{CertificateParams, DnType, KeyPair};

use super::super::authenticator::{Admission, CertificateAuthenticator};
use super::super::certificate_gate::CertificateGate;
use super::*;
use crate::error::{Error, NetworkReason};
use crate::tls::{CertificateJudge, ClientTls, ClientTrust};
use crate::transport::connect;

fn client(name: &str) -> TlsIdentity {
    #[expect(
        clippy::disallowed_methods,
        reason = "real handshakes look at the real clock"
    )]
    let now = SystemTime::now();
    TlsIdentity::self_signed(&SelfSignedOptions::new(name, now)).unwrap()
}

/// A listener that accepts certificates of `clients`.
fn demanding(clients: &ClientTrust) -> Server {
    let server = Setup::tls().start();
    server.set_tls(tls::server_config(identity(), Some(clients)).unwrap());
    server
}

async fn try_as(server: &Server, who: Option<&TlsIdentity>) -> Result<(), Error> {
    let mut options = options_of(server);
    options.client_tls = ClientTls {
        identity: who.cloned(),
        ..ClientTls::default()
    };
    connect(&options).await.map(|_| ())
}

fn reason(result: Result<(), Error>) -> NetworkReason {
    match result {
        Err(Error::Network { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn who_is_refused_hears_it_every_time_and_never_just_loses_the_connection() {
    let (anna, otto) = (client("anna"), client("otto"));
    let server = demanding(&ClientTrust::Roots(vec![anna.certificate_der().to_vec()]));
    try_as(&server, Some(&anna)).await.unwrap();
    // In TLS 1.3 the client has sent its request before it is judged: a reset would eat the alert.
    for _ in 0..50 {
        let refused = reason(try_as(&server, Some(&otto)).await);
        assert_eq!(refused, NetworkReason::TlsClientCertRejected);
        let missing = reason(try_as(&server, None).await);
        assert_eq!(missing, NetworkReason::TlsClientCertRequired);
    }
    let list = server.connections().list();
    assert!(list.len() <= 1, "{list:?}");
}

#[tokio::test]
async fn a_stolen_certificate_is_nothing_without_its_key() {
    let anna = client("anna");
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "anna");
    let other = KeyPair::generate().unwrap();
    // The names of the issuer and of the owner are as in the original.
    let forged = params.self_signed(&other).unwrap();
    assert_ne!(forged.der().to_vec(), anna.certificate_der());
    let server = demanding(&ClientTrust::Roots(vec![forged.der().to_vec()]));
    let refused = reason(try_as(&server, Some(&anna)).await);
    assert_eq!(refused, NetworkReason::TlsClientCertRejected);
}

#[test]
fn a_trust_without_usable_roots_is_refused() {
    for roots in [vec![], vec![vec![0x30]]] {
        let error = tls::server_config(identity(), Some(&ClientTrust::Roots(roots)));
        assert!(error.unwrap_err().message().contains("root certificate"));
    }
}

/// Answers as it is told, or never.
#[derive(Debug)]
struct Says(Option<Admission>, Arc<Mutex<usize>>);

impl CertificateAuthenticator for Says {
    fn judge<'a>(&'a self, chain: &'a [Vec<u8>]) -> BoxFuture<'a, Admission> {
        assert_eq!(chain.len(), 1);
        *self.1.lock().unwrap() += 1;
        match self.0 {
            Some(admission) => std::future::ready(admission).boxed(),
            None => pending().boxed(),
        }
    }
}

fn gate(says: Option<Admission>, limit: Duration) -> (Arc<CertificateGate>, CancellationToken) {
    let stop = CancellationToken::new();
    let authenticator = Arc::new(Says(says, Arc::default()));
    let gate = CertificateGate::new(authenticator, Handle::current(), stop.clone(), limit);
    (Arc::new(gate), stop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_an_admission_admits() {
    let chain = vec![identity().certificate_der().to_vec()];
    for (says, admits) in [
        (Some(Admission::Admitted), true),
        (Some(Admission::Denied), false),
        (Some(Admission::Overloaded), false),
    ] {
        let (gate, _stop) = gate(says, Duration::from_secs(5));
        assert_eq!(gate.admits(&chain), admits, "{says:?}");
        let (server, anna) = (demanding(&ClientTrust::Judge(gate)), client("anna"));
        assert_eq!(
            try_as(&server, Some(&anna)).await.is_ok(),
            admits,
            "{says:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_does_not_come_is_a_no_in_time_or_when_the_listener_stops() {
    let chain = vec![identity().certificate_der().to_vec()];
    let (quick, _stop) = gate(None, Duration::from_millis(20));
    assert!(!quick.admits(&chain));
    let (patient, stop) = gate(None, Duration::from_secs(3600));
    let waiting = {
        let (gate, chain) = (Arc::clone(&patient), chain.clone());
        Handle::current().spawn_blocking(move || gate.admits(&chain))
    };
    stop.cancel();
    assert!(!waiting.await.unwrap());
    assert!(!patient.admits(&chain), "stopped already");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_so_many_handshakes_wait_at_a_time() {
    let chain = vec![identity().certificate_der().to_vec()];
    let stop = CancellationToken::new();
    let asked = Arc::<Mutex<usize>>::default();
    let gate = Arc::new(CertificateGate::new(
        Arc::new(Says(None, Arc::clone(&asked))),
        Handle::current(),
        stop.clone(),
        Duration::from_secs(3600),
    ));
    let waiting: Vec<_> = (0..tuning::WAITING_HANDSHAKES)
        .map(|_| {
            let (gate, chain) = (Arc::clone(&gate), chain.clone());
            Handle::current().spawn_blocking(move || gate.admits(&chain))
        })
        .collect();
    while *asked.lock().unwrap() < tuning::WAITING_HANDSHAKES {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!gate.admits(&chain), "one too many is not even asked about");
    assert_eq!(*asked.lock().unwrap(), tuning::WAITING_HANDSHAKES);
    stop.cancel();
    for one in waiting {
        assert!(!one.await.unwrap());
    }
}

#[tokio::test]
async fn a_single_threaded_runtime_cannot_wait_and_says_no() {
    let chain = vec![identity().certificate_der().to_vec()];
    let (gate, _stop) = gate(Some(Admission::Admitted), Duration::from_secs(5));
    assert!(!gate.admits(&chain));
}

//! Our own client against our own listener.

use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};

use super::*;
use crate::error::{Error, Result};
use crate::transport::{BoxTransport, Connected, connect};

async fn echo(transport: &mut BoxTransport, text: &'static str) {
    let message = Bytes::from_static(text.as_bytes());
    transport
        .send(Outgoing::Message(message.clone()))
        .await
        .unwrap();
    assert_eq!(transport.next().await, Some(Ok(Received::Message(message))));
}

async fn wait_for(server: &Server, connections: usize, active: usize) {
    for _ in 0..1000 {
        let status = server.status();
        if (status.connections, status.active) == (connections, active) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{:?}, wanted {connections} and {active}", server.status());
}

fn error(result: Result<Connected>) -> Error {
    result.err().unwrap()
}

#[tokio::test]
async fn every_url_of_a_listener_on_all_interfaces_leads_to_it() {
    for tls in [false, true] {
        let server = Setup {
            tls,
            interface: None,
            ..Setup::default()
        }
        .start();
        let mut urls = server.started().urls.clone();
        assert!(urls.iter().any(|url| url.contains("127.0.0.1")), "{urls:?}");
        let scheme = if tls { "wss" } else { "ws" };
        urls.push(format!(
            "{scheme}://localhost:{}/my db",
            server.started().port
        ));
        // The last is this machine's name, which its resolver may not know.
        let own_name = urls.len() - 2;
        for (index, url) in urls.iter().enumerate() {
            match connect(&options(url)).await {
                Ok(mut connected) => {
                    assert_eq!(connected.protocol, "BLIP_3+CBMobile_3");
                    assert_eq!(connected.peer_certificate_der.is_some(), tls);
                    echo(&mut connected.transport, "hello").await;
                }
                Err(error) if index == own_name && error.message().contains("hostname") => {
                    println!("skipped: the resolver does not know {url}");
                }
                Err(error) => panic!("{url}: {error}"),
            }
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn ipv6_is_reached_in_brackets() {
    let bound = bind::bind(Some("::1"), 0);
    if bound.is_err() {
        println!("skipped: no IPv6 on this machine");
        return;
    }
    let server = Setup {
        interface: Some("[::1]"),
        ..Setup::tls()
    }
    .start();
    assert!(server.started().urls[0].starts_with("wss://[::1]:"));
    let mut connected = connect(&options_of(&server)).await.unwrap();
    echo(&mut connected.transport, "six").await;
}

#[tokio::test]
async fn certificate_rules_decide_about_the_connection() {
    let server = Setup::tls().start();
    let mut options = options_of(&server);
    let own = identity().certificate_der().to_vec();
    options.trust = ServerTrust::Pinned(own.clone());
    let connected = connect(&options).await.unwrap();
    assert_eq!(connected.peer_certificate_der, Some(own));

    #[expect(clippy::disallowed_methods, reason = "a certificate of today")]
    let other = SelfSignedOptions::new("peer", SystemTime::now()).with_key_of(identity());
    let other = TlsIdentity::self_signed(&other).unwrap();
    options.trust = ServerTrust::Pinned(other.certificate_der().to_vec());
    let wrong_pin = error(connect(&options).await);
    assert_eq!(wrong_pin.code(), 5008);
    assert!(
        wrong_pin
            .message()
            .starts_with("server TLS certificate untrusted")
    );
    assert!(!wrong_pin.is_transient() && !wrong_pin.is_network_dependent());

    options.trust = ServerTrust::PlatformRoots;
    let unknown = error(connect(&options).await);
    assert_eq!(
        unknown.message(),
        "server TLS certificate is self-signed or has unknown root cert"
    );
}

#[tokio::test]
async fn refusals_have_status_and_text() {
    let server = Setup {
        authenticator: anna(),
        ..Setup::tls()
    }
    .start();
    let good = options_of(&server);
    assert_eq!(
        error(connect(&good).await),
        Error::http(401, "Unauthorized")
    );
    let with = |user: &str, password: &str| {
        let mut options = options_of(&server);
        options.basic = Some((user.into(), password.into()));
        options
    };
    for (user, password) in [("anna", "Geheim"), ("Anna", "geheim"), ("", "")] {
        let refused = error(connect(&with(user, password)).await);
        assert_eq!(refused, Error::http(401, "Unauthorized"));
    }
    let mut options = with("anna", "geheim");
    echo(&mut connect(&options).await.unwrap().transport, "hi").await;

    options.url.set_path("/other");
    assert_eq!(
        error(connect(&options).await),
        Error::http(404, "Not Found")
    );
    options.url.set_path("/my db");
    options.protocols = vec!["BLIP_3+CBMobile_4".into()];
    assert_eq!(
        error(connect(&options).await),
        Error::http(
            500,
            "I only speak BLIP_3+CBMobile_3,BLIP_3+CBMobile_2 protocols"
        )
    );
    options.protocols = vec!["BLIP_3+CBMobile_2".into()];
    assert_eq!(
        connect(&options).await.unwrap().protocol,
        "BLIP_3+CBMobile_2"
    );
    options.headers = vec![("Origin".into(), "https://evil.example".into())];
    assert_eq!(error(connect(&options).await).code(), 10_403);
}

#[tokio::test]
async fn plain_on_a_tls_port_and_tls_on_a_plain_port_are_told_so() {
    let server = Setup::tls().start();
    let port = server.started().port;
    let plain = error(connect(&options(&format!("ws://127.0.0.1:{port}/my db"))).await);
    assert_eq!(
        plain,
        Error::http(400, "this port speaks TLS; use wss: instead of ws:")
    );
    let server = Setup::default().start();
    let port = server.started().port;
    let tls = error(connect(&options(&format!("wss://127.0.0.1:{port}/my db"))).await);
    assert_eq!(tls.code(), 5006);
    assert_eq!(
        tls.message(),
        "TLS handshake failed: the other side does not speak TLS"
    );
    assert!(!tls.is_transient());
}

#[tokio::test]
async fn status_counts_open_and_busy_connections() {
    let server = Setup::default().start();
    assert_eq!(server.status(), super::super::ListenerStatus::default());
    let mut first = connect(&options_of(&server)).await.unwrap().transport;
    let mut second = connect(&options_of(&server)).await.unwrap().transport;
    echo(&mut first, "busy").await;
    echo(&mut second, "idle").await;
    wait_for(&server, 2, 1).await;
    drop(first);
    wait_for(&server, 1, 0).await;
    drop(second);
    wait_for(&server, 0, 0).await;
}

#[tokio::test]
async fn stop_closes_with_4001_and_frees_the_port_before_it_resolves() {
    for tls in [false, true] {
        let server = Setup {
            tls,
            ..Setup::default()
        }
        .start();
        let port = server.started().port;
        let mut clients = Vec::new();
        for _ in 0..3 {
            clients.push(connect(&options_of(&server)).await.unwrap().transport);
        }
        let readers = clients.into_iter().map(|mut transport| {
            Handle::current().spawn(async move { (transport.next().await, transport.next().await) })
        });
        let readers: Vec<_> = readers.collect();
        server.stop().await;
        assert_eq!(server.status().connections, 0);
        let again = Setup {
            port,
            ..Setup::default()
        }
        .start();
        assert_eq!(again.started().port, port);
        for reader in readers {
            let (close, end) = reader.await.unwrap();
            let reason = "stopping".to_owned();
            assert_eq!(close, Some(Ok(Received::Close { code: 4001, reason })));
            assert!(end.is_none());
        }
        // Stopping twice is nothing new.
        server.stop().await;
    }
}

#[tokio::test]
async fn twenty_listeners_run_at_once() {
    let servers: Vec<_> = (0..20)
        .map(|index| {
            Setup {
                tls: index % 2 == 0,
                ..Setup::default()
            }
            .start()
        })
        .collect();
    for server in &servers {
        let mut connected = connect(&options_of(server)).await.unwrap();
        echo(&mut connected.transport, "one of many").await;
    }
}

#[tokio::test]
async fn large_and_many_messages_pass_both_ways_under_back_pressure() {
    let server = Setup::tls().start();
    let mut transport = connect(&options_of(&server)).await.unwrap().transport;
    let large = Bytes::from(vec![7; 16 * 1024]);
    // More than any socket buffer, fed before the first echo is read by the same task.
    let (mut sink, mut stream) = (Vec::new(), 0);
    for _ in 0..40 {
        for _ in 0..16 {
            transport
                .feed(Outgoing::Message(large.clone()))
                .await
                .unwrap();
        }
        transport.flush().await.unwrap();
        sink.push(16);
        while stream < sink.len() * 16 {
            let echoed = transport.next().await.unwrap().unwrap();
            assert_eq!(echoed, Received::Message(large.clone()));
            stream += 1;
        }
    }
    let too_large = Bytes::from(vec![0; 40 * 1024]);
    assert!(transport.send(Outgoing::Message(too_large)).await.is_err());
}

#[tokio::test]
async fn ping_is_answered_and_close_is_echoed() {
    let server = Setup::tls().start();
    let mut transport = connect(&options_of(&server)).await.unwrap().transport;
    transport.send(Outgoing::Ping).await.unwrap();
    assert_eq!(transport.next().await, Some(Ok(Received::Pong)));
    let close = Outgoing::Close {
        code: 1000,
        reason: "ü".repeat(100),
    };
    transport.send(close).await.unwrap();
    match transport.next().await {
        Some(Ok(Received::Close { code: 1000, reason })) => assert_eq!(reason, "ü".repeat(61)),
        other => panic!("{other:?}"),
    }
    assert!(transport.next().await.is_none());
    wait_for(&server, 0, 0).await;
}

#[tokio::test]
async fn a_connection_that_does_not_end_is_cut_off_when_the_listener_stops() {
    struct Deaf(Arc<AtomicBool>);

    impl Service for Deaf {
        fn serve(&self, accepted: Accepted) -> BoxFuture<'static, ()> {
            let served = Arc::clone(&self.0);
            async move {
                served.store(true, Ordering::Relaxed);
                let _held = accepted;
                std::future::pending().await
            }
            .boxed()
        }
    }

    let served = Arc::new(AtomicBool::new(false));
    let rules = Rules {
        database: "my db".into(),
        authenticator: None,
        host_name: None,
    };
    let service = Box::new(Deaf(Arc::clone(&served)));
    let patience = Patience {
        stop: Duration::from_millis(50),
        ..tuning::PATIENCE
    };
    let shared = Shared::new(server::Setup {
        service,
        rules,
        tls: None,
        authorizer: None,
        caps: tuning::CAPS,
        patience,
        pace: tuning::PACE,
    });
    let bound = bind::bind(Some("127.0.0.1"), 0).unwrap();
    let server =
        Server::start(shared, bound, CancellationToken::new(), &Handle::current()).unwrap();
    let mut transport = connect(&options_of(&server)).await.unwrap().transport;
    wait_for(&server, 1, 0).await;
    server.stop().await;
    assert!(served.load(Ordering::Relaxed));
    assert_eq!(server.status().connections, 0);
    // No CLOSE: the stream just ends, or was reset.
    assert!(!matches!(transport.next().await, Some(Ok(_))));
}

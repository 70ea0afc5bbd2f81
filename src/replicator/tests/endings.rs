//! How a server ends a replication, and what the application hears (wire §1.11).

use super::pair::{LIVE, Peer};
use super::scripted_peer::ScriptedPeer;
use crate::blip::Message;
use crate::error::Error;
use crate::protocol::Request;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_close_code_becomes_its_error_and_only_4001_is_worth_a_retry() {
    for (close, code, transient) in [
        (1000, 11_001, false),
        (1001, 11_001, false),
        (1008, 11_008, false),
        (1011, 11_011, false),
        (4001, 14_001, true),
        (4002, 14_002, false),
    ] {
        let peer = Peer::new(&["_default"]);
        let (mut server, _, outcome) = ScriptedPeer::serve(&peer, LIVE);
        server.accept_pull().await;
        server.close(close, "the end").await;
        let error = outcome.await.unwrap().unwrap_err();
        assert_eq!(error.code(), code, "{close}");
        assert_eq!(error.is_transient(), transient, "{close}");
        assert_eq!(error.domain(), "CouchbaseLite");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_vanishes_is_worth_a_retry() {
    let peer = Peer::new(&["_default"]);
    let (mut server, _, outcome) = ScriptedPeer::serve(&peer, LIVE);
    server.accept_pull().await;
    server.vanish().await;
    let error = outcome.await.unwrap().unwrap_err();
    assert_eq!(error.code(), 11_006);
    assert!(error.is_transient());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_opening_ends_the_replication_with_the_servers_error() {
    for (error, code) in [
        (Error::http(403, "no"), 10_403),
        (Error::http(503, "full"), 10_503),
        (
            Error::from_blip("LiteCore", 19, "Filtering not supported"),
            19,
        ),
        (Error::from_blip("BLIP", 404, "no handler for message"), 26),
    ] {
        let peer = Peer::new(&["inventory.hotels"]);
        let (mut server, _, outcome) = ScriptedPeer::serve(&peer, LIVE);
        let (to, request) = server.next_request().await;
        assert!(
            matches!(request, Request::GetCollections { .. }),
            "{request:?}"
        );
        server.blip.reply_error(to.unwrap(), &error);
        server.until_closed().await;
        let told = outcome.await.unwrap().unwrap_err();
        assert_eq!(told.code(), code, "{error:?}: {told:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_of_the_wrong_shape_is_a_remote_error() {
    let peer = Peer::new(&["inventory.hotels"]);
    for body in ["[]", "{}", "[{},{}]", "nonsense"] {
        let (mut server, _, outcome) = ScriptedPeer::serve(&peer, LIVE);
        let (to, _) = server.next_request().await;
        let reply = Message {
            body: body.as_bytes().to_vec().into(),
            ..Message::default()
        };
        server.blip.reply(to.unwrap(), reply);
        server.until_closed().await;
        let told = outcome.await.unwrap().unwrap_err();
        assert_eq!(told.code(), 26, "{body}: {told:?}");
    }
}

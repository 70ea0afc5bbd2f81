//! Programs that we did not write, as clients. Each is looked for first and skipped with a line
//! when it is not there.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use super::*;

async fn run(program: &str, arguments: Vec<String>, input: &'static str) -> Option<Output> {
    let name = program.to_owned();
    let spawned = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else {
        println!("skipped: no {name} on this machine");
        return None;
    };
    let waiting = move || {
        let mut stdin = child.stdin.take().unwrap();
        // It may have ended without reading.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().unwrap()
    };
    Some(tokio::task::spawn_blocking(waiting).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openssl_reads_and_verifies_our_certificate_in_both_versions_of_tls() {
    let server = Setup::tls().start();
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("peer.pem");
    let body = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        identity().certificate_der(),
    );
    std::fs::write(
        &pem,
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"),
    )
    .unwrap();
    for version in ["-tls1_2", "-tls1_3"] {
        let connect = format!("127.0.0.1:{}", server.started().port);
        let mut arguments: Vec<String> = ["s_client", version, "-connect"].map(Into::into).into();
        arguments.push(connect);
        arguments.extend(["-alpn", "http/1.1", "-purpose", "sslserver"].map(Into::into));
        arguments.extend(["-verify_return_error", "-CAfile"].map(Into::into));
        arguments.push(pem.display().to_string());
        let Some(output) = run("openssl", arguments, "Q\n").await else {
            return;
        };
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("Verify return code: 0 (ok)"), "{text}");
        assert!(text.contains("ALPN protocol: http/1.1"), "{text}");
        assert!(
            text.contains("No client certificate CA names sent"),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openssl_finds_nothing_older_than_tls_1_2() {
    let server = Setup::tls().start();
    let mut arguments: Vec<String> = ["s_client", "-tls1_1", "-connect"].map(Into::into).into();
    arguments.push(format!("127.0.0.1:{}", server.started().port));
    if let Some(output) = run("openssl", arguments, "Q\n").await {
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(!text.contains("BEGIN CERTIFICATE"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl_sees_status_and_challenge() {
    let server = Setup {
        authenticator: anna(),
        ..Setup::tls()
    }
    .start();
    let port = server.started().port;
    for (path, user, wanted) in [
        ("my%20db/_blipsync", None, "401"),
        ("my%20db/_blipsync", Some("anna:falsch"), "401"),
        ("my%20db/_blipsync", Some("anna:geheim"), "426"),
        ("other/_blipsync", Some("anna:geheim"), "404"),
    ] {
        let mut arguments: Vec<String> = ["-sk", "-D", "-"].map(Into::into).into();
        if let Some(user) = user {
            arguments.extend(["-u".into(), user.into()]);
        }
        arguments.push(format!("https://127.0.0.1:{port}/{path}"));
        let Some(output) = run("curl", arguments, "").await else {
            return;
        };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            text.starts_with(&format!("HTTP/1.1 {wanted} ")),
            "{path}: {text}"
        );
        let challenge = r#"www-authenticate: Basic realm="settee", charset="UTF-8""#;
        let has_challenge = text.to_lowercase().contains(&challenge.to_lowercase());
        assert_eq!(has_challenge, wanted == "401", "{text}");
    }
}

/// A WebSocket client in Python's standard library: upgrade over TLS, one masked message, its echo,
/// a PING with its PONG, and the farewell.
const PYTHON: &str = r#"
import base64, hashlib, os, socket, ssl, struct, sys
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
s = context.wrap_socket(socket.create_connection(('127.0.0.1', int(sys.argv[1])), 10))
key = base64.b64encode(os.urandom(16)).decode()
s.sendall(('GET /my%20db/_blipsync HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n'
  'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ' + key + '\r\n'
  'Sec-WebSocket-Extensions: permessage-deflate\r\n'
  'Sec-WebSocket-Protocol: BLIP_3+CBMobile_3,BLIP_3+CBMobile_2\r\n\r\n').encode())
f = s.makefile('rb')
assert f.readline() == b'HTTP/1.1 101 Switching Protocols\r\n'
h = {}
while True:
    line = f.readline().decode().strip()
    if not line: break
    name, value = line.split(': ', 1)
    h[name.lower()] = value
guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
accept = base64.b64encode(hashlib.sha1((key + guid).encode()).digest()).decode()
assert h['connection'] == 'Upgrade' and h['upgrade'] == 'websocket', h
assert h['sec-websocket-accept'] == accept, h
assert h['sec-websocket-protocol'] == 'BLIP_3+CBMobile_3', h
assert 'sec-websocket-extensions' not in h, h
def send(first, data):
    mask = os.urandom(4)
    s.sendall(bytes([first, 0x80 | len(data)]) + mask
      + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))
def receive():
    first, length = f.read(2)
    return first, f.read(length)
send(0x82, b'hello')
assert receive() == (0x82, b'hello')
send(0x89, b'are you there')
assert receive() == (0x8a, b'are you there')
send(0x88, struct.pack('>H', 1000))
assert receive() == (0x88, struct.pack('>H', 1000))
assert f.read(1) == b''
print('good')
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_websocket_client_in_python_is_served() {
    let server = Setup::tls().start();
    let port = server.started().port.to_string();
    let arguments = vec!["-c".into(), PYTHON.into(), port];
    if let Some(output) = run("python3", arguments, "").await {
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.stdout, b"good\n", "{errors}");
    }
}

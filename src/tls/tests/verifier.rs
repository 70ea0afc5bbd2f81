//! Certificates as real peers and attackers make them (trust §3.3, §10 #1).

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, SerialNumber, SignatureAlgorithm,
};
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::ResolvesServerCert;
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::error::{Error, NetworkReason};
use crate::tls::verifier::ServerVerifier;
use crate::tls::{ClientTls, SeenCertificates, ServerTrust, client_config, from_rustls, provider};

const NOW: u64 = 1_800_000_000; // 2027-01-15

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2028, 1, 1);
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

fn self_signed(params: &CertificateParams) -> Vec<u8> {
    params.self_signed(&key()).unwrap().der().to_vec()
}

fn check(trust: &ServerTrust, chain: &[&[u8]]) -> Result<(), Error> {
    check_name(trust, chain, "other.example")
}

fn check_name(trust: &ServerTrust, chain: &[&[u8]], name: &str) -> Result<(), Error> {
    let chain: Vec<_> = chain.iter().map(|der| CertificateDer::from(*der)).collect();
    ServerVerifier::new(trust, SeenCertificates::default(), provider())?
        .verify_server_cert(
            &chain[0],
            &chain[1..],
            &ServerName::try_from(name.to_owned()).unwrap(),
            &[],
            UnixTime::since_unix_epoch(Duration::from_secs(NOW)),
        )
        .map(|_| ())
        .map_err(|error| from_rustls(&error))
}

fn reason(result: Result<(), Error>) -> NetworkReason {
    match result {
        Err(Error::Network { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn certificates_of_real_couchbase_lite_listeners_are_accepted() {
    let mut like_cbl = params("whatever");
    like_cbl.serial_number = Some(SerialNumber::from(1));
    like_cbl.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyEncipherment,
    ];
    // Netscape certificate type: SSL server.
    let netscape = CustomExtension::from_oid_content(
        &[2, 16, 840, 1, 113_730, 1, 1],
        vec![0x03, 0x02, 0x06, 0x40],
    );
    like_cbl.custom_extensions = vec![netscape];
    like_cbl.is_ca = IsCa::ExplicitNoCa;
    let hand_made = authority("an authority that serves itself");
    for params in [like_cbl, hand_made, params("bare")] {
        let der = self_signed(&params);
        check(&ServerTrust::OnlySelfSigned, &[&der]).unwrap();
        check(&ServerTrust::Pinned(der.clone()), &[&der]).unwrap();
        let unknown = check(&ServerTrust::PlatformRoots, &[&der]);
        assert_eq!(reason(unknown), NetworkReason::TlsCertUnknownRoot);
    }
}

#[test]
fn a_version_1_certificate_made_by_openssl_is_accepted() {
    let Some(der) = openssl_version_1() else {
        println!("skipped: no openssl command that makes version 1 certificates");
        return;
    };
    let verifier = ServerVerifier::new(
        &ServerTrust::OnlySelfSigned,
        SeenCertificates::default(),
        provider(),
    )
    .unwrap();
    let now = UnixTime::now();
    let name = ServerName::try_from("h").unwrap();
    verifier
        .verify_server_cert(&CertificateDer::from(der), &[], &name, &[], now)
        .unwrap();
}

fn openssl_version_1() -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().ok()?;
    let request = Command::new("openssl")
        .args([
            "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=v1",
        ])
        .args(["-keyout", "key.pem"])
        .current_dir(&folder)
        .stderr(Stdio::null())
        .output()
        .ok()?
        .stdout;
    let mut child = Command::new("openssl")
        .args([
            "x509", "-req", "-signkey", "key.pem", "-days", "2", "-outform", "DER",
        ])
        .current_dir(&folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(&request).ok()?;
    let der = child.wait_with_output().ok()?.stdout;
    // Only version 1 leaves the version out: SEQUENCE, SEQUENCE, then at once the serial number.
    let is_version_1 = der.get(8) == Some(&0x02);
    is_version_1.then_some(der)
}

#[test]
fn only_self_signed_refuses_everything_that_is_not_exactly_that() {
    let trust = ServerTrust::OnlySelfSigned;
    let ca = CertifiedIssuer::self_signed(authority("ca"), key()).unwrap();
    let signed = params("leaf").signed_by(&key(), &ca).unwrap();
    for chain in [&[&signed.der()[..]][..], &[signed.der(), ca.der()]] {
        assert_eq!(
            reason(check(&trust, chain)),
            NetworkReason::TlsCertUntrusted
        );
    }
    let own = self_signed(&params("own"));
    let padded = check(&trust, &[&own, ca.der()]);
    assert_eq!(reason(padded), NetworkReason::TlsCertUntrusted);
    // Subject = issuer, but another key made the signature.
    let forged = params("ca").signed_by(&key(), &ca).unwrap();
    let error = check(&trust, &[forged.der()]).unwrap_err();
    assert_eq!(
        error.message(),
        "server TLS certificate untrusted: bad signature"
    );
}

#[test]
fn dates_are_checked_in_every_mode() {
    let mut expired = params("old");
    expired.not_after = rcgen::date_time_ymd(2026, 2, 1);
    let expired = self_signed(&expired);
    let mut future = params("new");
    future.not_before = rcgen::date_time_ymd(2027, 2, 1);
    let future = self_signed(&future);
    for trust in [
        ServerTrust::OnlySelfSigned,
        ServerTrust::Pinned(expired.clone()),
        ServerTrust::Roots(vec![expired.clone()]),
    ] {
        let error = check(&trust, &[&expired]).unwrap_err();
        assert_eq!(error.message(), "server TLS certificate expired");
        assert_eq!(error.code(), 5007);
        assert!(!error.is_transient());
    }
    for trust in [
        ServerTrust::OnlySelfSigned,
        ServerTrust::Pinned(future.clone()),
    ] {
        let error = check(&trust, &[&future]).unwrap_err();
        assert_eq!(
            error.message(),
            "server TLS certificate untrusted: not valid yet"
        );
    }
}

#[test]
fn extended_key_usage_is_honoured_when_present() {
    for (usage, good) in [
        (ExtendedKeyUsagePurpose::ServerAuth, true),
        (ExtendedKeyUsagePurpose::Any, true),
        (ExtendedKeyUsagePurpose::ClientAuth, false),
    ] {
        let mut params = params("usage");
        params.extended_key_usages = vec![usage];
        let der = self_signed(&params);
        assert_eq!(check(&ServerTrust::OnlySelfSigned, &[&der]).is_ok(), good);
        assert_eq!(
            check(&ServerTrust::Pinned(der.clone()), &[&der]).is_ok(),
            good
        );
    }
}

#[test]
fn a_pinned_authority_counts_only_when_signatures_lead_to_it() {
    let root = CertifiedIssuer::self_signed(authority("root"), key()).unwrap();
    let middle = CertifiedIssuer::signed_by(authority("middle"), key(), &root).unwrap();
    let leaf = params("leaf").signed_by(&key(), &middle).unwrap();
    let pinned = ServerTrust::Pinned(root.der().to_vec());

    check(&pinned, &[leaf.der(), middle.der(), root.der()]).unwrap();
    check(&pinned, &[leaf.der(), root.der(), middle.der()]).unwrap();
    check(
        &ServerTrust::Pinned(middle.der().to_vec()),
        &[leaf.der(), middle.der()],
    )
    .unwrap();

    // The pin's certificate is public: an attacker appends it to a leaf of his own.
    let attacker = self_signed(&params("attacker"));
    let refused = check(&pinned, &[&attacker, root.der()]).unwrap_err();
    assert_eq!(
        refused.message(),
        "server TLS certificate untrusted: it is not the pinned certificate"
    );
    // He even copies the names.
    let fake_root = CertifiedIssuer::self_signed(authority("root"), key()).unwrap();
    let fake = params("leaf").signed_by(&key(), &fake_root).unwrap();
    assert!(check(&pinned, &[fake.der(), root.der()]).is_err());
    assert!(check(&pinned, &[fake.der(), fake_root.der(), root.der()]).is_err());
    // Holder of an honest leaf signs another one with it.
    let honest = CertifiedIssuer::signed_by(params("honest"), key(), &root).unwrap();
    let below = params("below").signed_by(&key(), &honest).unwrap();
    assert!(check(&pinned, &[below.der(), honest.der(), root.der()]).is_err());
    // The pin must be there at all.
    assert!(check(&pinned, &[leaf.der(), middle.der()]).is_err());
}

#[test]
fn path_length_and_dates_hold_on_the_way_to_the_pin() {
    let root = CertifiedIssuer::self_signed(authority("root"), key()).unwrap();
    let mut short = authority("short");
    short.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let short = CertifiedIssuer::signed_by(short, key(), &root).unwrap();
    let lower = CertifiedIssuer::signed_by(authority("lower"), key(), &short).unwrap();
    let leaf = params("leaf").signed_by(&key(), &lower).unwrap();
    let pinned = ServerTrust::Pinned(root.der().to_vec());
    assert!(check(&pinned, &[leaf.der(), lower.der(), short.der(), root.der()]).is_err());

    let mut old = authority("old");
    old.not_after = rcgen::date_time_ymd(2026, 2, 1);
    let old = CertifiedIssuer::self_signed(old, key()).unwrap();
    let leaf = params("leaf").signed_by(&key(), &old).unwrap();
    let expired = check(
        &ServerTrust::Pinned(old.der().to_vec()),
        &[leaf.der(), old.der()],
    );
    assert_eq!(reason(expired), NetworkReason::TlsCertExpired);
}

#[test]
fn given_roots_replace_the_systems_and_the_host_name_counts() {
    let root = CertifiedIssuer::self_signed(authority("root"), key()).unwrap();
    let mut named = CertificateParams::new(["desk.example".to_owned()]).unwrap();
    named.not_before = rcgen::date_time_ymd(2026, 1, 1);
    named.not_after = rcgen::date_time_ymd(2028, 1, 1);
    let leaf = named.signed_by(&key(), &root).unwrap();
    let trust = ServerTrust::Roots(vec![root.der().to_vec()]);
    check_name(&trust, &[leaf.der()], "desk.example").unwrap();
    let mismatch = check_name(&trust, &[leaf.der()], "other.example").unwrap_err();
    assert_eq!(mismatch.message(), "server TLS certificate name mismatch");
    assert_eq!(mismatch.code(), 5015);
    let stranger = self_signed(&params("stranger"));
    let unknown = check_name(&trust, &[&stranger], "desk.example").unwrap_err();
    assert_eq!(
        unknown.message(),
        "server TLS certificate is self-signed or has unknown root cert"
    );
    // A self-signed server certificate given as the root.
    let own = self_signed(&named);
    let trust = ServerTrust::Roots(vec![own.clone()]);
    check_name(&trust, &[&own], "desk.example").unwrap();
    assert!(check_name(&trust, &[&own], "other.example").is_err());
}

#[test]
fn garbage_is_refused_and_long_chains_are_not_looked_at() {
    let good = self_signed(&params("x"));
    for garbage in [&[][..], &[0x30], &good[..good.len() - 1], b"-----BEGIN"] {
        assert!(check(&ServerTrust::OnlySelfSigned, &[garbage]).is_err());
        assert!(check(&ServerTrust::Pinned(garbage.to_vec()), &[&good]).is_err());
        assert!(check(&ServerTrust::Roots(vec![garbage.to_vec()]), &[&good]).is_err());
    }
    let trailing = [&good[..], &[0]].concat();
    assert!(check(&ServerTrust::OnlySelfSigned, &[&trailing]).is_err());
    let long = vec![&good[..]; 12];
    let error = check(&ServerTrust::Pinned(good.clone()), &long).unwrap_err();
    assert!(error.message().contains("longer than 10"), "{error}");
}

#[derive(Debug)]
struct Presents(Arc<CertifiedKey>);

impl ResolvesServerCert for Presents {
    fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

/// A handshake in memory with a server that presents `certificate` and signs with `key`.
async fn shake(
    certificate: &[u8],
    key: &KeyPair,
    version: &'static SupportedProtocolVersion,
    trust: ServerTrust,
) -> Result<(), Error> {
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let signer = provider().key_provider.load_private_key(der).unwrap();
    let chain = vec![CertificateDer::from(certificate.to_vec())];
    let config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Presents(Arc::new(CertifiedKey::new(
            chain, signer,
        )))));
    let (near, far) = tokio::io::duplex(16 * 1024);
    let server = async {
        if let Ok(mut stream) = TlsAcceptor::from(Arc::new(config)).accept(far).await {
            let _ = stream.write_all(b"hello").await;
            let _ = stream.shutdown().await;
        }
    };
    let client = async {
        let name = ServerName::try_from("any.example").unwrap();
        let connector = TlsConnector::from(client_config(&trust, &ClientTls::default()).unwrap());
        let mut stream = connector
            .connect(name, near)
            .await
            .map_err(|error| crate::transport::from_io(&error, "server"))?;
        let mut hello = Vec::new();
        stream.read_to_end(&mut hello).await.unwrap();
        assert_eq!(hello, b"hello");
        Ok(())
    };
    tokio::join!(server, client).1
}

#[tokio::test]
async fn handshakes_prove_the_key_in_both_versions_of_tls() {
    let algorithms: [&SignatureAlgorithm; 4] = [
        &PKCS_RSA_SHA256,
        &PKCS_ECDSA_P256_SHA256,
        &PKCS_ECDSA_P384_SHA384,
        &PKCS_ED25519,
    ];
    for algorithm in algorithms {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let thief = KeyPair::generate_for(algorithm).unwrap();
        let mut params = params("peer");
        params.not_after = rcgen::date_time_ymd(2090, 1, 1);
        let der = params.self_signed(&key).unwrap().der().to_vec();
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            for trust in [
                ServerTrust::OnlySelfSigned,
                ServerTrust::Pinned(der.clone()),
            ] {
                shake(&der, &key, version, trust.clone()).await.unwrap();
                // The certificate is public, its key is not.
                let stolen = shake(&der, &thief, version, trust).await.unwrap_err();
                assert!(
                    !stolen.is_transient(),
                    "{algorithm:?} {version:?}: {stolen:?}"
                );
            }
        }
    }
}

#[test]
fn a_certificate_with_any_bit_changed_is_refused() {
    let good = self_signed(&params("changed"));
    check(&ServerTrust::OnlySelfSigned, &[&good]).unwrap();
    for index in 0..good.len() {
        for bit in 0..8 {
            let mut der = good.clone();
            der[index] ^= 1 << bit;
            let result = check(&ServerTrust::OnlySelfSigned, &[&der]);
            assert!(result.is_err(), "byte {index} of {}, bit {bit}", good.len());
        }
    }
}

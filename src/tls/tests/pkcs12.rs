//! PKCS#12 files as OpenSSL writes them, old and new (trust §8.2).

use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair,
    PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256,
};

use crate::error::Code;
use crate::tls::{TlsIdentity, server_config};

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
    params.not_after = rcgen::date_time_ymd(2028, 1, 1);
    params
}

/// Runs `openssl`; `None`, with a note, when there is none.
fn openssl(folder: &Path, args: &[&str]) -> Option<()> {
    let output = match Command::new("openssl")
        .args(args)
        .current_dir(folder)
        .output()
    {
        Ok(output) => output,
        Err(error) => {
            println!("skipped: no openssl command: {error}");
            return None;
        }
    };
    assert!(
        output.status.success(),
        "openssl {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(())
}

struct Folder(tempfile::TempDir);

impl Folder {
    /// A folder with `key.pem`, `leaf.pem`, `others.pem` (its authority, and a stranger).
    fn new(key: &KeyPair, leaf: &CertificateParams) -> (Self, Vec<u8>, Vec<u8>) {
        let mut authority = named("authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority =
            CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let stranger = named("stranger")
            .self_signed(&KeyPair::generate().unwrap())
            .unwrap();
        let leaf = leaf.signed_by(key, &authority).unwrap();
        let folder = Self(tempfile::tempdir().unwrap());
        folder.put("key.pem", key.serialize_pem().as_bytes());
        folder.put("leaf.pem", leaf.pem().as_bytes());
        folder.put(
            "others.pem",
            [stranger.pem(), authority.pem()].concat().as_bytes(),
        );
        (folder, leaf.der().to_vec(), authority.der().to_vec())
    }

    fn put(&self, name: &str, content: &[u8]) {
        std::fs::write(self.0.path().join(name), content).unwrap();
    }

    /// `out.p12` as OpenSSL makes it with these options.
    fn export(&self, more: &[&str]) -> Option<Vec<u8>> {
        let usual = ["pkcs12", "-export", "-out", "out.p12", "-inkey", "key.pem"];
        openssl(self.0.path(), &[&usual, more].concat())?;
        Some(std::fs::read(self.0.path().join("out.p12")).unwrap())
    }
}

#[test]
fn files_of_old_and_new_encryption_are_read_whatever_the_key() {
    for algorithm in [&PKCS_RSA_SHA256, &PKCS_ECDSA_P256_SHA256] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let (folder, leaf, authority) = Folder::new(&key, &named("desk"));
        for encryption in [
            &["-passout", "pass:pä ß"][..],
            &["-passout", "pass:pä ß", "-legacy"],
            &[
                "-passout",
                "pass:pä ß",
                "-certpbe",
                "PBE-SHA1-3DES",
                "-keypbe",
                "PBE-SHA1-3DES",
                "-macalg",
                "sha1",
            ],
            &[
                "-passout",
                "pass:pä ß",
                "-certpbe",
                "AES-128-CBC",
                "-keypbe",
                "AES-256-CBC",
                "-macalg",
                "sha512",
            ],
            &[
                "-passout",
                "pass:pä ß",
                "-keypbe",
                "NONE",
                "-certpbe",
                "NONE",
            ],
            &["-passout", "pass:pä ß", "-name", "ünïcode"],
        ] {
            let chain = [&["-in", "leaf.pem", "-certfile", "others.pem"], encryption].concat();
            let Some(file) = folder.export(&chain) else {
                return;
            };
            let identity = TlsIdentity::from_pkcs12(&file, "pä ß", now()).unwrap();
            // The authority belongs to the chain, the stranger does not.
            assert_eq!(
                identity.chain_der(),
                [leaf.clone(), authority.clone()],
                "{encryption:?}"
            );
            server_config(&identity, None).unwrap();
            let wrong = TlsIdentity::from_pkcs12(&file, "pa ss", now()).unwrap_err();
            assert!(
                wrong.message().contains("wrong password"),
                "{encryption:?}: {wrong}"
            );
            assert!(wrong.is(Code::InvalidParameter));
        }
        let empty = folder
            .export(&["-in", "leaf.pem", "-passout", "pass:"])
            .unwrap();
        let identity = TlsIdentity::from_pkcs12(&empty, "", now()).unwrap();
        assert_eq!(identity.chain_der(), [leaf]);
    }
}

#[test]
fn what_cannot_be_used_is_refused_with_the_reason() {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let refused = |file: &[u8]| {
        let error = TlsIdentity::from_pkcs12(file, "p", now()).unwrap_err();
        assert!(error.is(Code::InvalidParameter), "{error}");
        error.message().to_owned()
    };
    let mut old = named("old");
    old.not_after = rcgen::date_time_ymd(2026, 2, 1);
    let (folder, ..) = Folder::new(&key, &old);
    let Some(file) = folder.export(&["-in", "leaf.pem", "-passout", "pass:p"]) else {
        return;
    };
    assert!(refused(&file).contains("has expired"));

    let mut future = named("future");
    future.not_before = rcgen::date_time_ymd(2027, 6, 1);
    let (folder, ..) = Folder::new(&key, &future);
    let file = folder
        .export(&["-in", "leaf.pem", "-passout", "pass:p"])
        .unwrap();
    assert!(refused(&file).contains("not valid yet"));

    let (folder, ..) = Folder::new(&key, &named("good"));
    let file = folder.export(&["-in", "leaf.pem", "-passout", "pass:p", "-nokeys"]);
    assert!(refused(&file.unwrap()).contains("no private key"));
    openssl(
        folder.0.path(),
        &[
            "pkcs12", "-export", "-nocerts", "-inkey", "key.pem", "-out", "out.p12", "-passout",
            "pass:p",
        ],
    );
    let keys_only = std::fs::read(folder.0.path().join("out.p12")).unwrap();
    assert!(refused(&keys_only).contains("no certificate for its private key"));

    openssl(
        folder.0.path(),
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:1024",
            "-nodes",
            "-subj",
            "/CN=small",
            "-keyout",
            "key.pem",
            "-out",
            "leaf.pem",
        ],
    );
    let small = folder
        .export(&["-in", "leaf.pem", "-passout", "pass:p"])
        .unwrap();
    let message = refused(&small);
    assert!(
        message.contains("1024 bits") || message.contains("cannot be used"),
        "{message}"
    );

    for garbage in [&b""[..], b"\x30", b"not a file", &small[..small.len() / 2]] {
        assert!(refused(garbage).contains("cannot be read"));
    }
    assert!(refused(&vec![0; 1024 * 1024 + 1]).contains("limit is 1048576"));
}

#[test]
fn a_damaged_file_never_panics_and_never_becomes_another_identity() {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let (folder, leaf, _) = Folder::new(&key, &named("desk"));
    let Some(file) = folder.export(&[
        "-in", "leaf.pem", "-passout", "pass:p", "-iter", "1", "-maciter",
    ]) else {
        return;
    };
    for index in (0..file.len()).step_by(7) {
        let mut damaged = file.clone();
        damaged[index] ^= 0x41;
        if let Ok(identity) = TlsIdentity::from_pkcs12(&damaged, "p", now()) {
            assert_eq!(identity.certificate_der(), leaf, "byte {index}");
        }
    }
}

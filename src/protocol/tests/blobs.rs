//! Blobs and `_attachments` in bodies (wire §7), proofs and compression (wire §3.10, §3.11).

use bytes::Bytes;

use super::super::attachments::{add_attachments, clean_received, collect_blobs};
use super::super::{Proof, looks_random, should_compress};
use crate::model::BlobDigest;
use crate::model::replication::BlobRef;

const D1: &str = "sha1-c2XTGPrFT86b4bdd8Xo4E/Zpuww=";
const D2: &str = "sha1-qsaeEYgkWAopmCCfeo/r+w19d4g=";

fn add(body: &str, revpos: Option<u32>) -> String {
    String::from_utf8(add_attachments(body.as_bytes(), revpos).unwrap()).unwrap()
}

fn clean(body: &str) -> (String, Vec<String>) {
    let clean = clean_received(Bytes::copy_from_slice(body.as_bytes())).unwrap();
    let digests = clean
        .blobs
        .iter()
        .map(|blob| blob.digest.to_string())
        .collect();
    (String::from_utf8(clean.body.to_vec()).unwrap(), digests)
}

#[test]
fn attachments_are_added_as_in_wire_7_3() {
    let body = format!(
        r#"{{"photo":{{"length":3000,"content_type":"text/plain","digest":"{D1}","@type":"blob"}}}}"#
    );
    let expected = format!(
        r#"{{"photo":{{"length":3000,"content_type":"text/plain","digest":"{D1}","@type":"blob"}},"_attachments":{{"blob_/photo":{{"length":3000,"content_type":"text/plain","digest":"{D1}","stub":true,"revpos":1}}}}}}"#
    );
    assert_eq!(add(&body, Some(1)), expected);
    assert!(!add(&body, None).contains("revpos"));
    // And back.
    assert_eq!(clean(&expected), (body, vec![D1.into()]));
}

#[test]
fn blobs_are_found_at_any_depth_and_numbers_stay_as_written() {
    let body = format!(
        r#"{{"n":1.50e+3,"arr":[0,{{"b":{{"@type":"blob","digest":"{D1}"}}}},12345678901234567890],"x":{{"@type":"other","digest":"{D2}"}}}}"#
    );
    let added = add(&body, Some(3));
    assert!(added.contains(r#""blob_/arr/1/b":{"digest":"#), "{added}");
    assert!(
        added.starts_with(body.strip_suffix('}').unwrap()),
        "{added}"
    );
    assert!(!added.contains("blob_/x"));
    assert_eq!(clean(&added).0, body);
    assert_eq!(collect_blobs(body.as_bytes()).unwrap().len(), 1);
}

#[test]
fn stale_mirrors_are_dropped_and_other_attachments_kept() {
    let body = format!(
        r#"{{"_attachments":{{"blob_/old":{{"digest":"{D1}"}},"a.txt":{{"digest":"{D2}","stub":true}}}},"b":{{"@type":"blob","digest":"{D1}"}}}}"#
    );
    assert_eq!(
        add(&body, None),
        format!(
            r#"{{"b":{{"@type":"blob","digest":"{D1}"}},"_attachments":{{"a.txt":{{"digest":"{D2}","stub":true}},"blob_/b":{{"digest":"{D1}","stub":true}}}}}}"#
        )
    );
    let stale = format!(r#"{{"_attachments":{{"blob_/old":{{"digest":"{D1}"}}}},"a":1}}"#);
    assert_eq!(add(&stale, None), r#"{"a":1}"#);
}

#[test]
fn an_attachment_of_the_rest_api_is_kept_and_fetched() {
    let body = format!(
        r#"{{"_attachments":{{"a.txt":{{"digest":"{D1}","length":10,"stub":true}}}},"t":1}}"#
    );
    assert_eq!(clean(&body), (body.clone(), vec![D1.into()]));
    let blob = &collect_blobs(body.as_bytes()).unwrap()[0];
    assert_eq!(blob.length, Some(10));
}

#[test]
fn reserved_keys_are_stripped_however_they_are_spelt() {
    let (body, _) = clean(r#"{"_id":"x","a":{"_b":1},"\u005frev":"1-aa","_exp":{"x":[1,2]}}"#);
    assert_eq!(body, r#"{"a":{"_b":1}}"#);
    assert_eq!(clean(r#" { "_id" : 1 } "#).0, "{}");
    let removed = clean_received(Bytes::from_static(b"{\"_removed\":true}")).unwrap();
    assert!(removed.removed && &removed.body[..] == b"{}");
    let kept = clean_received(Bytes::from_static(b"{\"_removed\":false}")).unwrap();
    assert!(!kept.removed);
}

#[test]
fn a_plain_body_is_not_copied() {
    let body = Bytes::from_static(br#"{"name":"a_b@c","list":[1,2,3],"path":"c:\\x"}"#);
    let clean = clean_received(body.clone()).unwrap();
    assert_eq!(clean.body.as_ptr(), body.as_ptr());
    assert!(clean.blobs.is_empty());
}

#[test]
fn an_escaped_blob_type_is_a_blob() {
    let body = format!(r#"{{"b":{{"\u0040ty\u0070e":"bl\u006fb","digest":"{D1}"}}}}"#);
    assert_eq!(clean(&body).1, [D1]);
}

#[test]
fn edits_made_in_the_attachments_win() {
    let body = format!(
        r#"{{"p":{{"@type":"blob","digest":"{D1}","length":10,"x":1}},"q":[{{"@type":"blob","digest":"{D1}"}}],"_attachments":{{"blob_/p":{{"digest":"{D2}","length":4,"content_type":"image/png","stub":true}},"blob_/q/0":{{"digest":"{D1}","stub":true,"length":10}}}}}}"#
    );
    assert_eq!(
        clean(&body),
        (
            format!(
                r#"{{"p":{{"@type":"blob","digest":"{D2}","length":4,"x":1,"content_type":"image/png"}},"q":[{{"@type":"blob","digest":"{D1}","length":10}}]}}"#
            ),
            vec![D2.into(), D1.into()]
        )
    );
}

#[test]
fn mirrors_of_couchbase_lite_2_0_are_stripped() {
    let body = format!(
        r#"{{"p":{{"@type":"blob","digest":"{D1}"}},"_attachments":{{"blob_1":{{"digest":"{D1}"}}}}}}"#
    );
    let (cleaned, digests) = clean(&body);
    assert_eq!(
        cleaned,
        format!(r#"{{"p":{{"@type":"blob","digest":"{D1}"}}}}"#)
    );
    assert_eq!(digests, [D1]);
}

#[test]
fn blobs_that_the_attachments_do_not_list_are_told() {
    let body = format!(
        r#"{{"p":{{"@type":"blob","digest":"{D1}"}},"_attachments":{{"a":{{"digest":"{D2}"}}}}}}"#
    );
    let clean = clean_received(body.into()).unwrap();
    assert_eq!(clean.unlisted, [BlobDigest::parse(D1).unwrap()]);
    let body = format!(r#"{{"p":{{"@type":"blob","digest":"{D1}"}}}}"#);
    assert!(clean_received(body.into()).unwrap().unlisted.is_empty());
}

#[test]
fn bodies_that_are_no_objects_or_too_deep_are_refused() {
    for body in [
        "[\"_\"]",
        "{\"_a\":1",
        "{\"_a\"}",
        "{\"_a\":}",
        "{\"_a\":1}x",
        "\"_",
        "{\"_a\\",
        "{\"@type\":[}",
        "{\"_a\":1,}",
    ] {
        let error = clean_received(Bytes::copy_from_slice(body.as_bytes())).unwrap_err();
        assert_eq!(error.code(), 5, "{body}");
    }
    let nest = |depth: usize| {
        format!(
            "{{\"_x\":1,\"a\":{}{}}}",
            "[".repeat(depth),
            "]".repeat(depth)
        )
        .into()
    };
    assert!(clean_received(nest(99)).is_ok());
    assert_eq!(clean_received(nest(100)).unwrap_err().code(), 9);
    assert_eq!(clean_received(nest(10_000)).unwrap_err().code(), 9);
}

#[test]
fn the_proof_of_wire_a_4_is_computed() {
    let mut proof = Proof::new(b"0123456789abcdefghij");
    proof.update(b"pn");
    proof.update(b"g!");
    assert_eq!(proof.finish(), D2);
}

#[test]
fn only_compressible_blobs_are_asked_for_compressed() {
    let blob = |content_type: Option<&str>, encoding: Option<&str>| BlobRef {
        digest: BlobDigest::of(b""),
        length: None,
        content_type: content_type.map(Into::into),
        encoding: encoding.map(Into::into),
    };
    assert!(should_compress(&blob(Some("text/plain"), None)));
    assert!(should_compress(&blob(
        Some("application/json"),
        Some("utf-8")
    )));
    for (content_type, encoding) in [
        (None, None),
        (Some("IMAGE/svg"), None),
        (Some("video/x"), None),
        (Some("application/gzip"), None),
        (Some("application/x-rar"), None),
        (Some("text/plain"), Some("GZIP")),
    ] {
        assert!(
            !should_compress(&blob(content_type, encoding)),
            "{content_type:?}"
        );
    }
}

#[test]
fn what_is_packed_already_looks_random() {
    use std::io::Write as _;

    let text = concat!(include_str!("../request.rs"), include_str!("../changes.rs"));
    let text = text.as_bytes();
    let mut packed = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(text).unwrap();
    let packed = packed.finish().unwrap();
    assert!(packed.len() > 4096);
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &packed);
    assert!(looks_random(&packed));
    // With a header in plain text.
    assert!(looks_random(&[&text[..100], &packed].concat()));
    for plain in [text, base64.as_bytes(), &[0; 5000], &packed[..500], b""] {
        assert!(!looks_random(plain), "{}", plain.len());
    }
    // Half of it would get shorter.
    assert!(!looks_random(&[&text[..packed.len()], &packed].concat()));
}

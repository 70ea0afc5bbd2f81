use std::time::Duration;

use super::*;
use crate::error::Code;

fn script(text: &str) -> Script {
    Script::compile(&text.into(), quick()).unwrap()
}

/// Short enough for a test, long enough for a busy machine.
fn quick() -> Limits {
    Limits {
        time: Duration::from_millis(300),
        memory: 8 << 20,
        ..Limits::default()
    }
}

fn refusal(text: &str) -> String {
    let Err(error) = Script::compile(&text.into(), quick()) else {
        panic!("accepted: {text}");
    };
    assert!(error.is(Code::InvalidParameter), "{error:?}");
    error.message().to_owned()
}

#[test]
fn the_result_is_coerced_as_javascript_does() {
    for (result, accepted) in [
        ("true", true),
        ("1", true),
        ("'no'", true),
        ("({})", true),
        ("false", false),
        ("0", false),
        ("''", false),
        ("null", false),
        ("undefined", false),
        ("NaN", false),
    ] {
        let mut script = script(&format!("(document, flags) => {result}"));
        assert_eq!(script.accepts(b"{}", "x", &[]), Ok(accepted), "{result}");
    }
}

#[test]
fn a_function_sees_the_document_its_id_and_the_flags() {
    let mut script = script(
        "function (document, flags) {
            return document.id === 'doc1' && document.name === 'Zo\u{eb}' && document.deep.list[1] === 2.5
                && flags.includes(ReplicatedDocumentFlag.DELETED) && flags.length === 1;
        } // the end",
    );
    let document = r#"{"id":"its own","name":"Zoë","deep":{"list":[1,2.50]}}"#;
    assert_eq!(
        script.accepts(document.as_bytes(), "doc1", &["DELETED"]),
        Ok(true)
    );
    assert_eq!(script.accepts(document.as_bytes(), "doc1", &[]), Ok(false));
}

#[test]
fn every_way_to_write_a_function_is_understood() {
    for text in [
        "doc => doc.ok",
        "(doc, flags) => { return doc.ok; }",
        "function(doc) { return doc.ok }",
        "function named(doc) { return doc.ok }",
        "method(doc) { return doc.ok; }",
        "({ok}) => ok ?? false",
    ] {
        let mut script = script(text);
        assert_eq!(script.accepts(br#"{"ok":true}"#, "x", &[]), Ok(true));
        assert_eq!(script.accepts(b"{}", "x", &[]), Ok(false));
    }
}

#[test]
fn text_that_gives_no_function_is_refused_with_the_reason() {
    assert!(refusal("(doc => ").contains("SyntaxError"));
    assert!(refusal("42").contains("no function"));
    assert!(refusal("outer.method").contains("outer"));
    assert!(refusal("(() => { for (;;); })()").contains("too long"));
}

#[test]
fn nothing_of_the_world_is_there() {
    for name in [
        "require",
        "process",
        "fetch",
        "std",
        "os",
        "setTimeout",
        "Buffer",
        "module",
    ] {
        let mut script = script(&format!("() => typeof {name} === 'undefined'"));
        assert_eq!(script.accepts(b"{}", "x", &[]), Ok(true), "{name}");
    }
    let mut imports = script("() => { import('std').then(() => { throw 1 }); return true; }");
    assert_eq!(imports.accepts(b"{}", "x", &[]), Ok(true));
}

#[test]
fn what_is_thrown_is_told_and_the_next_call_goes_on() {
    let mut script =
        script("doc => { if (doc.bad) throw new TypeError('no\\nway'); return true; }");
    assert_eq!(
        script.accepts(br#"{"bad":1}"#, "x", &[]),
        Err(Failure::Threw("TypeError: no way".into()))
    );
    assert_eq!(script.accepts(b"{}", "x", &[]), Ok(true));
    let mut outer = Script::compile(&"doc => outside.has(doc.id)".into(), quick()).unwrap();
    assert!(matches!(
        outer.accepts(b"{}", "x", &[]),
        Err(Failure::Threw(message)) if message.contains("outside")
    ));
    let mut strange = Script::compile(&"() => { throw 'text' }".into(), quick()).unwrap();
    assert_eq!(
        strange.accepts(b"{}", "x", &[]),
        Err(Failure::Threw("text".into()))
    );
}

#[test]
fn an_endless_loop_ends_and_costs_nothing_but_its_own_document() {
    let mut script = script("doc => { while (doc.loop) {} return true; }");
    let endless = br#"{"loop":true}"#;
    assert_eq!(script.accepts(endless, "x", &[]), Err(Failure::TimedOut));
    assert_eq!(script.accepts(b"{}", "x", &[]), Ok(true));
    let mut stubborn = Script::compile(
        &"doc => { for (;;) { try { while (doc.loop) {} return true } catch {} } }".into(),
        quick(),
    )
    .unwrap();
    assert_eq!(stubborn.accepts(endless, "x", &[]), Err(Failure::TimedOut));
}

#[test]
fn an_endless_chain_of_promises_ends() {
    let mut script = script("() => { (async () => { for (;;) await null; })(); return true; }");
    assert_eq!(script.accepts(b"{}", "x", &[]), Err(Failure::TimedOut));
}

#[test]
fn a_pattern_that_backtracks_without_end_is_cut_off() {
    let mut script = script("doc => /^(a+)+$/.test(doc.text)");
    let document = format!(r#"{{"text":"{}!"}}"#, "a".repeat(40));
    assert!(script.accepts(document.as_bytes(), "x", &[]).is_err());
    assert_eq!(script.accepts(br#"{"text":"aa"}"#, "x", &[]), Ok(true));
}

#[test]
fn memory_and_stack_have_bounds() {
    let mut hungry = script(
        "doc => { const all = []; while (doc.eat) all.push(new Array(1000).fill(7)); return true }",
    );
    assert_eq!(
        hungry.accepts(br#"{"eat":1}"#, "x", &[]),
        Err(Failure::OutOfMemory)
    );
    assert_eq!(hungry.accepts(b"{}", "x", &[]), Ok(true));
    let mut deep = script("function f(doc) { return doc.down ? f(doc) : true }");
    assert!(matches!(
        deep.accepts(br#"{"down":1}"#, "x", &[]),
        Err(Failure::Threw(_))
    ));
    assert_eq!(deep.accepts(b"{}", "x", &[]), Ok(true));
}

#[test]
fn a_running_script_is_cancelled() {
    let cancelled = Arc::new(AtomicBool::new(false));
    let limits = Limits {
        time: Duration::from_secs(60),
        ..quick()
    };
    let text = "() => { for (;;); }".into();
    let mut script = Script::compile_cancellable(&text, limits, cancelled.clone()).unwrap();
    let canceller = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        cancelled.store(true, Ordering::Relaxed);
    });
    assert_eq!(script.accepts(b"{}", "x", &[]), Err(Failure::Cancelled));
    canceller.join().unwrap();
}

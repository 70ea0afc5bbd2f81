//! What replication costs on the wire, in bytes of both directions.

use super::pair::{PULL, PUSH, Peer};
use super::simulation::{Dice, LinkKind, Simulation};

const WORDS: [&str; 16] = [
    "Ada", "Björn", "Chidi", "Dolores", "Lisbon", "Nairobi", "Oslo", "Quito", "Street", "Square",
    "Garden", "Market", "paid", "open", "shipped", "returned",
];

/// Orders of about 300 bytes, as an application has them.
fn fill(peer: &Peer, count: usize) -> usize {
    let mut dice = Dice::new(7);
    let mut bytes = 0;
    for n in 0..count {
        let mut word = || WORDS[dice.below(WORDS.len())];
        let (first, last, street, city, state) = (word(), word(), word(), word(), word());
        let mut number = |limit| dice.below(limit);
        let body = format!(
            r#"{{"type":"order","number":{n},"customer":{{"name":"{first} {last}","email":"{first}.{last}@example.com"}},"address":{{"street":"{street} {}","city":"{city}","zip":"{}"}},"total":{}.{:02},"state":"{state}","items":[{{"sku":"A-{}","count":{}}},{{"sku":"B-{}","count":{}}}],"at":"2026-{:02}-{:02}T{:02}:{:02}:00Z"}}"#,
            number(200), number(99_999), number(900), number(100), number(9_999), number(9),
            number(9_999), number(9), number(12), number(28), number(24), number(60),
        );
        bytes += body.len();
        peer.save(0, &format!("order-{n:06}"), &body);
    }
    bytes
}

#[test]
fn new_documents_cost_half_of_their_json_at_most() {
    for config in [PUSH, PULL] {
        let (a, b) = (Peer::new(&["shop.orders"]), Peer::new(&["shop.orders"]));
        // Not empty, so that both directions go the same way.
        a.save(0, "here", "{}");
        let json = fill(if config.push { &a } else { &b }, 2_000);
        let mut simulation = Simulation::new(&a, &b, config, LinkKind::Clean, 1);
        if let Ok(level) = std::env::var("LEVEL") {
            simulation.level = level.parse().unwrap();
        }
        simulation.run(&[]);
        let share = simulation.bytes as f64 / json as f64;
        println!("push {}: {share:.3} of {} each", config.push, json / 2_000);
        if std::env::var("LEVEL").is_err() {
        assert!(share <= 0.5, "{share}");
        }
    }
}

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
        let (one, two) = (word(), word());
        let mut number = |limit| dice.below(limit);
        let body = format!(
            r#"{{"type":"order","number":{n},"customer":{{"name":"{first} {last}","email":"{first}.{last}@example.com"}},"address":{{"street":"{street} street {}","city":"{city}","country":"Portugal"}},"tags":["{one}","{two}"],"total":{}.{:02},"state":"{state}","items":[{{"sku":"A-{}","count":{}}}],"shipped":true,"at":"2026-{:02}-{:02}T10:00:00Z"}}"#,
            number(200),
            number(900),
            number(100),
            number(9_999),
            number(9),
            number(12),
            number(28),
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
        simulation.run(&[]);
        let share = simulation.bytes as f64 / json as f64;
        assert!(share <= 0.5, "push {}: {share:.3}", config.push);
    }
}

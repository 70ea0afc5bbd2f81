//! Queries made of pieces of others: nearly all random changes of a text only break its grammar,
//! these reach what comes after.

use std::fs;
use std::path::Path;

use settee::fuzzing;

/// Expressions, and clauses that may follow most words.
const PIECES: [&str; 54] = [
    "META().id",
    "META().deleted",
    "META()",
    "META(e).id",
    "_id",
    "_sequence",
    "COUNT(*)",
    "SUM(n)",
    "MIN(s)",
    "ARRAY_AGG(n)",
    "RANK(f)",
    "MATCH(f, 'fox')",
    "AND MATCH(f, $p)",
    "ANY v IN a SATISFIES v > 1 END",
    "EVERY v IN a SATISFIES v = n AND META().id = 'x' END",
    "ANY AND EVERY v IN $p SATISFIES ANY w IN v SATISFIES w = v END END",
    "$p",
    "$p.a[0]",
    "d.n",
    "d.*",
    "*",
    "EXISTS (SELECT n FROM _ GROUP BY n)",
    "(n COLLATE NOCASE)",
    "((n = 's') COLLATE (UNICODE:de NOCASE))",
    "COLLATE NOCASE",
    "CASE WHEN n THEN 1 END",
    "CASE META().id WHEN 5 THEN 2 ELSE n > 2 END",
    "[n, {'a': s}]",
    "{'a': {'b': null}}.a.b",
    "[1, 2, [3]]",
    "NOT n",
    "-s",
    "(n IN (1, 2, META().id))",
    "(META().id IN a)",
    "(META().sequence > $p)",
    "(META().id BETWEEN $p AND 'b')",
    "ARRAY_COUNT(o.p)",
    "(n IS VALUED)",
    "(CONTAINS(s, 'e') COLLATE UNICODE)",
    "('a' || n || 1.5)",
    "1e400",
    "-9223372036854775808",
    "LOWER(s)",
    "MILLIS_TO_STR(n)",
    "DISTINCT",
    "AS x",
    "UNNEST d.a t",
    "JOIN s.k e ON true",
    "LEFT JOIN s.k e ON META(e).id = d.n",
    "GROUP BY n",
    "HAVING COUNT(*) > 1",
    "ORDER BY 1, x DESC",
    "LIMIT $p OFFSET 1",
    "_ d",
];

/// A text as words and single characters.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut in_word = false;
    for c in text.chars() {
        let word = c.is_alphanumeric() || "_$.'\"`".contains(c);
        match pieces.last_mut() {
            Some(last) if in_word && word => last.push(c),
            _ if c.is_whitespace() => {}
            _ => pieces.push(c.to_string()),
        }
        in_word = word;
    }
    pieces
}

#[test]
fn queries_made_of_pieces_of_others_become_sql_that_sqlite_takes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/queries");
    let mut seeds: Vec<Vec<String>> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| fs::read(entry.unwrap().path()).unwrap())
        .map(|seed| pieces(&String::from_utf8_lossy(&seed)))
        .filter(|pieces| !pieces.is_empty())
        .collect();
    seeds.sort();
    let count = std::env::var("SETTEE_TEST_SPLICED").ok();
    let count = count.and_then(|count| count.parse().ok()).unwrap_or(4_000);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ count;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % below.max(1)
    };
    for _ in 0..count {
        let mut text = seeds[random(seeds.len())].clone();
        for _ in 0..=random(3) {
            let at = random(text.len());
            let end = (at + random(2) + usize::from(random(4) > 0)).min(text.len());
            let piece = match random(3) {
                0 => {
                    let other = &seeds[random(seeds.len())];
                    let from = random(other.len());
                    other[from..(from + 1 + random(5)).min(other.len())].to_vec()
                }
                _ => vec![PIECES[random(PIECES.len())].to_owned()],
            };
            text.splice(at..end, piece);
        }
        fuzzing::queries(text.join(" ").as_bytes());
    }
}

//! Pattern text to a tree.

use super::class::{CharSet, DIGITS, LINE_BREAKS, SPACE, WORD};

/// Deepest nesting of groups.
const MAX_DEPTH: usize = 100;

/// A parsed pattern.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) root: Node,
    /// What [`Node::Set`] counts in.
    pub(super) sets: Vec<CharSet>,
    /// Number of capturing groups.
    pub(super) groups: usize,
    pub(super) has_back_references: bool,
}

/// One node of the tree.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Char(char),
    /// Index of a set.
    Set(usize),
    Start,
    End,
    /// `\b`, or `\B` when false.
    Boundary(bool),
    /// Counted from 1.
    Group(usize, Box<Self>),
    BackReference(usize),
    Look {
        ahead: bool,
        negative: bool,
        body: Box<Self>,
    },
    Repeat {
        body: Box<Self>,
        min: u32,
        max: Option<u32>,
        greedy: bool,
        /// Groups inside, from and up to; they are forgotten at every round.
        groups: (usize, usize),
    },
    Sequence(Vec<Self>),
    Choice(Vec<Self>),
}

/// Parses; `None` when it is no pattern.
pub(super) fn parse(text: &str) -> Option<Parsed> {
    let chars: Vec<char> = text.chars().collect();
    let names = group_names(&chars);
    let mut parser = Parser {
        chars,
        at: 0,
        sets: Vec::new(),
        names,
        opened: 0,
        has_back_references: false,
    };
    let root = parser.choice(0)?;
    (parser.at == parser.chars.len()).then_some(Parsed {
        root,
        sets: parser.sets,
        groups: parser.opened,
        has_back_references: parser.has_back_references,
    })
}

/// The capturing groups in order, with their names: references may come before them.
fn group_names(chars: &[char]) -> Vec<Option<String>> {
    let mut names = Vec::new();
    let mut in_class = false;
    let mut at = 0;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 1,
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => match chars.get(at + 1..) {
                Some(['?', '<', first, ..]) if !matches!(first, '=' | '!') => {
                    let name = chars[at + 3..].iter().take_while(|c| **c != '>').collect();
                    names.push(Some(name));
                }
                Some(['?', ..]) => {}
                _ => names.push(None),
            },
            _ => {}
        }
        at += 1;
    }
    names
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    sets: Vec<CharSet>,
    names: Vec<Option<String>>,
    /// Groups that were opened so far.
    opened: usize,
    has_back_references: bool,
}

/// What an escape stands for.
enum Escape {
    Char(char),
    Set(CharSet),
    /// Half of a surrogate pair alone: no code point, so it matches nothing.
    Nothing,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn take(&mut self, wanted: &str) -> bool {
        let rest = self.chars.get(self.at..).unwrap_or_default();
        let count = wanted.chars().count();
        let found = rest.len() >= count
            && rest
                .iter()
                .copied()
                .zip(wanted.chars())
                .all(|(a, b)| a == b);
        if found {
            self.at += count;
        }
        found
    }

    fn choice(&mut self, depth: usize) -> Option<Node> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut branches = vec![self.sequence(depth)?];
        while self.take("|") {
            branches.push(self.sequence(depth)?);
        }
        Some(if branches.len() == 1 {
            branches.remove(0)
        } else {
            Node::Choice(branches)
        })
    }

    fn sequence(&mut self, depth: usize) -> Option<Node> {
        let mut terms = Vec::new();
        while let Some(c) = self.peek() {
            if matches!(c, '|' | ')') {
                break;
            }
            let groups_before = self.opened;
            let (term, may_repeat) = self.term(depth)?;
            terms.push(match self.quantifier()? {
                None => term,
                Some(_) if !may_repeat => return None,
                Some((min, max, greedy)) => Node::Repeat {
                    body: Box::new(term),
                    min,
                    max,
                    greedy,
                    groups: (groups_before + 1, self.opened + 1),
                },
            });
        }
        Some(if terms.len() == 1 {
            terms.remove(0)
        } else {
            Node::Sequence(terms)
        })
    }

    /// A term without its quantifier, and whether it may have one.
    fn term(&mut self, depth: usize) -> Option<(Node, bool)> {
        Some(match self.next()? {
            '^' => (Node::Start, false),
            '$' => (Node::End, false),
            '(' => self.group(depth)?,
            '.' => (self.set(CharSet::not(LINE_BREAKS)), true),
            '[' => {
                let class = self.class()?;
                (self.set(class), true)
            }
            '*' | '+' | '?' => return None,
            '{' => {
                self.at -= 1;
                if self.counts().is_some() {
                    return None;
                }
                self.at += 1;
                (Node::Char('{'), true)
            }
            '\\' => match self.peek()? {
                'b' => {
                    self.at += 1;
                    (Node::Boundary(true), false)
                }
                'B' => {
                    self.at += 1;
                    (Node::Boundary(false), false)
                }
                '1'..='9' => (self.numbered_reference()?, true),
                'k' if self.names.iter().any(Option::is_some) => (self.named_reference()?, true),
                _ => (
                    match self.escape()? {
                        Escape::Char(c) => Node::Char(c),
                        Escape::Set(set) => self.set(set),
                        Escape::Nothing => self.set(CharSet::default()),
                    },
                    true,
                ),
            },
            c => (Node::Char(c), true),
        })
    }

    fn set(&mut self, set: CharSet) -> Node {
        let index = self.sets.iter().position(|known| *known == set);
        Node::Set(index.unwrap_or_else(|| {
            self.sets.push(set);
            self.sets.len() - 1
        }))
    }

    /// After `(`.
    fn group(&mut self, depth: usize) -> Option<(Node, bool)> {
        let look = |ahead, negative| Some((ahead, negative));
        let looks = if self.take("?=") {
            look(true, false)
        } else if self.take("?!") {
            look(true, true)
        } else if self.take("?<=") {
            look(false, false)
        } else if self.take("?<!") {
            look(false, true)
        } else {
            None
        };
        let index = if looks.is_some() || self.take("?:") {
            None
        } else {
            if self.take("?<") {
                let name = self.group_name()?;
                // A name stands for one group only.
                if self.names.iter().flatten().filter(|n| **n == name).count() != 1 {
                    return None;
                }
            } else if self.peek() == Some('?') {
                return None;
            }
            self.opened += 1;
            Some(self.opened)
        };
        let body = Box::new(self.choice(depth + 1)?);
        if !self.take(")") {
            return None;
        }
        Some(match (looks, index) {
            (Some((ahead, negative)), _) => (
                Node::Look {
                    ahead,
                    negative,
                    body,
                },
                ahead,
            ),
            (None, Some(index)) => (Node::Group(index, body), true),
            (None, None) => (*body, true),
        })
    }

    /// After `<`: the name, and the `>` behind it.
    fn group_name(&mut self) -> Option<String> {
        let mut name = String::new();
        loop {
            match self.next()? {
                '>' if !name.is_empty() => return Some(name),
                c if c.is_alphanumeric() || matches!(c, '_' | '$') => name.push(c),
                _ => return None,
            }
        }
    }

    fn numbered_reference(&mut self) -> Option<Node> {
        let number = self.number()? as usize;
        self.reference(number)
    }

    fn named_reference(&mut self) -> Option<Node> {
        if !self.take("k<") {
            return None;
        }
        let name = self.group_name()?;
        let index = self.names.iter().position(|n| n.as_ref() == Some(&name))?;
        self.reference(index + 1)
    }

    fn reference(&mut self, group: usize) -> Option<Node> {
        self.has_back_references = true;
        (group <= self.names.len()).then_some(Node::BackReference(group))
    }

    /// Decimal digits; saturates.
    fn number(&mut self) -> Option<u32> {
        let mut number = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            number = Some(
                number
                    .unwrap_or(0_u32)
                    .saturating_mul(10)
                    .saturating_add(digit),
            );
            self.at += 1;
        }
        number
    }

    /// A quantifier if there is one: least and most rounds, whether greedy. `None` when it is
    /// wrong.
    #[expect(clippy::option_option, reason = "no quantifier is not a wrong one")]
    fn quantifier(&mut self) -> Option<Option<(u32, Option<u32>, bool)>> {
        let counts = if self.take("*") {
            (0, None)
        } else if self.take("+") {
            (1, None)
        } else if self.take("?") {
            (0, Some(1))
        } else if let Some(counts) = self.counts() {
            counts
        } else {
            return Some(None);
        };
        if counts.1.is_some_and(|max| max < counts.0) {
            return None;
        }
        let greedy = !self.take("?");
        Some(Some((counts.0, counts.1, greedy)))
    }

    /// `{n}`, `{n,}` or `{n,m}`; does not move when it is none of them.
    fn counts(&mut self) -> Option<(u32, Option<u32>)> {
        let start = self.at;
        let counts = self.try_counts();
        if counts.is_none() {
            self.at = start;
        }
        counts
    }

    fn try_counts(&mut self) -> Option<(u32, Option<u32>)> {
        if !self.take("{") {
            return None;
        }
        let min = self.number()?;
        let max = if self.take(",") {
            self.number()
        } else {
            Some(min)
        };
        self.take("}").then_some((min, max))
    }

    /// After a backslash that starts neither an assertion nor a reference.
    fn escape(&mut self) -> Option<Escape> {
        Some(match self.next()? {
            'd' => Escape::Set(CharSet::new(DIGITS)),
            'D' => Escape::Set(CharSet::not(DIGITS)),
            'w' => Escape::Set(CharSet::new(WORD)),
            'W' => Escape::Set(CharSet::not(WORD)),
            's' => Escape::Set(CharSet::new(SPACE)),
            'S' => Escape::Set(CharSet::not(SPACE)),
            'f' => Escape::Char('\u{c}'),
            'n' => Escape::Char('\n'),
            'r' => Escape::Char('\r'),
            't' => Escape::Char('\t'),
            'v' => Escape::Char('\u{b}'),
            '0' => {
                if self.peek().is_some_and(|c| c.is_ascii_digit()) {
                    return None;
                }
                Escape::Char('\0')
            }
            'c' => {
                let letter = self.next().filter(char::is_ascii_alphabetic)?;
                Escape::Char(char::from(letter as u8 % 32))
            }
            'x' => match self.hex(2) {
                Some(code) => Escape::Char(char::from_u32(code)?),
                None => Escape::Char('x'),
            },
            'u' => self.unicode_escape(),
            c => Escape::Char(c),
        })
    }

    /// After `\u`: four digits, two times four for a surrogate pair, or any number in braces.
    fn unicode_escape(&mut self) -> Escape {
        let start = self.at;
        if self.take("{") {
            let count = self.chars[self.at..]
                .iter()
                .take_while(|c| c.is_ascii_hexdigit())
                .count();
            if (1..=6).contains(&count)
                && let Some(c) = self.hex(count).and_then(char::from_u32)
                && self.take("}")
            {
                return Escape::Char(c);
            }
            self.at = start;
            return Escape::Char('u');
        }
        let Some(first) = self.hex(4) else {
            return Escape::Char('u');
        };
        if let Some(c) = char::from_u32(first) {
            return Escape::Char(c);
        }
        let after = self.at;
        if (0xd800..0xdc00).contains(&first)
            && self.take("\\u")
            && let Some(second @ 0xdc00..0xe000) = self.hex(4)
        {
            let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            return char::from_u32(code).map_or(Escape::Nothing, Escape::Char);
        }
        self.at = after;
        Escape::Nothing
    }

    /// Exactly so many hexadecimal digits; does not move when there are fewer.
    fn hex(&mut self, count: usize) -> Option<u32> {
        let digits = self.chars.get(self.at..self.at + count)?;
        let code = digits
            .iter()
            .try_fold(0, |code, c| Some(code * 16 + c.to_digit(16)?))?;
        self.at += count;
        Some(code)
    }

    /// After `[`: members up to `]`.
    fn class(&mut self) -> Option<CharSet> {
        let negated = self.take("^");
        let mut ranges = Vec::new();
        while !self.take("]") {
            let first = self.class_member()?;
            let is_range =
                self.peek() == Some('-') && self.chars.get(self.at + 1).is_some_and(|c| *c != ']');
            if !is_range {
                push(&mut ranges, &first);
                continue;
            }
            self.at += 1;
            let last = self.class_member()?;
            match (&first, &last) {
                (Escape::Char(first), Escape::Char(last)) if first <= last => {
                    ranges.push((u32::from(*first), u32::from(*last)));
                }
                (Escape::Char(_), Escape::Char(_)) => return None,
                _ => {
                    push(&mut ranges, &first);
                    push(&mut ranges, &Escape::Char('-'));
                    push(&mut ranges, &last);
                }
            }
        }
        Some(if negated {
            CharSet::not(&ranges)
        } else {
            CharSet::new(&ranges)
        })
    }

    fn class_member(&mut self) -> Option<Escape> {
        match self.next()? {
            '\\' => match self.peek()? {
                'b' => {
                    self.at += 1;
                    Some(Escape::Char('\u{8}'))
                }
                '1'..='9' => None,
                _ => self.escape(),
            },
            c => Some(Escape::Char(c)),
        }
    }
}

fn push(ranges: &mut Vec<(u32, u32)>, member: &Escape) {
    match member {
        Escape::Char(c) => ranges.push((u32::from(*c), u32::from(*c))),
        Escape::Set(set) => ranges.extend_from_slice(set.ranges()),
        Escape::Nothing => {}
    }
}

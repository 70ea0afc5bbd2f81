//! The tree to a program of few, simple instructions.

use super::class::CharSet;
use super::parse::{Node, Parsed};

/// Most instructions of a program.
const MAX_PROGRAM: usize = 50_000;

/// A program. It starts at instruction 0.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) instructions: Vec<Instruction>,
    pub(super) sets: Vec<CharSet>,
    /// Start and end of the match and of every group.
    pub(super) group_slots: usize,
    /// Those, and the marks of loops behind them.
    pub(super) slots: usize,
    /// Number of places whose failures are remembered. `None` when what they lead to depends on
    /// more than the position, on groups or marks, so that nothing may be remembered.
    pub(super) memory: Option<usize>,
    /// What every match begins with, if it is one certain character.
    pub(super) first: Option<char>,
    /// Whether a match can only be at the start of the text.
    pub(super) anchored: bool,
}

/// What matches exactly one character.
#[derive(Clone, Copy, Debug)]
pub(super) enum Single {
    Char(char),
    Set(usize),
}

/// Positions in the program are absolute. `back` reads the text toward its start.
#[derive(Clone, Copy, Debug)]
pub(super) enum Instruction {
    Single {
        single: Single,
        back: bool,
    },
    /// Any number of them, as many as possible first.
    Run {
        single: Single,
        back: bool,
        id: usize,
    },
    Start,
    End,
    Boundary(bool),
    /// Goes on at `first`, and at `second` if that fails.
    Split {
        first: usize,
        second: usize,
        id: usize,
    },
    Jump(usize),
    Save(usize),
    /// Forgets the slots from and up to.
    Forget(usize, usize),
    /// Remembers the position in a slot.
    Mark(usize),
    /// Fails when the position is still the marked one.
    Progress(usize),
    BackReference {
        group: usize,
        back: bool,
    },
    /// The body follows; it ends with `Accept`, and `after` is behind it.
    Look {
        negative: bool,
        after: usize,
    },
    Accept,
}

/// Compiles; `None` when the program would be too large.
pub(super) fn compile(parsed: &Parsed) -> Option<Program> {
    let group_slots = 2 * (parsed.groups + 1);
    let mut compiler = Compiler {
        instructions: Vec::new(),
        slots: group_slots,
        ids: 0,
    };
    compiler.emit(Instruction::Save(0))?;
    compiler.node(&parsed.root, false)?;
    compiler.emit(Instruction::Save(1))?;
    compiler.emit(Instruction::Accept)?;
    Some(Program {
        instructions: compiler.instructions,
        sets: parsed.sets.clone(),
        group_slots,
        slots: compiler.slots,
        memory: (!parsed.has_back_references && compiler.slots == group_slots)
            .then_some(compiler.ids),
        first: first_char(&parsed.root),
        anchored: is_anchored(&parsed.root),
    })
}

struct Compiler {
    instructions: Vec<Instruction>,
    slots: usize,
    ids: usize,
}

impl Compiler {
    fn emit(&mut self, instruction: Instruction) -> Option<usize> {
        if self.instructions.len() == MAX_PROGRAM {
            return None;
        }
        self.instructions.push(instruction);
        Some(self.instructions.len() - 1)
    }

    fn here(&self) -> usize {
        self.instructions.len()
    }

    fn id(&mut self) -> usize {
        self.ids += 1;
        self.ids - 1
    }

    /// Recursion is bounded by the parser.
    fn node(&mut self, node: &Node, back: bool) -> Option<()> {
        if let Some(single) = single(node) {
            self.emit(Instruction::Single { single, back })?;
            return Some(());
        }
        match node {
            Node::Char(_) | Node::Set(_) => {}
            Node::Start => {
                self.emit(Instruction::Start)?;
            }
            Node::End => {
                self.emit(Instruction::End)?;
            }
            Node::Boundary(wanted) => {
                self.emit(Instruction::Boundary(*wanted))?;
            }
            Node::Group(index, body) => {
                // Read backward, the end comes first.
                self.emit(Instruction::Save(2 * index + usize::from(back)))?;
                self.node(body, back)?;
                self.emit(Instruction::Save(2 * index + usize::from(!back)))?;
            }
            Node::BackReference(group) => {
                let group = *group;
                self.emit(Instruction::BackReference { group, back })?;
            }
            Node::Look {
                ahead,
                negative,
                body,
            } => {
                let negative = *negative;
                let look = self.emit(Instruction::Look { negative, after: 0 })?;
                self.node(body, !ahead)?;
                self.emit(Instruction::Accept)?;
                let after = self.here();
                self.instructions[look] = Instruction::Look { negative, after };
            }
            Node::Sequence(terms) if back => {
                for term in terms.iter().rev() {
                    self.node(term, back)?;
                }
            }
            Node::Sequence(terms) => {
                for term in terms {
                    self.node(term, back)?;
                }
            }
            Node::Choice(branches) => self.choice(branches, back)?,
            Node::Repeat {
                body,
                min,
                max,
                greedy,
                groups,
            } => self.repeat(body, (*min, *max), *greedy, *groups, back)?,
        }
        Some(())
    }

    fn choice(&mut self, branches: &[Node], back: bool) -> Option<()> {
        let mut jumps = Vec::with_capacity(branches.len());
        for (index, branch) in branches.iter().enumerate() {
            if index + 1 == branches.len() {
                self.node(branch, back)?;
                break;
            }
            let split = self.emit(Instruction::Jump(0))?;
            self.node(branch, back)?;
            jumps.push(self.emit(Instruction::Jump(0))?);
            let id = self.id();
            self.instructions[split] = Instruction::Split {
                first: split + 1,
                second: self.here(),
                id,
            };
        }
        let end = self.here();
        for jump in jumps {
            self.instructions[jump] = Instruction::Jump(end);
        }
        Some(())
    }

    fn repeat(
        &mut self,
        body: &Node,
        (min, max): (u32, Option<u32>),
        greedy: bool,
        groups: (usize, usize),
        back: bool,
    ) -> Option<()> {
        for _ in 0..min {
            let before = self.here();
            self.round(body, groups, back)?;
            if self.here() == before {
                // Nothing, however often.
                return Some(());
            }
        }
        let Some(max) = max else {
            return self.star(body, greedy, groups, back);
        };
        if min == max {
            return Some(());
        }
        let mark = self.mark_for(body);
        let mut splits = Vec::new();
        for _ in min..max {
            splits.push(self.emit(Instruction::Jump(0))?);
            self.marked_round(body, mark, groups, back)?;
        }
        let end = self.here();
        for split in splits {
            self.split(split, split + 1, end, greedy);
        }
        Some(())
    }

    fn star(
        &mut self,
        body: &Node,
        greedy: bool,
        groups: (usize, usize),
        back: bool,
    ) -> Option<()> {
        if greedy && let Some(single) = single(body) {
            let id = self.id();
            self.emit(Instruction::Run { single, back, id })?;
            return Some(());
        }
        let split = self.emit(Instruction::Jump(0))?;
        let mark = self.mark_for(body);
        self.marked_round(body, mark, groups, back)?;
        self.emit(Instruction::Jump(split))?;
        let end = self.here();
        self.split(split, split + 1, end, greedy);
        Some(())
    }

    /// A slot for the mark of a loop whose rounds may be empty: one that takes nothing is none.
    fn mark_for(&mut self, body: &Node) -> Option<usize> {
        may_be_empty(body).then(|| {
            self.slots += 1;
            self.slots - 1
        })
    }

    fn marked_round(
        &mut self,
        body: &Node,
        mark: Option<usize>,
        groups: (usize, usize),
        back: bool,
    ) -> Option<()> {
        if let Some(mark) = mark {
            self.emit(Instruction::Mark(mark))?;
        }
        self.round(body, groups, back)?;
        if let Some(mark) = mark {
            self.emit(Instruction::Progress(mark))?;
        }
        Some(())
    }

    fn round(&mut self, body: &Node, groups: (usize, usize), back: bool) -> Option<()> {
        if groups.0 < groups.1 {
            self.emit(Instruction::Forget(2 * groups.0, 2 * groups.1))?;
        }
        self.node(body, back)
    }

    fn split(&mut self, at: usize, body: usize, end: usize, greedy: bool) {
        let (first, second) = if greedy { (body, end) } else { (end, body) };
        let id = self.id();
        self.instructions[at] = Instruction::Split { first, second, id };
    }
}

fn single(node: &Node) -> Option<Single> {
    match node {
        Node::Char(c) => Some(Single::Char(*c)),
        Node::Set(index) => Some(Single::Set(*index)),
        _ => None,
    }
}

fn may_be_empty(node: &Node) -> bool {
    match node {
        Node::Char(_) | Node::Set(_) => false,
        Node::Start | Node::End | Node::Boundary(_) | Node::Look { .. } => true,
        Node::BackReference(_) => true,
        Node::Group(_, body) => may_be_empty(body),
        Node::Repeat { body, min, .. } => *min == 0 || may_be_empty(body),
        Node::Sequence(terms) => terms.iter().all(may_be_empty),
        Node::Choice(branches) => branches.iter().any(may_be_empty),
    }
}

fn first_char(node: &Node) -> Option<char> {
    match node {
        Node::Char(c) => Some(*c),
        Node::Group(_, body) => first_char(body),
        Node::Repeat { body, min, .. } if *min > 0 => first_char(body),
        Node::Sequence(terms) => first_char(terms.first()?),
        _ => None,
    }
}

fn is_anchored(node: &Node) -> bool {
    match node {
        Node::Start => true,
        Node::Group(_, body) => is_anchored(body),
        Node::Sequence(terms) => terms.first().is_some_and(is_anchored),
        Node::Choice(branches) => branches.iter().all(is_anchored),
        _ => false,
    }
}

//! Runs a program over a text.

use super::class::is_word;
use super::compile::{Instruction, Program, Single};
use super::{GaveUp, UNSET};

/// Steps that every call may take.
const BASE_STEPS: u64 = 4_000_000;
/// Steps for every byte of text.
const STEPS_PER_BYTE: u64 = 128;
/// Most steps of a call.
const MAX_STEPS: u64 = 1_000_000_000;
/// Most frames on the stack, about 64 MiB.
const MAX_STACK: usize = 2_000_000;
/// Largest memory of failed states, in bits: 32 MiB.
const MAX_MEMORY: usize = 1 << 28;
/// Most entries of the log of the memory.
const MAX_LOG: usize = 100_000;
/// What stays allocated between calls, in elements.
const KEPT: usize = 16 * 1024;

/// Room to run patterns in, kept between calls.
#[derive(Debug, Default)]
pub struct Scratch {
    slots: Vec<usize>,
    stack: Vec<Frame>,
    /// One bit for a place in the program and in the text. All zero between calls.
    seen: Vec<u64>,
    /// Bits that were set, unless there were too many.
    log: Vec<usize>,
    log_is_full: bool,
    steps: u64,
}

#[derive(Debug)]
enum Frame {
    /// Goes on here.
    Branch { pc: usize, at: usize },
    /// A slot gets back its old value.
    Restore { slot: usize, old: usize },
    /// A run that may still give back characters down to `least`.
    Run {
        pc: usize,
        back: bool,
        least: usize,
        at: usize,
    },
}

impl Scratch {
    /// Grants a new allowance of steps for a text of so many bytes.
    pub fn allow(&mut self, text_len: usize) {
        self.steps = (BASE_STEPS + STEPS_PER_BYTE * text_len as u64).min(MAX_STEPS);
    }

    /// Start and end of the last match and its groups.
    pub(super) fn slots(&self) -> &[usize] {
        &self.slots
    }

    #[cfg(test)]
    pub(super) fn seen_is_clear(&self) -> bool {
        self.seen.iter().all(|word| *word == 0)
    }

    /// Forgets states from this place of the log on. Costs steps when it has to forget all.
    fn forget_seen(&mut self, from: usize) -> u64 {
        if self.log_is_full {
            self.seen.fill(0);
            self.log.clear();
            self.log_is_full = false;
            return self.seen.len() as u64 / 4;
        }
        for bit in self.log.drain(from.min(self.log.len())..) {
            self.seen[bit / 64] &= !(1 << (bit % 64));
        }
        0
    }
}

/// Searches from `from` on. The slots then hold the match.
pub(super) fn find(
    program: &Program,
    text: &str,
    from: usize,
    scratch: &mut Scratch,
) -> Result<bool, GaveUp> {
    scratch.slots.clear();
    scratch.slots.resize(program.slots, UNSET);
    scratch.stack.clear();
    let bits = program
        .memory
        .and_then(|ids| ids.checked_mul(text.len() + 1))
        .filter(|bits| *bits <= MAX_MEMORY);
    if let Some(bits) = bits
        && scratch.seen.len() * 64 < bits
    {
        scratch.seen.resize(bits.div_ceil(64), 0);
    }
    let mut matcher = Matcher {
        program,
        text,
        remembers: bits.is_some(),
        scratch,
    };
    let found = matcher.search(from);
    scratch.forget_seen(0);
    if scratch.seen.len() > KEPT {
        scratch.seen.truncate(KEPT);
        scratch.seen.shrink_to_fit();
    }
    if scratch.stack.capacity() > KEPT {
        scratch.stack.clear();
        scratch.stack.shrink_to(KEPT);
    }
    scratch.slots.truncate(program.group_slots);
    found
}

struct Matcher<'m> {
    program: &'m Program,
    text: &'m str,
    remembers: bool,
    scratch: &'m mut Scratch,
}

impl Matcher<'_> {
    fn search(&mut self, from: usize) -> Result<bool, GaveUp> {
        let mut start = from;
        loop {
            if self.program.anchored && start > 0 {
                return Ok(false);
            }
            if let Some(first) = self.program.first {
                match self.text.get(start..).and_then(|rest| rest.find(first)) {
                    Some(skipped) => start += skipped,
                    None => return Ok(false),
                }
            }
            if self.run(0, start)? {
                return Ok(true);
            }
            match self.char_at(start) {
                Some((_, len)) => start += len,
                None => return Ok(false),
            }
        }
    }

    /// Runs from an instruction on to `Accept`. On success what is above the stack's present
    /// height stays, on failure everything is undone.
    fn run(&mut self, mut pc: usize, mut at: usize) -> Result<bool, GaveUp> {
        let base = self.scratch.stack.len();
        loop {
            self.spend(1)?;
            let goes_on = match self.program.instructions[pc] {
                Instruction::Single { single, back } => match self.step(single, back, at) {
                    Some(next) => {
                        at = next;
                        true
                    }
                    None => false,
                },
                Instruction::Run { single, back, id } => {
                    match self.start_run(single, back, id, at)? {
                        Some(end) => {
                            if end != at {
                                let (pc, least, at) = (pc + 1, at, end);
                                self.push(Frame::Run {
                                    pc,
                                    back,
                                    least,
                                    at,
                                })?;
                            }
                            at = end;
                            true
                        }
                        None => false,
                    }
                }
                Instruction::Start => at == 0,
                Instruction::End => at == self.text.len(),
                Instruction::Boundary(wanted) => {
                    let before = self.char_before(at).is_some_and(|(c, _)| is_word(c));
                    let after = self.char_at(at).is_some_and(|(c, _)| is_word(c));
                    (before != after) == wanted
                }
                Instruction::Split { first, second, id } => {
                    if self.visit(id, at) {
                        self.push(Frame::Branch { pc: second, at })?;
                        pc = first;
                        continue;
                    }
                    false
                }
                Instruction::Jump(target) => {
                    pc = target;
                    continue;
                }
                Instruction::Save(slot) | Instruction::Mark(slot) => {
                    self.set(slot, at)?;
                    true
                }
                Instruction::Forget(from, to) => {
                    for slot in from..to {
                        if self.scratch.slots[slot] != UNSET {
                            self.set(slot, UNSET)?;
                        }
                    }
                    self.spend((to - from) as u64)?;
                    true
                }
                Instruction::Progress(slot) => self.scratch.slots[slot] != at,
                Instruction::BackReference { group, back } => {
                    match self.repeated(group, back, at)? {
                        Some(next) => {
                            at = next;
                            true
                        }
                        None => false,
                    }
                }
                Instruction::Look { negative, after } => {
                    if self.look(pc + 1, at, negative)? {
                        pc = after;
                        continue;
                    }
                    false
                }
                Instruction::Accept => return Ok(true),
            };
            if goes_on {
                pc += 1;
                continue;
            }
            match self.back_track(base)? {
                Some(next) => (pc, at) = next,
                None => return Ok(false),
            }
        }
    }

    /// The next place to try; `None` when nothing is left above `base`.
    fn back_track(&mut self, base: usize) -> Result<Option<(usize, usize)>, GaveUp> {
        while self.scratch.stack.len() > base {
            match self.scratch.stack.pop() {
                Some(Frame::Branch { pc, at }) => return Ok(Some((pc, at))),
                Some(Frame::Restore { slot, old }) => self.scratch.slots[slot] = old,
                Some(Frame::Run {
                    pc,
                    back,
                    least,
                    at,
                }) => {
                    let len = if back {
                        self.char_at(at).map(|(_, len)| len)
                    } else {
                        self.char_before(at).map(|(_, len)| len)
                    };
                    let len = len.unwrap_or(0);
                    let at = if back { at + len } else { at - len };
                    if at != least && len > 0 {
                        self.push(Frame::Run {
                            pc,
                            back,
                            least,
                            at,
                        })?;
                    }
                    return Ok(Some((pc, at)));
                }
                None => break,
            }
        }
        Ok(None)
    }

    /// Tries the body of a look-around; whether the match goes on after it.
    fn look(&mut self, body: usize, at: usize, negative: bool) -> Result<bool, GaveUp> {
        let base = self.scratch.stack.len();
        let logged = self.scratch.log.len();
        if !self.run(body, at)? {
            return Ok(negative);
        }
        // The states on the way to success have not failed.
        let cost = self.scratch.forget_seen(logged);
        self.spend(cost + (self.scratch.stack.len() - base) as u64)?;
        if negative {
            while self.scratch.stack.len() > base {
                if let Some(Frame::Restore { slot, old }) = self.scratch.stack.pop() {
                    self.scratch.slots[slot] = old;
                }
            }
            return Ok(false);
        }
        // There is no way back into it, only out of its groups.
        let mut kept = base;
        for index in base..self.scratch.stack.len() {
            if matches!(self.scratch.stack[index], Frame::Restore { .. }) {
                self.scratch.stack.swap(kept, index);
                kept += 1;
            }
        }
        self.scratch.stack.truncate(kept);
        Ok(true)
    }

    /// Takes as many characters as possible; `None` when this was tried from here before.
    fn start_run(
        &mut self,
        single: Single,
        back: bool,
        id: usize,
        start: usize,
    ) -> Result<Option<usize>, GaveUp> {
        if !self.visit(id, start) {
            return Ok(None);
        }
        let mut at = start;
        while let Some(next) = self.step(single, back, at) {
            self.spend(1)?;
            // A run that was here before has tried everything from here on.
            if !self.visit(id, next) {
                break;
            }
            at = next;
        }
        Ok(Some(at))
    }

    /// After the text of a group, which may be nothing.
    fn repeated(&mut self, group: usize, back: bool, at: usize) -> Result<Option<usize>, GaveUp> {
        let (start, end) = (
            self.scratch.slots[2 * group],
            self.scratch.slots[2 * group + 1],
        );
        if start == UNSET || end == UNSET {
            return Ok(Some(at));
        }
        self.spend((end - start) as u64)?;
        let bytes = self.text.as_bytes();
        let wanted = &bytes[start..end];
        Ok(if back {
            bytes[..at].ends_with(wanted).then(|| at - wanted.len())
        } else {
            bytes[at..].starts_with(wanted).then(|| at + wanted.len())
        })
    }

    #[inline]
    fn step(&self, single: Single, back: bool, at: usize) -> Option<usize> {
        let (c, len) = if back {
            self.char_before(at)?
        } else {
            self.char_at(at)?
        };
        let matches = match single {
            Single::Char(wanted) => c == wanted,
            Single::Set(index) => self.program.sets[index].contains(c),
        };
        matches.then(|| if back { at - len } else { at + len })
    }

    #[inline]
    fn char_at(&self, at: usize) -> Option<(char, usize)> {
        let byte = *self.text.as_bytes().get(at)?;
        if byte < 0x80 {
            return Some((char::from(byte), 1));
        }
        let c = self.text.get(at..)?.chars().next()?;
        Some((c, c.len_utf8()))
    }

    #[inline]
    fn char_before(&self, at: usize) -> Option<(char, usize)> {
        let byte = *self.text.as_bytes().get(at.checked_sub(1)?)?;
        if byte < 0x80 {
            return Some((char::from(byte), 1));
        }
        let c = self.text.get(..at)?.chars().next_back()?;
        Some((c, c.len_utf8()))
    }

    fn set(&mut self, slot: usize, value: usize) -> Result<(), GaveUp> {
        let old = std::mem::replace(&mut self.scratch.slots[slot], value);
        self.push(Frame::Restore { slot, old })
    }

    fn push(&mut self, frame: Frame) -> Result<(), GaveUp> {
        if self.scratch.stack.len() == MAX_STACK {
            return Err(GaveUp);
        }
        self.scratch.stack.push(frame);
        Ok(())
    }

    fn spend(&mut self, steps: u64) -> Result<(), GaveUp> {
        self.scratch.steps = self.scratch.steps.checked_sub(steps).ok_or(GaveUp)?;
        Ok(())
    }

    /// False when this place was tried at this position before.
    fn visit(&mut self, id: usize, at: usize) -> bool {
        if !self.remembers {
            return true;
        }
        let bit = id * (self.text.len() + 1) + at;
        let word = &mut self.scratch.seen[bit / 64];
        let mask = 1 << (bit % 64);
        if *word & mask != 0 {
            return false;
        }
        *word |= mask;
        if self.scratch.log.len() < MAX_LOG {
            self.scratch.log.push(bit);
        } else {
            self.scratch.log_is_full = true;
        }
        true
    }
}

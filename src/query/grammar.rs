//! The grammar (query spec §1.2, §1.3): tokens into a tree.
//!
//! It accepts a little more than the language; what is wrong in meaning is told while the tree is
//! lowered.

use super::ast::{
    At, BinaryOp, Collation, Expr, From, FromItem, InList, IndexName, JoinKind, Literal, Order,
    Path, Quantifier, ResultItem, Select, Source, Step, Test, UnaryOp,
};
use super::depth;
use super::error::QueryError;
use super::lexer::{self, Kind, Token};

/// Reads a statement.
///
/// # Errors
/// Where the text leaves the grammar, and what was expected there.
pub fn parse(text: &str) -> Result<Select, QueryError> {
    let select = read(text, sqlpp::query)?;
    depth::check_depth(&select)?;
    Ok(select)
}

/// Reads a list of expressions without `FROM`: the definition of an index (query spec §8.1).
///
/// # Errors
/// As [`parse`].
pub fn parse_list(text: &str) -> Result<Vec<ResultItem>, QueryError> {
    let items = read(text, sqlpp::list)?;
    for item in &items {
        depth::check_expr_depth(&item.expr)?;
    }
    Ok(items)
}

/// Bytes where tokens start; the last is the end of the text.
struct Starts(Vec<usize>);

impl Starts {
    fn at(&self, token: usize) -> At {
        At(self.0.get(token).copied().unwrap_or_default())
    }
}

fn read<T>(
    text: &str,
    rule: impl FnOnce(&[Token<'_>], &Starts) -> Result<T, peg::error::ParseError<usize>>,
) -> Result<T, QueryError> {
    let tokens = lexer::tokens(text)?;
    depth::check_nesting(text, &tokens)?;
    let starts = tokens.iter().map(|token| token.start).chain([text.len()]);
    let starts = Starts(starts.collect());
    rule(&tokens, &starts).map_err(|error| {
        let mut expected: Vec<_> = error.expected.tokens().collect();
        expected.sort_unstable();
        let mut message = String::from("expected ");
        for (index, what) in expected.iter().enumerate() {
            match index {
                0 => {}
                _ if index + 1 == expected.len() => message.push_str(" or "),
                _ => message.push_str(", "),
            }
            message.push_str(what);
        }
        let found = tokens.get(error.location);
        match found {
            Some(token) => {
                message.push_str(", found ");
                message.extend(token.text.chars().take(40));
            }
            None => message.push_str(", found the end"),
        }
        QueryError::syntax(text, starts.at(error.location).0, message)
    })
}

/// What follows the left side of a comparison.
enum Tail {
    Nothing,
    Test(Test),
    In(bool, InList),
    Like(bool, Expr),
    Between(bool, Expr, Expr),
    Chain(At, Vec<(BinaryOp, Expr)>),
}

impl Tail {
    fn of(self, value: Expr) -> Expr {
        let boxed = Box::new;
        match self {
            Self::Nothing => value,
            Self::Test(test) => Expr::Test(boxed(value), test),
            Self::In(negated, list) => Expr::In {
                value: boxed(value),
                negated,
                list,
            },
            Self::Like(negated, pattern) => Expr::Like {
                value: boxed(value),
                negated,
                pattern: boxed(pattern),
            },
            Self::Between(negated, low, high) => Expr::Between {
                value: boxed(value),
                negated,
                low: boxed(low),
                high: boxed(high),
            },
            Self::Chain(at, rest) => Expr::Chain(boxed(value), rest, at),
        }
    }
}

/// Operands and the operators between them as chains, the tightest innermost.
fn chains(first: Expr, rest: Vec<(BinaryOp, Expr)>, level: u8, at: At) -> Expr {
    let Some(loosest) = rest.iter().map(|(op, _)| op.level()).min() else {
        return first;
    };
    debug_assert!(loosest >= level);
    if rest.iter().all(|(op, _)| op.level() == loosest) {
        return Expr::Chain(Box::new(first), rest, at);
    }
    // Each operand of this level, with the operators above it that follow.
    let mut operands = vec![(None, first, Vec::new())];
    for (op, operand) in rest {
        match operands.last_mut() {
            Some((_, _, inner)) if op.level() > loosest => inner.push((op, operand)),
            _ => operands.push((Some(op), operand, Vec::new())),
        }
    }
    let mut first = None;
    let mut chain = Vec::new();
    for (op, operand, inner) in operands {
        let operand = chains(operand, inner, loosest + 1, at);
        match op {
            None => first = Some(operand),
            Some(op) => chain.push((op, operand)),
        }
    }
    let first = first.unwrap_or(Expr::Literal(Literal::Missing));
    Expr::Chain(Box::new(first), chain, at)
}

/// The number that digits and a sign say; past 64 bits the nearest.
fn integer(digits: &str, negative: bool) -> i64 {
    let mut number: i64 = 0;
    for digit in digits.bytes() {
        let digit = i64::from(digit - b'0');
        number = number.saturating_mul(10);
        number = match negative {
            true => number.saturating_sub(digit),
            false => number.saturating_add(digit),
        };
    }
    number
}

peg::parser! {
    grammar sqlpp<'a>(starts: &Starts) for [Token<'a>] {
        rule at() -> At = at:position!() { starts.at(at) }

        // Fails here, and says what should have been here. What follows it in a rule tells the
        // parser generator that the rule never matches nothing.
        rule missing(what: &'static str) = {? Err(what) }

        rule keyword(word: &'static str) -> Token<'a>
            = quiet!{ [token if token.is_keyword(word)] } / missing(word) token:[_] { token }

        rule word(word: &'static str) -> Token<'a>
            = quiet!{ [token if token.is_word(word)] } / missing(word) token:[_] { token }

        rule symbol(symbol: &'static str) -> Token<'a>
            = quiet!{ [token if token.is_symbol(symbol)] } / missing(symbol) token:[_] { token }

        rule end() = ![_] / {? Err("the end") }

        rule bare_name() -> String
            = quiet!{ [Token { kind: Kind::Word(name), .. }] { name.to_owned() } }
            / missing("a name") [_] { String::new() }

        rule name() -> String
            = quiet!{
                [Token { kind: Kind::Word(name), .. }] { name.to_owned() }
                / [Token { kind: Kind::Quoted(name), .. }] { lexer::unquote(name, '`') }
            }
            / missing("a name") [_] { String::new() }

        rule string() -> String
            = quiet!{
                [Token { kind: Kind::String(text, quote), .. }] { lexer::unquote(text, quote) }
            }
            / missing("a string") [_] { String::new() }

        rule digits() -> &'a str
            = quiet!{ [Token { kind: Kind::Integer(digits), .. }] { digits } }
            / missing("an integer") [_] { "" }

        rule number() -> Literal
            = quiet!{
                [Token { kind: Kind::Integer(digits), .. }] {
                    Literal::Integer(integer(digits, false))
                }
                / [Token { kind: Kind::Double(number), .. }] { Literal::Double(number) }
                / symbol("-") [Token { kind: Kind::Integer(digits), spaced: false, .. }] {
                    Literal::Integer(integer(digits, true))
                }
                / symbol("-") [Token { kind: Kind::Double(number), spaced: false, .. }] {
                    Literal::Double(-number)
                }
            }
            / missing("a number") [_] { Literal::Missing }

        pub rule query() -> Select = select:select(true) symbol(";")? end() { select }

        pub rule list() -> Vec<ResultItem> = items:(result() ++ symbol(",")) end() { items }

        rule select(whole: bool) -> Select
            = keyword("SELECT")
                distinct:distinct()
                results:(result() ++ symbol(","))
                from:from(whole)
                condition:(keyword("WHERE") condition:expr() { condition })?
                group:group()?
                order_by:order_by()?
                limits:limits()
            {
                let (group_by, having) = group.unwrap_or_default();
                let (limit, offset) = limits;
                let order_by = order_by.unwrap_or_default();
                Select {
                    distinct, results, from, condition, group_by, having, order_by, limit, offset,
                }
            }

        rule distinct() -> bool
            = keyword("DISTINCT") { true }
            / quiet!{ word("ALL") } { false }
            / { false }

        rule result() -> ResultItem
            = at:at() expr:expr() alias:alias()? { ResultItem { expr, alias, at } }

        rule alias() -> String = keyword("AS") name:name() { name } / name()

        rule from(needed: bool) -> Option<From>
            = keyword("FROM") first:source() rest:(join() / unnest())* {
                Some(From { first, rest })
            }
            / {? if needed { Err("FROM") } else { Ok(None) } }

        rule source() -> Source
            = at:at() first:name() second:(symbol(".") name:name() { name })? alias:alias()? {
                let (scope, name) = match second {
                    Some(second) => (Some(first), second),
                    None => (None, first),
                };
                Source { scope, name, alias, at }
            }

        rule join() -> FromItem
            = keyword("CROSS") keyword("JOIN") source:source() {
                FromItem::Join { kind: JoinKind::Cross, source, on: None }
            }
            / kind:join_kind() source:source() keyword("ON") on:expr() {
                FromItem::Join { kind, source, on: Some(on) }
            }

        rule join_kind() -> JoinKind
            = keyword("INNER")? keyword("JOIN") { JoinKind::Inner }
            / keyword("LEFT") keyword("OUTER")? keyword("JOIN") { JoinKind::Left }

        rule unnest() -> FromItem
            = keyword("UNNEST") at:at() array:expr() alias:alias()? {
                FromItem::Unnest { array, alias, at }
            }

        rule group() -> (Vec<Expr>, Option<Expr>)
            = keyword("GROUP") keyword("BY") keys:(expr() ++ symbol(","))
                having:(keyword("HAVING") having:expr() { having })?
            { (keys, having) }

        rule order_by() -> Vec<Order>
            = keyword("ORDER") keyword("BY") orders:(order() ++ symbol(",")) { orders }

        rule order() -> Order
            = expr:expr() descending:descending() { Order { expr, descending } }

        rule descending() -> bool
            = keyword("DESC") { true } / keyword("ASC") { false } / { false }

        rule limits() -> (Option<Expr>, Option<Expr>)
            = limit:limit() offset:offset()? { (Some(limit), offset) }
            / offset:offset() limit:limit()? { (limit, Some(offset)) }
            / { (None, None) }

        rule limit() -> Expr = keyword("LIMIT") limit:expr() { limit }

        rule offset() -> Expr = keyword("OFFSET") offset:expr() { offset }

        rule expr() -> Expr
            = expr:or() collation:(at:at() keyword("COLLATE") own:collation() { (own, at) })? {
                match collation {
                    Some((collation, at)) => Expr::Collate(Box::new(expr), collation, at),
                    None => expr,
                }
            }

        rule collation() -> Collation
            = symbol("(") words:collation_word()+ symbol(")") {
                let mut collation = Collation::default();
                words.into_iter().for_each(|word| word.apply(&mut collation));
                collation
            }
            / word:collation_word() {
                let mut collation = Collation::default();
                word.apply(&mut collation);
                collation
            }

        rule collation_word() -> CollationWord
            = word("UNICODE") locale:locale()? { CollationWord::Unicode(locale) }
            / word("NOUNICODE") { CollationWord::NoUnicode }
            / word("NOCASE") { CollationWord::Case(false) }
            / keyword("CASE") { CollationWord::Case(true) }
            / word("NODIAC") { CollationWord::Accents(false) }
            / word("DIAC") { CollationWord::Accents(true) }

        rule locale() -> String
            = quiet!{ [Token { kind: Kind::Symbol(":"), spaced: false, .. }] }
                locale:locale_name()
            { locale }

        rule locale_name() -> String
            = quiet!{ [token if token.is_locale()] { token.text.to_owned() } }
            / missing("a locale") [_] { String::new() }

        rule or() -> Expr
            = first:and() rest:(keyword("OR") term:and() { term })* {
                if rest.is_empty() { first } else { Expr::Or(terms(first, rest)) }
            }

        rule and() -> Expr
            = first:not() rest:(keyword("AND") term:not() { term })* {
                if rest.is_empty() { first } else { Expr::And(terms(first, rest)) }
            }

        rule not() -> Expr
            = at:at() keyword("NOT") operand:not() {
                Expr::Unary(UnaryOp::Not, Box::new(operand), at)
            }
            / comparison()

        rule comparison() -> Expr = value:relation() tail:tail() { tail.of(value) }

        rule tail() -> Tail
            = test:test() { Tail::Test(test) }
            / negated:negated() keyword("IN") list:in_list() { Tail::In(negated, list) }
            / negated:negated() keyword("LIKE") pattern:relation() {
                Tail::Like(negated, pattern)
            }
            / negated:negated() keyword("BETWEEN") low:relation()
                keyword("AND") high:relation()
            { Tail::Between(negated, low, high) }
            / at:at() rest:(op:equality() operand:relation() { (op, operand) })+ {
                Tail::Chain(at, rest)
            }
            / { Tail::Nothing }

        rule negated() -> bool = keyword("NOT") { true } / { false }

        rule test() -> Test
            = keyword("NOT") keyword("NULL") { Test::IsNotNull }
            / keyword("IS") keyword("NULL") { Test::IsNull }
            / keyword("IS") keyword("MISSING") { Test::IsMissing }
            / keyword("IS") keyword("VALUED") { Test::IsValued }
            / keyword("IS") keyword("NOT") keyword("NULL") { Test::IsNotNull }
            / keyword("IS") keyword("NOT") keyword("MISSING") { Test::IsNotMissing }
            / keyword("IS") keyword("NOT") keyword("VALUED") { Test::IsNotValued }

        rule equality() -> BinaryOp
            = op:quiet!{
                (symbol("=") / symbol("==")) { BinaryOp::Equal }
                / (symbol("!=") / symbol("<>")) { BinaryOp::NotEqual }
                / keyword("IS") keyword("NOT") { BinaryOp::IsNot }
                / keyword("IS") { BinaryOp::Is }
            } { op }
            / missing("an operator") [_] { BinaryOp::Equal }

        rule in_list() -> InList
            = items:(args() / array()) { InList::Items(items) }
            / array:unary() { InList::Elements(Box::new(array)) }

        rule relation() -> Expr
            = at:at() first:unary() rest:(op:operator() operand:unary() { (op, operand) })* {
                chains(first, rest, 2, at)
            }

        rule operator() -> BinaryOp
            = op:quiet!{
                symbol("||") { BinaryOp::Concat }
                / symbol("*") { BinaryOp::Multiply }
                / symbol("/") { BinaryOp::Divide }
                / symbol("%") { BinaryOp::Modulo }
                / symbol("+") { BinaryOp::Add }
                / symbol("-") { BinaryOp::Subtract }
                / symbol("<<") { BinaryOp::ShiftLeft }
                / symbol(">>") { BinaryOp::ShiftRight }
                / symbol("&") { BinaryOp::BitAnd }
                / symbol("|") { BinaryOp::BitOr }
                / symbol("<=") { BinaryOp::LessOrEqual }
                / symbol("<") { BinaryOp::Less }
                / symbol(">=") { BinaryOp::GreaterOrEqual }
                / symbol(">") { BinaryOp::Greater }
            } { op }
            / missing("an operator") [_] { BinaryOp::Equal }

        rule unary() -> Expr
            = at:at() base:primary() path:(symbol(".") path:access() { path })? {
                match path {
                    Some(path) => Expr::Access(Box::new(base), path, at),
                    None => base,
                }
            }
            / at:at() op:prefix() operand:unary() { Expr::Unary(op, Box::new(operand), at) }

        rule prefix() -> UnaryOp
            = quiet!{
                symbol("-") { UnaryOp::Negate }
                / symbol("+") { UnaryOp::Plus }
                / keyword("NOT") { UnaryOp::Not }
            }
            / missing("an expression") [_] { UnaryOp::Plus }

        // No white space after the dot.
        rule access() -> Path
            = &[token if !token.spaced] path:path() { path }

        rule path() -> Path
            = first:name() rest:step()* {
                let mut path = vec![Step::Name(first)];
                path.extend(rest);
                path
            }

        rule step() -> Step
            = symbol(".") name:name() { Step::Name(name) }
            / symbol("[") index:index() symbol("]") { Step::Index(index) }

        rule index() -> i64
            = digits:digits() { integer(digits, false) }
            / symbol("-") digits:digits() { integer(digits, true) }

        rule primary() -> Expr
            = literal:literal() { Expr::Literal(literal) }
            / parenthesized()
            / items:array() { Expr::Array(items) }
            / object()
            / case()
            / quantified()
            / [Token { kind: Kind::Parameter(name), .. }] { Expr::Parameter(name.to_owned()) }
            / function()
            / property()

        rule literal() -> Literal
            = number()
            / text:string() { Literal::String(text) }
            / quiet!{ keyword("TRUE") } { Literal::Boolean(true) }
            / quiet!{ keyword("FALSE") } { Literal::Boolean(false) }
            / quiet!{ keyword("NULL") } { Literal::Null }
            / quiet!{ keyword("MISSING") } { Literal::Missing }

        rule parenthesized() -> Expr = symbol("(") expr:expr() symbol(")") { expr }

        rule array() -> Vec<Expr> = symbol("[") items:(expr() ** symbol(",")) symbol("]") { items }

        rule object() -> Expr
            = symbol("{") members:(member() ** symbol(",")) symbol("}") { Expr::Object(members) }

        rule member() -> (String, Expr)
            = key:string() symbol(":") value:expr() { (key, value) }

        rule case() -> Expr
            = keyword("CASE") operand:expr()? branches:branch()+
                otherwise:(keyword("ELSE") otherwise:expr() { otherwise })? keyword("END")
            {
                Expr::Case {
                    operand: operand.map(Box::new),
                    branches,
                    otherwise: otherwise.map(Box::new),
                }
            }

        rule branch() -> (Expr, Expr)
            = keyword("WHEN") when:expr() keyword("THEN") then:expr() { (when, then) }

        rule quantified() -> Expr
            = quantifier:quantifier() variable:bare_name() keyword("IN") array:expr()
                keyword("SATISFIES") predicate:expr() keyword("END")
            {
                Expr::Quantified {
                    quantifier,
                    variable,
                    array: Box::new(array),
                    predicate: Box::new(predicate),
                }
            }

        rule any() = keyword("ANY") / quiet!{ word("SOME") }

        rule quantifier() -> Quantifier
            = any() keyword("AND") keyword("EVERY") { Quantifier::AnyAndEvery }
            / any() { Quantifier::Any }
            / keyword("EVERY") { Quantifier::Every }

        // A bare name and a parenthesis: nothing else starts so.
        rule function() -> Expr
            = start:at() word:bare_name() &symbol("(") call:call(&word, start) { call }

        rule call(word: &str, start: At) -> Expr
            = is(word, "EXISTS") exists:exists() { exists }
            / is(word, "META") symbol("(") source:(name() ** symbol(".")) symbol(")") {
                Expr::Meta(source, start)
            }
            / is(word, "MATCH") matching:matching() { matching }
            / is(word, "RANK") symbol("(") index:index_name() symbol(")") { Expr::Rank(index) }
            / is_call(word) parenthesis:at() args:args() {
                Expr::Call { name: word.to_owned(), args, at: start, parenthesis }
            }

        rule exists() -> Expr
            = symbol("(") select:select(false) symbol(")") { Expr::Exists(Box::new(select)) }

        rule matching() -> Expr
            = symbol("(") index:index_name() symbol(",") text:expr() symbol(")") {
                Expr::Match { index, text: Box::new(text) }
            }

        rule args() -> Vec<Expr> = symbol("(") args:(expr() ** symbol(",")) symbol(")") { args }

        rule is(name: &str, wanted: &'static str)
            = quiet!{ {? if name.eq_ignore_ascii_case(wanted) { Ok(()) } else { Err(wanted) } } }

        rule is_call(name: &str)
            = quiet!{ {? if is_special(name) { Err("a function") } else { Ok(()) } } }

        rule index_name() -> IndexName
            = at:at() first:name() second:(symbol(".") name:name() { name })? {
                match second {
                    Some(name) => IndexName { source: Some(first), name, at },
                    None => IndexName { source: None, name: first, at },
                }
            }

        rule property() -> Expr
            = at:at() quiet!{ symbol("*") } { Expr::Star(None, at) }
            / at:at() name:name() symbol(".") quiet!{ symbol("*") } {
                Expr::Star(Some(name), at)
            }
            / at:at() path:path() { Expr::Property(path, at) }
    }
}

/// A word of a collation.
enum CollationWord {
    Unicode(Option<String>),
    NoUnicode,
    Case(bool),
    Accents(bool),
}

impl CollationWord {
    fn apply(self, collation: &mut Collation) {
        match self {
            Self::Unicode(locale) => {
                collation.unicode = true;
                collation.locale = locale;
            }
            Self::NoUnicode => {
                collation.unicode = false;
                collation.locale = None;
            }
            Self::Case(sensitive) => collation.case_sensitive = sensitive,
            Self::Accents(sensitive) => collation.accent_sensitive = sensitive,
        }
    }
}

impl Token<'_> {
    /// Whether it may follow `UNICODE:`.
    fn is_locale(&self) -> bool {
        let locale = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        matches!(self.kind, Kind::Word(_) | Kind::Keyword(_))
            && !self.spaced
            && self
                .text
                .starts_with(|first: char| first.is_ascii_alphabetic())
            && self.text.bytes().all(locale)
    }
}

/// Names with a syntax of their own.
fn is_special(name: &str) -> bool {
    ["EXISTS", "META", "MATCH", "RANK"]
        .into_iter()
        .any(|special| special.eq_ignore_ascii_case(name))
}

fn terms(first: Expr, rest: Vec<Expr>) -> Vec<Expr> {
    let mut terms = Vec::with_capacity(rest.len() + 1);
    terms.push(first);
    terms.extend(rest);
    terms
}

#[cfg(test)]
#[path = "grammar_tests.rs"]
mod tests;

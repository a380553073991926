//! Tokens become an expression: a parser by operator precedence that takes what jmespath.py takes.

use std::collections::VecDeque;

use super::Mistake;
use super::ast::{Argument, Comparison, Node};
use super::functions::Function;
use super::lexer::{SpannedToken, Token};

/// How deep an expression may go: as deep as JSON may. It bounds the recursion here and in the interpreter, and how much
/// deeper than the answer a result can be. A build without optimisation takes 1 MB of stack for it.
pub(super) const MAX_DEPTH: usize = 128;

// How strongly tokens bind what stands before them.
const PIPE: u8 = 1;
const OR: u8 = 2;
const AND: u8 = 3;
const COMPARISON: u8 = 5;
const FLATTEN: u8 = 9;
/// What binds less than this ends a projection.
const ENDS_PROJECTION: u8 = 10;
const STAR: u8 = 20;
const FILTER: u8 = 21;
const DOT: u8 = 40;
const NOT: u8 = 45;
const BRACKET: u8 = 55;
const CALL: u8 = 60;

fn binding(token: &Token) -> u8 {
    match token {
        Token::Pipe => PIPE,
        Token::Or => OR,
        Token::And => AND,
        Token::Comparison(_) => COMPARISON,
        Token::Flatten => FLATTEN,
        Token::Filter => FILTER,
        Token::Dot => DOT,
        Token::OpenBracket => BRACKET,
        Token::Open => CALL,
        // These follow nothing: whatever is being read, they have to be looked at and refused.
        Token::Star | Token::Not | Token::OpenBrace => u8::MAX,
        _ => 0,
    }
}

/// Makes an expression of its tokens, of which the last is [`Token::End`].
pub(super) fn parse(tokens: Vec<SpannedToken>) -> Result<Node, Mistake> {
    let mut parser = Parser { tokens: tokens.into(), level: 0 };
    let tree = parser.expression(0)?;
    let rest = parser.next();
    if rest.token == Token::End { Ok(tree.node) } else { Err(rest.unexpected()) }
}

/// A node, and how deep it is: at least as deep as its nodes are nested, and as the values that it makes.
struct NodeWithDepth {
    node: Node,
    depth: usize,
}

impl NodeWithDepth {
    fn leaf(node: Node) -> Self {
        Self { node, depth: 0 }
    }

    /// A node over what is `depth` deep.
    fn over(depth: usize, node: Node) -> Result<Self, Mistake> {
        if depth < MAX_DEPTH { Ok(Self { node, depth: depth + 1 }) } else { Err(too_deep()) }
    }

    /// A node over others, none of which is applied to what another makes.
    fn beside(trees: Vec<Self>, node: impl FnOnce(Vec<Node>) -> Node) -> Result<Self, Mistake> {
        let depth = trees.iter().map(|tree| tree.depth).max().unwrap_or_default();
        Self::over(depth, node(trees.into_iter().map(|tree| tree.node).collect()))
    }

    /// A node over two, of which the second is applied to what the first makes.
    fn project(self, then: Self, node: impl FnOnce(Box<Node>, Box<Node>) -> Node) -> Result<Self, Mistake> {
        Self::over(self.depth + then.depth, node(Box::new(self.node), Box::new(then.node)))
    }

    /// One after the other: a longer chain of that kind.
    fn then(self, next: Self) -> Result<Self, Mistake> {
        let depth = self.depth + next.depth;
        match self.node {
            Node::Chain(nodes) => lengthened(nodes, next.node, depth, Node::Chain),
            node => Self::over(depth, Node::Chain(vec![node, next.node])),
        }
    }
}

/// A chain with one more node, which is `depth` deep with it.
fn lengthened(
    mut nodes: Vec<Node>,
    next: Node,
    depth: usize,
    chain: fn(Vec<Node>) -> Node,
) -> Result<NodeWithDepth, Mistake> {
    nodes.push(next);
    if depth <= MAX_DEPTH { Ok(NodeWithDepth { node: chain(nodes), depth }) } else { Err(too_deep()) }
}

pub(super) fn too_deep() -> Mistake {
    Mistake(format!("it is nested more than {MAX_DEPTH} levels deep"))
}

struct Parser {
    tokens: VecDeque<SpannedToken>,
    /// How many expressions are being read, one inside the other.
    level: usize,
}

impl Parser {
    fn next(&mut self) -> SpannedToken {
        self.tokens.pop_front().unwrap_or(SpannedToken { token: Token::End, at: 0 })
    }

    fn peek(&self) -> &Token {
        self.ahead(0)
    }

    fn ahead(&self, places: usize) -> &Token {
        self.tokens.get(places).map_or(&Token::End, |spot| &spot.token)
    }

    /// Passes the next token if it is this one.
    fn take(&mut self, wanted: &Token) -> bool {
        let there = self.peek() == wanted;
        if there {
            self.next();
        }
        there
    }

    fn expect(&mut self, wanted: &Token) -> Result<(), Mistake> {
        let next = self.next();
        if next.token == *wanted { Ok(()) } else { Err(next.unexpected()) }
    }

    /// An expression up to a token that binds no more than `power`.
    fn expression(&mut self, power: u8) -> Result<NodeWithDepth, Mistake> {
        if self.level == MAX_DEPTH {
            return Err(too_deep());
        }
        self.level += 1;
        let mut tree = self.begin()?;
        while power < binding(self.peek()) {
            tree = self.extend(tree)?;
        }
        self.level -= 1;
        Ok(tree)
    }

    /// What an expression begins with.
    fn begin(&mut self) -> Result<NodeWithDepth, Mistake> {
        let current = NodeWithDepth::leaf(Node::Current);
        let next = self.next();
        match next.token {
            Token::Name(name) => Ok(NodeWithDepth::leaf(Node::Field(name))),
            Token::QuotedName(name) => {
                if *self.peek() == Token::Open {
                    let at = next.at;
                    return Err(Mistake(format!("the function's name at character {at} is in quotes")));
                }
                Ok(NodeWithDepth::leaf(Node::Field(name)))
            }
            Token::Literal(value) => Ok(NodeWithDepth::leaf(Node::Literal(value))),
            Token::Current => Ok(current),
            Token::Star => {
                let closed = *self.peek() == Token::CloseBracket;
                let then = if closed { NodeWithDepth::leaf(Node::Current) } else { self.projected(STAR)? };
                current.project(then, Node::Members)
            }
            Token::Flatten => self.flatten(current),
            Token::Filter => self.filter(current),
            Token::Not => {
                let negated = self.expression(NOT)?;
                NodeWithDepth::over(negated.depth, Node::Not(Box::new(negated.node)))
            }
            Token::Open => {
                let inner = self.expression(0)?;
                self.expect(&Token::Close)?;
                Ok(inner)
            }
            Token::OpenBrace => self.object(),
            Token::OpenBracket => match (self.peek(), self.ahead(1)) {
                (Token::Number(_) | Token::Colon, _) => self.indexed(current),
                (Token::Star, Token::CloseBracket) => self.items(current),
                _ => self.list(),
            },
            Token::Ampersand => Err(Mistake(format!(
                "`&` at character {} does not begin an argument of sort_by, min_by, max_by or map",
                next.at
            ))),
            _ => Err(next.unexpected()),
        }
    }

    /// A longer expression: with the next token, and what belongs to it.
    fn extend(&mut self, left: NodeWithDepth) -> Result<NodeWithDepth, Mistake> {
        let next = self.next();
        match next.token {
            Token::Dot if self.take(&Token::Star) => {
                let then = self.projected(DOT)?;
                left.project(then, Node::Members)
            }
            Token::Dot => {
                let right = self.after_dot(DOT)?;
                left.then(right)
            }
            Token::Pipe => {
                let right = self.expression(PIPE)?;
                left.then(right)
            }
            Token::Or => {
                let right = self.expression(OR)?;
                match left.node {
                    Node::Or(nodes) => {
                        lengthened(nodes, right.node, left.depth.max(right.depth + 1), Node::Or)
                    }
                    _ => NodeWithDepth::beside(vec![left, right], Node::Or),
                }
            }
            Token::And => {
                let right = self.expression(AND)?;
                match left.node {
                    Node::And(nodes) => {
                        lengthened(nodes, right.node, left.depth.max(right.depth + 1), Node::And)
                    }
                    _ => NodeWithDepth::beside(vec![left, right], Node::And),
                }
            }
            Token::Comparison(how) => {
                let right = self.expression(COMPARISON)?;
                compare(how, left, right)
            }
            Token::Flatten => self.flatten(left),
            Token::Filter => self.filter(left),
            Token::OpenBracket => match self.peek() {
                Token::Number(_) | Token::Colon => self.indexed(left),
                _ => self.items(left),
            },
            Token::Open => match left.node {
                Node::Field(name) => self.call(&name),
                _ => Err(next.unexpected()),
            },
            _ => Err(next.unexpected()),
        }
    }

    /// What a projection applies to each item.
    fn projected(&mut self, power: u8) -> Result<NodeWithDepth, Mistake> {
        match self.peek() {
            token if binding(token) < ENDS_PROJECTION => Ok(NodeWithDepth::leaf(Node::Current)),
            Token::OpenBracket | Token::Filter => self.expression(power),
            Token::Dot => {
                self.next();
                self.after_dot(power)
            }
            _ => Err(self.next().unexpected()),
        }
    }

    fn after_dot(&mut self, power: u8) -> Result<NodeWithDepth, Mistake> {
        match self.peek() {
            Token::Name(_) | Token::QuotedName(_) | Token::Star => self.expression(power),
            Token::OpenBracket => {
                self.next();
                self.list()
            }
            Token::OpenBrace => {
                self.next();
                self.object()
            }
            _ => Err(self.next().unexpected()),
        }
    }

    fn flatten(&mut self, left: NodeWithDepth) -> Result<NodeWithDepth, Mistake> {
        let flat = NodeWithDepth::over(left.depth, Node::Flatten(Box::new(left.node)))?;
        let then = self.projected(FLATTEN)?;
        flat.project(then, Node::Items)
    }

    /// Begins after `[?`.
    fn filter(&mut self, left: NodeWithDepth) -> Result<NodeWithDepth, Mistake> {
        let condition = self.expression(0)?;
        self.expect(&Token::CloseBracket)?;
        let then = match self.peek() {
            Token::Flatten => NodeWithDepth::leaf(Node::Current),
            _ => self.projected(FILTER)?,
        };
        let depth = left.depth + condition.depth.max(then.depth);
        let [list, condition, then] = [left, condition, then].map(|tree| Box::new(tree.node));
        NodeWithDepth::over(depth, Node::Filter { list, condition, then })
    }

    /// `*]`, and what follows.
    fn items(&mut self, left: NodeWithDepth) -> Result<NodeWithDepth, Mistake> {
        self.expect(&Token::Star)?;
        self.expect(&Token::CloseBracket)?;
        let then = self.projected(STAR)?;
        left.project(then, Node::Items)
    }

    /// A place or a slice, after `[`. A slice that follows another place or slice makes no projection.
    fn indexed(&mut self, left: NodeWithDepth) -> Result<NodeWithDepth, Mistake> {
        let place = self.place()?;
        let is_slice = matches!(place, Node::Slice { .. });
        let depth = left.depth;
        match left.node {
            Node::Indexed(nodes) => lengthened(nodes, place, depth, Node::Indexed),
            node => {
                let indexed = NodeWithDepth::over(depth, Node::Indexed(vec![node, place]))?;
                if !is_slice {
                    return Ok(indexed);
                }
                let then = self.projected(STAR)?;
                indexed.project(then, Node::Items)
            }
        }
    }

    fn place(&mut self) -> Result<Node, Mistake> {
        if let (&Token::Number(number), false) = (self.peek(), *self.ahead(1) == Token::Colon) {
            self.next();
            self.expect(&Token::CloseBracket)?;
            return Ok(Node::Index(number));
        }
        let mut parts = [None; 3];
        let mut part = 0;
        while !self.take(&Token::CloseBracket) {
            let next = self.next();
            match next.token {
                // Of two numbers the second counts.
                Token::Number(number) => parts[part] = Some(number),
                Token::Colon if part < 2 => part += 1,
                _ => return Err(next.unexpected()),
            }
        }
        let [start, end, step] = parts;
        if step == Some(0) {
            return Err(Mistake("the step of a slice cannot be 0".into()));
        }
        Ok(Node::Slice { start, end, step })
    }

    /// The rest of `[a, b]`.
    fn list(&mut self) -> Result<NodeWithDepth, Mistake> {
        let mut items = vec![self.expression(0)?];
        while !self.take(&Token::CloseBracket) {
            self.expect(&Token::Comma)?;
            items.push(self.expression(0)?);
        }
        NodeWithDepth::beside(items, Node::List)
    }

    /// The rest of `{a: b}`. A comma between two members may be left out.
    fn object(&mut self) -> Result<NodeWithDepth, Mistake> {
        let mut names = Vec::new();
        let mut values = Vec::new();
        loop {
            let next = self.next();
            let (Token::Name(name) | Token::QuotedName(name)) = next.token else {
                return Err(next.unexpected());
            };
            self.expect(&Token::Colon)?;
            names.push(name);
            values.push(self.expression(0)?);
            if !self.take(&Token::Comma) && self.take(&Token::CloseBrace) {
                return NodeWithDepth::beside(values, |values| {
                    Node::Object(names.into_iter().zip(values).collect())
                });
            }
        }
    }

    /// The rest of a function's call. A comma may be left out, or follow the last argument.
    fn call(&mut self, name: &str) -> Result<NodeWithDepth, Mistake> {
        let function = Function::named(name)?;
        let mut arguments = Vec::new();
        let mut depth = 0;
        while !self.take(&Token::Close) {
            let is_expression = self.take(&Token::Ampersand);
            let tree = self.expression(0)?;
            self.take(&Token::Comma);
            depth += tree.depth;
            let argument = if is_expression { Argument::Expression } else { Argument::Value };
            arguments.push(argument(tree.node));
        }
        function.check(&arguments)?;
        NodeWithDepth::over(depth, Node::Call(function, arguments))
    }
}

fn compare(how: Comparison, left: NodeWithDepth, right: NodeWithDepth) -> Result<NodeWithDepth, Mistake> {
    let depth = left.depth.max(right.depth);
    NodeWithDepth::over(depth, Node::Compare(how, Box::new(left.node), Box::new(right.node)))
}

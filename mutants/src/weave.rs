//! Writes many changes into one text, so that one build holds them all and a number chooses which one is live.
//!
//! An expression with changes becomes a `match` over the number of the live one; the arms of the changes hold the
//! expression as it was written, so that at most one change is live at a time, and the last arm holds it with what
//! is woven further inside.

use std::collections::BTreeMap;
use std::ops::Range;

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A small change to a file, as cargo-mutants lists it.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// Its number, from 1.
    pub id: usize,
    /// Its name: place, change and function.
    pub name: String,
    pub file: String,
    pub genre: String,
    pub replacement: String,
    /// The bytes that are replaced.
    pub place: Range<usize>,
    /// The function in which it stands; of a method with its type.
    pub function: String,
    /// The line of code at which it begins.
    pub code: String,
}

impl Mutant {
    /// What is changed, without where: `replace < with <=`; for a function that returns at once `return VALUE`.
    pub fn change(&self) -> String {
        if self.genre == "FnValue" {
            return format!("return {}", self.replacement);
        }
        let function = format!(" in {}", self.function);
        self.listed().strip_suffix(&function).unwrap_or(self.listed()).to_owned()
    }

    /// What is changed, as cargo-mutants says it, without line and column.
    pub fn listed(&self) -> &str {
        self.name.splitn(4, ':').nth(3).unwrap_or(&self.name).trim()
    }
}

/// A place in the written text and the mutant that stands there.
#[derive(Debug)]
pub struct Mark {
    pub place: Range<usize>,
    pub id: usize,
    /// The whole arm of the mutant, rather than what surrounds it.
    pub is_change: bool,
}

/// A file with its changes woven in.
#[derive(Debug, Default)]
pub struct Woven {
    pub text: String,
    pub marks: Vec<Mark>,
    /// The mutants that stand where a choice at run time cannot: in constants, and where the type that is returned has no
    /// name.
    pub left_out: Vec<usize>,
    /// Those that cannot build: a `let` in a condition stands beside `&&` alone.
    pub unbuilt: Vec<usize>,
    /// The number by which the place of each mutant is known: that of the first one there.
    pub places: BTreeMap<usize, usize>,
}

/// Weaves mutants of one file into its text.
pub fn weave(text: &str, mutants: &[&Mutant]) -> syn::Result<Woven> {
    let file = syn::parse_file(text)?;
    let mut finder = Finder { mutants, sites: Vec::new(), found: Vec::new(), unbuilt: Vec::new(), text };
    finder.visit_file(&file);
    let Finder { sites, found, unbuilt, .. } = finder;
    let is_left = |id: &usize| !found.contains(id) && !unbuilt.contains(id);
    let left_out = mutants.iter().map(|mutant| mutant.id).filter(is_left).collect();
    let mut woven = Woven { left_out, unbuilt, ..Woven::default() };
    for site in &sites {
        if let Kind::Expression(changes) | Kind::Body(changes) = &site.kind {
            woven.places.extend(changes.iter().map(|(id, _)| (*id, changes[0].0)));
        }
    }
    write(text, 0..text.len(), &sites, &mut woven);
    Ok(woven)
}

/// What is written at a place in a different way.
#[derive(Debug)]
struct Site {
    place: Range<usize>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// An expression, and the texts that it may be instead.
    Expression(Vec<(usize, String)>),
    /// Before the first statement of a body: the value that is returned at once.
    Body(Vec<(usize, String)>),
    /// Behind the pattern of an arm: the arm is passed over.
    Arm(usize),
    /// Before the guard of an arm that may be passed over.
    GuardedArm(usize),
}

struct Finder<'a> {
    mutants: &'a [&'a Mutant],
    sites: Vec<Site>,
    found: Vec<usize>,
    unbuilt: Vec<usize>,
    text: &'a str,
}

impl Finder<'_> {
    fn of(&self, genre: &str, fits: impl Fn(&Mutant) -> bool) -> Vec<Mutant> {
        let all = self.mutants.iter().filter(|mutant| mutant.genre == genre && fits(mutant));
        all.map(|mutant| (*mutant).clone()).collect()
    }

    /// Notes changes of an expression, each a replacement of some bytes inside it.
    fn expression(&mut self, place: Range<usize>, mutants: &[Mutant]) {
        if mutants.is_empty() {
            return;
        }
        let change = |mutant: &Mutant| {
            let before = &self.text[place.start..mutant.place.start];
            let after = &self.text[mutant.place.end..place.end];
            (mutant.id, format!("{before}{}{after}", mutant.replacement))
        };
        let changes = mutants.iter().map(change).collect();
        self.found.extend(mutants.iter().map(|mutant| mutant.id));
        self.sites.push(Site { place, kind: Kind::Expression(changes) });
    }

    fn body(&mut self, block: &syn::Block, signature: &syn::Signature) {
        let (Some(first), Some(last)) = (block.stmts.first(), block.stmts.last()) else { return };
        let place = bytes(first.span()).start..bytes(last.span()).end;
        let mutants = self.of("FnValue", |mutant| mutant.place == place);
        // Two returns of an `impl Trait` would have to be of one type.
        let is_opaque = self.text[bytes(signature.output.span())].contains("impl ");
        if signature.constness.is_some() || is_opaque || mutants.is_empty() {
            return;
        }
        self.found.extend(mutants.iter().map(|mutant| mutant.id));
        let changes = mutants.into_iter().map(|mutant| (mutant.id, mutant.replacement)).collect();
        self.sites.push(Site { place: place.start..place.start, kind: Kind::Body(changes) });
    }
}

fn bytes(span: Span) -> Range<usize> {
    span.byte_range()
}

/// Whether a condition binds something on its way: such an expression cannot stand elsewhere.
fn has_let(expression: &syn::Expr) -> bool {
    match expression {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    // Constants are computed while building: nothing can be chosen there at run time.
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_trait_item_const(&mut self, _: &'ast syn::TraitItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_type_array(&mut self, _: &'ast syn::TypeArray) {}
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
    fn visit_pat(&mut self, _: &'ast syn::Pat) {}

    fn visit_expr_repeat(&mut self, repeat: &'ast syn::ExprRepeat) {
        self.visit_expr(&repeat.expr);
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.body(&function.block, &function.sig);
        if function.sig.constness.is_none() {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.body(&function.block, &function.sig);
        if function.sig.constness.is_none() {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.body(block, &function.sig);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        let operator = bytes(binary.op.span());
        let mutants = self.of("BinaryOperator", |mutant| mutant.place == operator);
        if !has_let(&binary.left) && !has_let(&binary.right) {
            self.expression(bytes(binary.span()), &mutants);
        } else {
            self.unbuilt.extend(mutants.iter().map(|mutant| mutant.id));
        }
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        let operator = bytes(unary.op.span());
        let mutants = self.of("UnaryOperator", |mutant| mutant.place == operator);
        self.expression(bytes(unary.span()), &mutants);
        visit::visit_expr_unary(self, unary);
    }

    fn visit_expr_struct(&mut self, expression: &'ast syn::ExprStruct) {
        let mut mutants = Vec::new();
        for field in &expression.fields {
            let place = bytes(field.span());
            for mut mutant in self.of("StructField", |mutant| mutant.place.start == place.start) {
                // The comma goes with the field.
                let rest = &self.text[place.end..bytes(expression.span()).end];
                mutant.place = place.start..place.end + rest.find(',').map_or(0, |comma| comma + 1);
                mutants.push(mutant);
            }
        }
        self.expression(bytes(expression.span()), &mutants);
        visit::visit_expr_struct(self, expression);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        let start = bytes(arm.pat.span()).start;
        if let Some(mutant) = self.of("MatchArm", |mutant| mutant.place.start == start).first() {
            let (place, kind) = match &arm.guard {
                None => (bytes(arm.pat.span()).end, Kind::Arm(mutant.id)),
                Some((_, guard)) => (bytes(guard.span()).start, Kind::GuardedArm(mutant.id)),
            };
            self.found.push(mutant.id);
            self.sites.push(Site { place: place..place, kind });
        }
        if let Some((_, guard)) = &arm.guard {
            let place = bytes(guard.span());
            let mutants = self.of("MatchArmGuard", |mutant| mutant.place == place);
            if !has_let(guard) {
                self.expression(place, &mutants);
            }
        }
        visit::visit_arm(self, arm);
    }
}

/// Writes a part of the text with the sites that lie in it.
fn write(text: &str, part: Range<usize>, sites: &[Site], woven: &mut Woven) {
    let inside = |site: &&Site| part.start <= site.place.start && site.place.end <= part.end;
    let mut outermost: Vec<&Site> = sites.iter().filter(inside).collect();
    // What is put in before a place stands before what is replaced there; of two that begin alike the longer holds
    // the other.
    outermost
        .sort_by_key(|site| (site.place.start, !site.place.is_empty(), std::cmp::Reverse(site.place.end)));
    let mut next = part.start;
    for site in outermost {
        if site.place.start < next {
            continue;
        }
        woven.text.push_str(&text[next..site.place.start]);
        next = site.place.end;
        match &site.kind {
            Kind::Expression(changes) => {
                let begins = woven.text.len();
                woven.text.push_str(&format!("(match crate::mutation::at({}) {{", changes[0].0));
                for (id, change) in changes {
                    woven.text.push_str(&format!("\n{id} => "));
                    put(change, *id, woven);
                    woven.text.push(',');
                }
                woven.text.push_str("\n_ => ");
                let rest: Vec<&Site> = sites.iter().filter(|other| !std::ptr::eq(*other, site)).collect();
                write_rest(text, site.place.clone(), &rest, woven);
                woven.text.push_str("})");
                let place = begins..woven.text.len();
                let around =
                    changes.iter().map(|(id, _)| Mark { place: place.clone(), id: *id, is_change: false });
                woven.marks.extend(around);
            }
            Kind::Body(changes) => {
                for (id, change) in changes {
                    let begins = woven.text.len();
                    woven
                        .text
                        .push_str(&format!("if crate::mutation::at({}) == {id} {{ return ", changes[0].0));
                    put(change, *id, woven);
                    woven.text.push_str("; }\n");
                    let place = begins..woven.text.len();
                    woven.marks.push(Mark { place, id: *id, is_change: false });
                }
            }
            Kind::Arm(id) => put(&format!(" if crate::mutation::at({id}) != {id}"), *id, woven),
            Kind::GuardedArm(id) => put(&format!("crate::mutation::at({id}) != {id} && "), *id, woven),
        }
    }
    woven.text.push_str(&text[next..part.end]);
}

fn write_rest(text: &str, part: Range<usize>, sites: &[&Site], woven: &mut Woven) {
    // What was put in before this place has been written already.
    let inside = |site: &&&Site| {
        let begins = if site.place.is_empty() { part.start + 1 } else { part.start };
        begins <= site.place.start && site.place.end <= part.end
    };
    let own: Vec<Site> = sites.iter().filter(inside).map(|site| site.copy()).collect();
    write(text, part, &own, woven);
}

impl Site {
    fn copy(&self) -> Self {
        let kind = match &self.kind {
            Kind::Expression(changes) => Kind::Expression(changes.clone()),
            Kind::Body(changes) => Kind::Body(changes.clone()),
            Kind::Arm(id) => Kind::Arm(*id),
            Kind::GuardedArm(id) => Kind::GuardedArm(*id),
        };
        Self { place: self.place.clone(), kind }
    }
}

fn put(change: &str, id: usize, woven: &mut Woven) {
    let begins = woven.text.len();
    woven.text.push_str(change);
    woven.marks.push(Mark { place: begins..woven.text.len(), id, is_change: true });
}

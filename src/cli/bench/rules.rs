//! The judgement of a basket, beside reading the rows that it is about from SQLite.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use stempel_domain::money::{Money, Quantity, Rate};
use stempel_domain::programme::{Programme, Published};
use stempel_domain::rules::{RuleBook, evaluate};
use stempel_domain::sale::{Line, Order, Sale};
use stempel_domain::{MemberFacts, MemberId, Moment, ShopId};
use stempel_store::{Folder, Store};
use stempel_terminal::counter::Circumstances;
use stempel_terminal::setup::{Beginning, begin_alone};

use super::{Failure, Figure, SystemClock, SystemEntropy, time};

/// Ten of the ready programmes; three times each under other names they are thirty.
const TEMPLATES: [&str; 10] = [
    include_str!("../../../assets/programmes/coffee-card.toml"),
    include_str!("../../../assets/programmes/points.toml"),
    include_str!("../../../assets/programmes/happy-hour.toml"),
    include_str!("../../../assets/programmes/cash-back.toml"),
    include_str!("../../../assets/programmes/tier-ladder.toml"),
    include_str!("../../../assets/programmes/volume-discount.toml"),
    include_str!("../../../assets/programmes/birthday-double-points.toml"),
    include_str!("../../../assets/programmes/next-visit-voucher.toml"),
    include_str!("../../../assets/programmes/basket-target.toml"),
    include_str!("../../../assets/programmes/member-discount.toml"),
];
/// Purchases of the member before the one that is judged.
const HISTORY: usize = 100;
/// Times that each judgement and each reading is repeated.
const RUNS: usize = 1000;

fn parse(text: &str) -> Result<Programme, Failure> {
    Programme::parse_toml(text).map_err(Failure::machine)
}

fn thirty() -> Result<Vec<Programme>, Failure> {
    let renamed = |(number, text): (usize, &&str)| {
        let name = |line: &str| {
            if line.starts_with("id = ") { format!("id = \"bench-{number}\"") } else { line.to_owned() }
        };
        // The first id of a file is the programme's own.
        let (head, rest) = text.split_once("\n[[").unwrap_or((text, ""));
        let head: Vec<String> = head.lines().map(name).collect();
        parse(&format!("{}\n[[{rest}", head.join("\n")))
    };
    TEMPLATES.iter().cycle().take(30).enumerate().map(renamed).collect()
}

/// Stamp cards for one category each.
fn card(number: usize) -> Result<Programme, Failure> {
    parse(&format!(
        "id = \"card-{number}\"\nname = \"Card\"\nunit = \"stamp:{number}\"\n[[earn]]\nper = \"item\"\namount = 1\n\
         categories = [\"cat-{number}\"]\ncap = {{ day = 5 }}\n[[reward]]\nid = \"free\"\nkind = \"free-item\"\ncost = 10\n\
         categories = [\"cat-{number}\"]\n"
    ))
}

fn basket(category: impl Fn(usize) -> String) -> Result<Sale, Failure> {
    let line = |number: usize| {
        Ok(Line {
            sku: format!("sku-{number}").parse().map_err(Failure::machine)?,
            name: String::new(),
            category: category(number),
            quantity: Quantity::pieces(1 + (number % 3) as u32),
            price: Money(120 + 37 * number as i64),
            vat: Rate(if number.is_multiple_of(2) { 700 } else { 1900 }),
            deposit: number == 19,
            stored: false,
        })
    };
    let lines: Result<Vec<Line>, Failure> = (0..20).map(line).collect();
    Ok(Sale { lines: lines?, ..Sale::default() })
}

/// A terminal with these programmes and a member who has bought a hundred times, and what it knows of the member.
struct Known {
    book: RuleBook,
    member: MemberId,
    facts: MemberFacts,
    at: Moment,
    bare: Connection,
}

impl Known {
    fn new(folder: &Path, programmes: Vec<Programme>, sale: &Sale) -> Result<Self, Failure> {
        let store = Store::open(Folder::take(folder, "stempel bench")?)?;
        let beginning = Beginning { shop_name: "Bench".into(), programmes, ..Beginning::default() };
        let clock = Arc::new(SystemClock::new(""));
        let mut terminal = begin_alone(store, clock, Box::new(SystemEntropy), &beginning)?;
        let joined = terminal.add_member(Some("Ada"), &None, None)?;
        for _ in 0..HISTORY {
            terminal.sale(Some(&joined.token.to_string()), sale.clone(), &Circumstances::default())?;
        }
        let at = terminal.moment(None)?;
        let state = terminal.view().member(joined.member)?.unwrap_or_default();
        let published: Vec<Published> = terminal.programmes().to_vec();
        let book = RuleBook::new(published).map_err(Failure::machine)?;
        let mut facts = state.facts(&at);
        book.trim(&mut facts, at.day);
        let bare =
            Connection::open(folder.join(stempel_store::folder::DATABASE)).map_err(Failure::machine)?;
        Ok(Self { book, member: joined.member, facts, at, bare })
    }

    fn figure(&self, sale: &Sale, what: String) -> Result<Figure, Failure> {
        let judge = |_: usize| {
            let shop = ShopId([1; 16]);
            Ok::<_, Failure>(evaluate(&self.book, Some(&self.facts), Order::Sale(sale), shop, &self.at))
        };
        let times = time(RUNS, judge)?;
        let read = |_: usize| -> Result<usize, rusqlite::Error> {
            let member: String = self
                .bare
                .prepare_cached("SELECT now FROM member WHERE member = ?1")?
                .query_row([self.member.0.as_slice()], |row| row.get(0))?;
            let mut programmes =
                self.bare.prepare_cached("SELECT id, version, text FROM programme ORDER BY id")?;
            let mut rows = programmes.query([])?;
            let mut length = member.len();
            while let Some(row) = rows.next()? {
                length += row.get::<_, String>(0)?.len() + row.get::<_, String>(2)?.len();
            }
            Ok(length)
        };
        let floor_times = time(RUNS, read).map_err(Failure::machine)?;
        Ok(Figure { name: "rules", what, times, floor: "reading the member and the programmes", floor_times })
    }
}

pub(super) fn rules(folder: &Path) -> Result<Vec<Figure>, Failure> {
    let categories = ["coffee", "cake", "beans", "food", "breakfast"];
    let sale = basket(|number| categories[number % categories.len()].to_owned())?;
    let known = Known::new(&folder.join("thirty"), thirty()?, &sale)?;
    let mut figures = vec![known.figure(&sale, "20 lines against 30 programmes".to_owned())?];
    let sale = basket(|number| format!("cat-{}", number % 10))?;
    for count in [10, 100, 1000] {
        let cards = (0..count).map(card).collect::<Result<_, _>>()?;
        let known = Known::new(&folder.join(format!("cards-{count}")), cards, &sale)?;
        figures.push(known.figure(&sale, format!("20 lines, 10 of {count} cards apply"))?);
    }
    Ok(figures)
}

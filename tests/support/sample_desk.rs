//! A desk with a made-up café, for tests of the screens and for their gallery. It knows just enough to answer.

use crate::controllers::{
    Addition, Article, ArticleCategory, Asking, Basket, BasketItem, Beyond, CardState, Catalogue, Claim,
    Colleague, ColleagueId, DaySums, Desk, EventId, Found, Gift, Guest, Health, Joined, Jpeg, Limit, LineId,
    Looked, MemberId, Moment, Money, Owner, Paid, Paper, Placement, PlugTest, PoolId, ProgrammeId, Question,
    Refusal, Reward, RewardId, Sample, SampleId, Sku, Slip, Stamped, Stamping, SyncReport, SyncState, Usual,
    Why, WhyKind,
};

/// A morning in the shop, and so many seconds after it.
pub fn at(seconds: i64) -> Moment {
    Moment { unix_ms: 1_790_000_000_000 + seconds * 1000, offset_minutes: 120 }
}

const SLOTS: u32 = 10;
const PAUSE_SECONDS: i64 = 600;

#[derive(Debug, Clone)]
struct Member {
    guest: Guest,
    last: Option<Moment>,
}

/// The made-up desk.
#[derive(Debug, Clone)]
pub struct SampleDesk {
    members: Vec<Member>,
    events: Vec<(EventId, Option<Guest>)>,
    lines: Vec<(Sku, u32)>,
    seat: Option<MemberId>,
    taken: Vec<RewardId>,
    away: bool,
    today: u32,
    /// What the connection looks like.
    pub report: SyncReport,
    /// Who works here: nobody has a PIN at first.
    pub colleagues: Vec<Colleague>,
    /// How many coffees wait for whoever needs one.
    pub waiting_gifts: u32,
    /// Paper cards that may still be taken without a manager.
    pub paper_left: u32,
    /// How many events were stored, those taken back among them.
    pub recorded: u32,
    /// How often a transfer was asked for.
    pub asked: u32,
    /// The question to guests.
    pub question: Option<Question>,
    /// What guests have answered.
    pub answers: Vec<(u8, Option<String>)>,
    /// How the device stands.
    pub placement: Placement,
    /// The plug test.
    pub plug: Option<PlugTest>,
    /// More stamps than these on one card want a second person; none: there is no limit.
    pub many: Option<u32>,
    beyond: Option<Beyond>,
    /// Rewards are asked about at a server, and how far that is.
    pub asks: bool,
    pub asking: Asking,
    /// The server did not answer in time.
    pub unheard: bool,
    /// What the first article is called instead.
    pub renamed: Option<&'static str>,
    /// No till is known whose receipts could count.
    pub no_receipts: bool,
    /// There is a printer.
    pub prints: bool,
    /// Members by name, of whom three are looked at in one step.
    pub named: Vec<String>,
}

fn member(id: &str, name: &str, stamps: u32) -> Member {
    let card = CardState {
        programme: "coffee".into(),
        title: "Kaffeekarte".into(),
        stamps,
        slots: SLOTS,
        reward: "Gratis-Kaffee".into(),
        full: 0,
    };
    let cards = vec![card.clone()];
    let guest =
        Guest { member: id.into(), name: name.into(), card, cards, points: Some(128), ..Guest::default() };
    Member { guest, last: None }
}

/// What a birthday brings beside the stamp.
fn birthday() -> Why {
    let what = "Zum Geburtstag: 5 Punkte".to_owned();
    Why { kind: WhyKind::News, given: true, what, ..Why::default() }
}

impl Default for SampleDesk {
    fn default() -> Self {
        let mut ada = member("ada", "Ada", 7);
        ada.guest.tier = "Gold".into();
        ada.guest.birthday = true;
        ada.guest.usual = Some(Usual { sku: "flat-white".into(), name: "Flat White".into() });
        let mut new = member("new", "", 0);
        new.guest.is_new = true;
        // Somebody who has been coming for years: two cards, full ones, and stamps that end soon.
        let mut dora = member("dora", "Dora", 4);
        dora.guest.card.full = 2;
        dora.guest.cards[0].full = 2;
        dora.guest.cards.push(CardState {
            programme: "lunch".into(),
            title: "Mittagskarte".into(),
            stamps: 5,
            slots: 6,
            reward: "Gratis-Mittagessen".into(),
            full: 0,
        });
        dora.guest.progress = vec!["Fünf verschiedene Getränke: 3 von 5".into(), "Verlosung: 2 Lose".into()];
        dora.guest.ending = vec!["3 Stempel gelten bis 30. November 2026".into()];
        Self {
            members: vec![
                ada,
                member("ben", "Ben", 2),
                member("clara", "Clara", 9),
                member("ada2", "Ada-Katharina", 5),
                dora,
                new,
            ],
            events: Vec::new(),
            lines: Vec::new(),
            seat: None,
            taken: Vec::new(),
            away: false,
            today: 41,
            report: SyncReport { state: SyncState::Online, ..SyncReport::default() },
            recorded: 0,
            asked: 0,
            colleagues: Vec::new(),
            waiting_gifts: 0,
            paper_left: 1,
            question: None,
            answers: Vec::new(),
            placement: Placement::default(),
            plug: None,
            many: None,
            beyond: None,
            asks: false,
            asking: Asking::Nothing,
            unheard: false,
            no_receipts: false,
            prints: false,
            renamed: None,
            named: Vec::new(),
        }
    }
}

impl SampleDesk {
    fn find(&mut self, id: &MemberId) -> Result<&mut Member, Refusal> {
        self.members.iter_mut().find(|member| member.guest.member == *id).ok_or(Refusal::UnknownCode)
    }

    fn record(&mut self, before: Option<Guest>) -> EventId {
        self.recorded += 1;
        let event = EventId(format!("e-{}", self.recorded));
        self.events.push((event.clone(), before));
        event
    }

    /// Begins to ask, or takes the answer.
    fn ask(&mut self) -> Result<(), Refusal> {
        if !self.asks {
            return Ok(());
        }
        if self.asking == Asking::Answered {
            self.asking = Asking::Nothing;
            return Ok(());
        }
        self.asking = Asking::Waiting;
        Err(Refusal::AskingServer)
    }

    fn articles() -> Vec<Article> {
        [
            ("espresso", "Espresso", 240, "coffee"),
            ("cappuccino", "Cappuccino", 360, "coffee"),
            ("flat-white", "Flat White", 390, "coffee"),
            ("latte", "Latte Macchiato", 410, "coffee"),
            ("chocolate", "Heiße Schokolade", 420, "coffee"),
            ("tea", "Earl Grey", 320, "drinks"),
            ("lemonade", "Zitronenlimonade", 380, "drinks"),
            ("croissant", "Croissant", 220, "cake"),
            ("cheesecake", "Käsekuchen", 390, "cake"),
            ("cookie", "Keks", 180, "cake"),
            ("sandwich", "Brötchen mit Käse", 450, "food"),
            ("beans", "Hausmischung 250 g", 890, "beans"),
        ]
        .into_iter()
        .map(|(sku, name, price, category)| Article {
            sku: sku.into(),
            name: name.into(),
            price: Money(price),
            categories: vec![category.into(), "all".into()],
            picture: sku.into(),
            photo: (sku == "cheesecake").then(photo),
            additions: if sku == "latte" { milks() } else { Vec::new() },
            by_place: category == "coffee",
        })
        .collect()
    }

    /// What one costs, with what is added to it.
    fn price(sku: &Sku) -> Option<(Article, i64, String)> {
        let article = Self::articles().into_iter().find(|article| article.sku.0 == sku.plain())?;
        let added: Vec<Addition> = (article.additions.iter())
            .filter(|addition| sku.0.split('+').skip(1).any(|code| code == addition.code))
            .cloned()
            .collect();
        let price = article.price.0 + added.iter().map(|addition| addition.price.0).sum::<i64>();
        let names = added.iter().map(|addition| format!(", {}", addition.name)).collect::<String>();
        let name = format!("{}{names}", article.name);
        Some((article, price, name))
    }
}

/// What a latte may be made with.
fn milks() -> Vec<Addition> {
    [("oat", "Hafer", 50), ("shot", "Extra Espresso", 80), ("decaf", "Entkoffeiniert", 0)]
        .map(|(code, name, price)| Addition { code: code.into(), name: name.into(), price: Money(price) })
        .to_vec()
}

/// A photo that somebody might have taken: a piece of cake on a plate, from afar.
fn photo() -> Jpeg {
    let pixels = image::RgbImage::from_fn(120, 90, |x, y| {
        let (far, near) =
            ((x as i32 - 60).pow(2) + (y as i32 - 48).pow(2), x > 40 && x < 84 && y > 30 && y < 58);
        image::Rgb(if near {
            [236, 200, 120]
        } else if far < 1500 {
            [250, 248, 244]
        } else {
            [120, 84, 60]
        })
    });
    let mut jpeg = Vec::new();
    image::codecs::jpeg::JpegEncoder::new(&mut jpeg).encode_image(&pixels).unwrap();
    Jpeg(jpeg.into())
}

/// Puts the card in use back among the guest's cards.
fn keep_card(guest: &mut Guest) {
    for card in &mut guest.cards {
        if card.programme == guest.card.programme {
            *card = guest.card.clone();
        }
    }
}

fn with_rewards(guest: &mut Guest) {
    guest.rewards = if guest.card.stamps >= guest.card.slots {
        vec![Reward {
            id: "free-coffee".into(),
            name: "Gratis-Kaffee".into(),
            waiting: 1,
            of_these: true,
            gift: false,
        }]
    } else {
        Vec::new()
    };
}

impl Desk for SampleDesk {
    fn scan(&mut self, text: &str, _now: Moment) -> Result<Guest, Refusal> {
        match text {
            "forged" => Err(Refusal::ForgedCode),
            "foreign" => Err(Refusal::ForeignCode),
            "blocked" => Err(Refusal::BlockedCard),
            text => self.find(&text.into()).map(|member| member.guest.clone()),
        }
    }

    fn look_again(&self, member: &MemberId) -> Option<Guest> {
        let found = self.members.iter().find(|found| found.guest.member == *member)?;
        Some(found.guest.clone())
    }

    fn stamp(
        &mut self,
        member: &MemberId,
        card: Option<&ProgrammeId>,
        count: u32,
        how: Stamping,
        now: Moment,
    ) -> Result<Stamped, Refusal> {
        let many = self.many;
        let found = self.find(member)?;
        let before = found.guest.clone();
        if many.is_some_and(|many| before.card.stamps + count > many) {
            self.beyond = Some(Beyond(vec![("card-velocity".into(), member.0.clone())]));
            return Err(Refusal::SecondPerson {
                why: "Dieser Karte wurde 9-mal in 1 Std. etwas gutgeschrieben".into(),
            });
        }
        if let (Stamping::Scan, Some(last)) = (how, found.last)
            && now.seconds_since(last) < PAUSE_SECONDS
        {
            return Err(Refusal::AlreadyCounted { at: last, guest: Box::new(before) });
        }
        found.last = Some(now);
        found.guest.is_new = false;
        if let Some(programme) = card {
            found.guest.turn_to(programme);
        }
        found.guest.card.stamps = (found.guest.card.stamps + count).min(found.guest.card.slots);
        keep_card(&mut found.guest);
        with_rewards(&mut found.guest);
        let guest = found.guest.clone();
        self.today += count;
        let event = self.record(Some(before));
        let reasons = if guest.birthday { vec![birthday()] } else { Vec::new() };
        Ok(Stamped { event, guest, given: count, reasons, ..Stamped::default() })
    }

    fn stamp_for_proof(&mut self, member: &MemberId, proof: &str, now: Moment) -> Result<Stamped, Refusal> {
        match proof {
            "receipt" | "slip" | "staff" => self.stamp(member, None, 1, Stamping::Hand, now),
            "old-slip" => Err(Refusal::ProofRefused { why: "Dieser Zettel galt bis 1. September.".into() }),
            _ => Err(Refusal::UnknownCode),
        }
    }

    fn takes_receipts(&self) -> bool {
        !self.no_receipts
    }

    fn is_proof(&self, text: &str) -> bool {
        ["receipt", "slip", "old-slip", "reward-slip"].contains(&text)
    }

    fn issue_slip(&mut self, stamps: u32, _now: Moment) -> Result<Slip, Refusal> {
        let paper = if self.prints { Paper::Printing } else { Paper::None };
        Ok(Slip { code: "slip".into(), stamps, last: "4. Oktober 2026".into(), paper })
    }

    fn take_paper(
        &mut self,
        member: &MemberId,
        card: Option<&ProgrammeId>,
        stamps: u32,
        manager: Option<&str>,
        now: Moment,
    ) -> Result<Stamped, Refusal> {
        match manager {
            Some(pin) => self.check_pin(None, pin)?,
            None if self.paper_left == 0 => return Err(Refusal::NeedsManager),
            None => self.paper_left -= 1,
        }
        self.stamp(member, card, stamps, Stamping::Hand, now)
    }

    fn beyond(&mut self) -> Option<Beyond> {
        self.beyond.take()
    }

    fn agree(&mut self, beyond: &Beyond, pin: &str) -> Result<(), Refusal> {
        assert!(!beyond.0.is_empty());
        self.check_pin(None, pin)?;
        self.many = None;
        Ok(())
    }

    fn colleagues(&self) -> Vec<Colleague> {
        self.colleagues.clone()
    }

    fn check_pin(&mut self, who: Option<&ColleagueId>, pin: &str) -> Result<(), Refusal> {
        match (who, pin) {
            (_, "9090") => Ok(()),
            (Some(_), "4711") => Ok(()),
            (_, "0000") => Err(Refusal::PinWait { seconds: 60 }),
            _ => Err(Refusal::WrongPin),
        }
    }

    fn is_staff_card(&self, text: &str) -> bool {
        text == "staff" && !self.colleagues.is_empty()
    }

    fn claim_by_slip(
        &mut self,
        member: &MemberId,
        reward: &RewardId,
        slip: &str,
        now: Moment,
    ) -> Result<Stamped, Refusal> {
        if slip != "reward-slip" {
            // Whether a slip is good is looked at when the server has answered.
            self.ask()?;
            return Err(Refusal::ProofRefused { why: "Dieser Zettel gilt nur für Stempel.".into() });
        }
        self.claim(member, reward, Claim::Extra, now)
    }

    fn gifts(&self) -> Vec<Gift> {
        let gift = Gift { pool: "coffee".into(), name: "Kaffee".into(), count: self.waiting_gifts };
        if self.waiting_gifts > 0 { vec![gift] } else { Vec::new() }
    }

    fn release_gift(&mut self, _pool: &PoolId, _now: Moment) -> Result<(), Refusal> {
        self.waiting_gifts = self.waiting_gifts.checked_sub(1).ok_or(Refusal::TooLate)?;
        Ok(())
    }

    fn health(&self) -> Health {
        Health { waiting: self.report.waiting, blanks: Some(187), free_mb: Some(52_000), ..Health::default() }
    }

    fn day_sums(&self, _now: Moment) -> DaySums {
        DaySums { stamps: self.today, rewards: 3, undone: 1, joined: 4, ..DaySums::default() }
    }

    fn claim(
        &mut self,
        member: &MemberId,
        reward: &RewardId,
        _how: Claim,
        _now: Moment,
    ) -> Result<Stamped, Refusal> {
        let found = self.find(member)?;
        let before = found.guest.clone();
        if !before.rewards.iter().any(|offer| offer.id == *reward) {
            return Err(Refusal::RewardRefused { why: "Die Karte ist noch nicht voll.".into() });
        }
        self.ask()?;
        let found = self.find(member)?;
        found.guest.card.stamps = 0;
        keep_card(&mut found.guest);
        with_rewards(&mut found.guest);
        let guest = found.guest.clone();
        let event = self.record(Some(before));
        let unheard = self.unheard;
        Ok(Stamped { event, guest, reward: "Gratis-Kaffee".into(), unheard, ..Stamped::default() })
    }

    fn asking(&self) -> Asking {
        self.asking
    }

    fn wait_no_longer(&mut self) {
        self.asking = Asking::Answered;
        self.unheard = true;
    }

    fn stop_asking(&mut self) {
        self.asking = Asking::Nothing;
    }

    fn undo(&mut self, event: &EventId, _now: Moment) -> Result<Option<Guest>, Refusal> {
        let place = self.events.iter().position(|(id, _)| id == event).ok_or(Refusal::TooLate)?;
        let (_, before) = self.events.remove(place);
        if let Some(before) = &before {
            let found = self.find(&before.member)?;
            found.guest = before.clone();
            found.last = None;
        }
        Ok(before)
    }

    fn join(&mut self, name: Option<&str>, _now: Moment) -> Result<Joined, Refusal> {
        let found = self.find(&"new".into())?;
        name.unwrap_or_default().clone_into(&mut found.guest.name);
        Ok(Joined { guest: found.guest.clone(), code: "new".into() })
    }

    fn name_guest(&mut self, member: &MemberId, name: &str, _now: Moment) -> Result<Guest, Refusal> {
        let found = self.find(member)?;
        name.clone_into(&mut found.guest.name);
        Ok(found.guest.clone())
    }

    fn find_named(&self, text: &str, behind: Option<&MemberId>) -> Looked {
        let text = text.to_lowercase();
        if !self.named.is_empty() {
            // Three at a time.
            let from: usize = behind.map_or(0, |member| member.0.parse().unwrap());
            let names = self.named.iter().enumerate().skip(from).take(3);
            let fits = names.filter(|(_, name)| name.to_lowercase().contains(&text));
            let found =
                fits.map(|(number, name)| Found { name: name.clone(), card: number.to_string() }).collect();
            let behind = (from + 3 < self.named.len()).then(|| MemberId((from + 3).to_string()));
            return Looked { found, behind };
        }
        let guests = self.members.iter().map(|member| &member.guest);
        let fits = guests.filter(|guest| guest.name.to_lowercase().contains(&text));
        let found = fits
            .map(|guest| Found { name: guest.name.clone(), card: format!("4711-{}", guest.member) })
            .collect();
        Looked { found, behind: None }
    }

    fn replace_lost(&mut self, owner: &Owner, _now: Moment) -> Result<Joined, Refusal> {
        let (id, named) = match owner {
            Owner::Second(text) => match text.strip_prefix("R1-of-") {
                Some("nobody") => ("new", false),
                Some(id) => (id, true),
                None => return Err(Refusal::UnknownCode),
            },
            Owner::Manager { card, pin } => {
                self.check_pin(None, pin)?;
                (card.strip_prefix("4711-").unwrap_or_default(), false)
            }
        };
        if named {
            return Err(Refusal::NeedsManager);
        }
        let guest = self.find(&id.into())?.guest.clone();
        Ok(Joined { guest, code: "S1REPLACED".into() })
    }

    fn question(&self) -> Option<Question> {
        self.question.clone()
    }

    fn answer(&mut self, score: u8, reason: Option<&str>, _now: Moment) -> Result<(), Refusal> {
        self.answers.push((score, reason.map(str::to_owned)));
        Ok(())
    }

    fn call_words(&self, member: &MemberId, _reward: &RewardId) -> (String, String) {
        let found = self.members.iter().find(|known| known.guest.member == *member);
        (found.map(|known| known.guest.name.clone()).unwrap_or_default(), "Gratis-Kaffee".into())
    }

    fn placement(&self) -> Placement {
        self.placement
    }

    fn keep_placement(&mut self, placement: Placement) -> Result<(), Refusal> {
        self.placement = placement;
        Ok(())
    }

    fn test_card(&mut self) -> Result<String, Refusal> {
        Ok("new".into())
    }

    fn plug_test(&self) -> Option<PlugTest> {
        self.plug
    }

    fn begin_plug_test(&mut self, _now: Moment) -> Result<PlugTest, Refusal> {
        let test = PlugTest { given: 5, result: None };
        self.plug = Some(test);
        Ok(test)
    }

    fn stamps_today(&self, _now: Moment) -> u32 {
        self.today
    }

    fn samples(&self) -> Vec<Sample> {
        [("ada", "Ada"), ("ben", "Ben"), ("clara", "Clara"), ("new", "Neu"), ("forged", "Gefälscht")]
            .into_iter()
            .map(|(id, name)| Sample { id: id.into(), name: name.into(), detail: String::new() })
            .collect()
    }

    fn sample_text(&self, sample: &SampleId) -> Option<String> {
        Some(sample.0.clone())
    }

    fn catalogue(&self) -> Catalogue {
        let categories = [
            ("coffee", "Kaffee"),
            ("drinks", "Getränke"),
            ("cake", "Kuchen"),
            ("food", "Herzhaft"),
            ("all", "Alles"),
        ]
        .into_iter()
        .map(|(id, name)| ArticleCategory { id: id.into(), name: name.into() })
        .collect();
        let mut articles = Self::articles();
        if let Some(name) = self.renamed {
            name.clone_into(&mut articles[0].name);
        }
        Catalogue { categories, articles }
    }

    fn article(&self, text: &str) -> Result<Option<Sku>, Refusal> {
        match text {
            "4006381333931" => Ok(Some("beans".into())),
            "96385074" => Err(Refusal::UnknownArticle { number: text.to_owned() }),
            _ => Ok(None),
        }
    }

    fn basket(&self, _now: Moment) -> Basket {
        let mut basket = Basket { taken: self.taken.clone(), away: self.away, ..Basket::default() };
        for (sku, count) in &self.lines {
            let Some((article, price, name)) = Self::price(sku) else { continue };
            let amount = Money(price * i64::from(*count));
            basket.total.0 += amount.0;
            let coffee = article.categories[0] == "coffee";
            basket.stamps += if coffee { *count } else { 0 };
            basket.reasons.push(Why {
                kind: if coffee { WhyKind::PerItem } else { WhyKind::Excluded },
                given: coffee,
                what: article.name.clone(),
                limit: Limit::None,
                units: if coffee { i64::from(*count) } else { 0 },
            });
            basket.lines.push(BasketItem {
                line: LineId(sku.0.clone()),
                sku: Some(sku.clone()),
                name,
                count: *count,
                amount,
            });
        }
        let seated = self.seat.as_ref().and_then(|seat| {
            self.members.iter().map(|member| &member.guest).find(|guest| guest.member == *seat)
        });
        basket.guest = seated.cloned();
        if let Some(guest) = &mut basket.guest {
            guest.rewards.push(Reward {
                id: "cookie".into(),
                name: "Gratis-Keks".into(),
                waiting: 1,
                of_these: false,
                gift: false,
            });
            basket.points = basket.total.0 / 100;
        } else {
            basket.stamps = 0;
        }
        if !basket.lines.is_empty() && basket.guest.as_ref().is_some_and(|guest| !guest.tier.is_empty()) {
            basket.total.0 -= 50;
            basket.lines.push(BasketItem {
                line: "discount".into(),
                sku: None,
                name: "Rabatt Gold".into(),
                count: 1,
                amount: Money(-50),
            });
        }
        basket
    }

    fn put_in(&mut self, sku: &Sku, _now: Moment) -> Result<(), Refusal> {
        match self.lines.iter_mut().find(|(known, _)| known == sku) {
            Some((_, count)) => *count += 1,
            None => self.lines.push((sku.clone(), 1)),
        }
        Ok(())
    }

    fn serve(&mut self, away: bool) {
        self.away = away;
    }

    fn take_out(&mut self, line: &LineId, _now: Moment) -> Result<(), Refusal> {
        for (sku, count) in &mut self.lines {
            if sku.0 == line.0 {
                *count -= 1;
            }
        }
        self.lines.retain(|(_, count)| *count > 0);
        Ok(())
    }

    fn seat(&mut self, member: Option<&MemberId>, _now: Moment) -> Result<(), Refusal> {
        self.seat = member.cloned();
        self.taken.clear();
        Ok(())
    }

    fn put_reward(&mut self, reward: &RewardId, take: bool, _now: Moment) -> Result<(), Refusal> {
        self.taken.retain(|taken| taken != reward);
        if take {
            self.taken.push(reward.clone());
        }
        Ok(())
    }

    fn pay_cash(&mut self, given: Money, now: Moment) -> Result<Paid, Refusal> {
        let basket = self.basket(now);
        let before = basket.guest.clone();
        let total = basket.total;
        if !self.taken.is_empty() {
            self.ask()?;
        }
        self.lines.clear();
        self.taken.clear();
        self.away = false;
        if let Some(seat) = self.seat.take() {
            let stamps = basket.stamps;
            let found = self.find(&seat)?;
            found.guest.card.stamps = (found.guest.card.stamps + stamps).min(SLOTS);
        }
        let event = self.record(before);
        Ok(Paid { event, total, change: Money(given.0 - total.0), unheard: self.unheard })
    }

    fn sync_report(&self) -> SyncReport {
        self.report.clone()
    }

    fn sync_now(&mut self) {
        self.asked += 1;
    }
}

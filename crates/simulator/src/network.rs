//! The network between devices and server: it loses, doubles, delays, cuts and reorders; and while a question is on
//! its way, other things happen.

use stempel_domain::AuthorId;
use stempel_server::SignedRequest;
use stempel_sync::{SyncError, Transport};
use stempel_terminal::TerminalError;
use stempel_terminal::exchange::{Local, Parcel};
use stempel_wire::message::{BlanksAnswer, EnrollAnswer, EnrollRequest, FeedPage, Problem, PushAnswer};
use stempel_wire::{MemberKey, Signature, request};

use stempel_domain::MemberId;
use stempel_domain::ports::Clock;
use stempel_sync::Progress;
use stempel_sync::plan::PageVerdict;

use crate::planted::Planted;
use crate::random::Random;
use crate::stop::Stop;
use crate::world::{Shared, World};

/// What a question asks.
#[derive(Debug, Clone)]
pub enum Question {
    /// For a page of the feed.
    Feed {
        /// The cursor.
        after: u64,
        /// At most so many changes.
        limit: usize,
    },
    /// To take rows.
    Push(Vec<u8>),
    /// For blank cards.
    Blanks,
}

/// A question as it was signed. The network may carry it twice, or much later.
#[derive(Debug, Clone)]
pub struct Letter {
    /// What it asks.
    pub question: Question,
    /// Who asks.
    pub device: AuthorId,
    time_ms: i64,
    path: String,
    signature: Signature,
}

/// How the server answered: a body, or a problem.
type Reply = Result<Vec<u8>, Problem>;

impl World {
    /// The server takes a letter and answers. Everything that it did is in its database by then.
    pub fn serve(&mut self, letter: &Letter) -> Result<Reply, Stop> {
        let Letter { question, device, time_ms, path, signature } = letter;
        let (method, body) = match question {
            Question::Feed { .. } => ("GET", &[][..]),
            Question::Push(body) => ("POST", &body[..]),
            Question::Blanks => ("POST", &[][..]),
        };
        let answer = self.house.ask(async |server| -> Result<Vec<u8>, stempel_server::Error> {
            server.check_time(*time_ms)?;
            let caller = server.sender(*device).await?;
            let signed = SignedRequest {
                method,
                path_and_query: path,
                device: *device,
                time_ms: *time_ms,
                body,
                signature: *signature,
            };
            caller.check(&signed)?;
            Ok(match question {
                Question::Feed { after, limit } => {
                    let caller = caller.not_revoked()?;
                    serde_json::to_vec(&server.feed(&caller, *after, *limit).await?)?
                }
                Question::Push(body) => serde_json::to_vec(&server.push_body(&caller, body).await?)?,
                Question::Blanks => serde_json::to_vec(&server.blanks(&caller.not_revoked()?).await?)?,
            })
        });
        if matches!(question, Question::Push(_)) {
            self.read_history()?;
        }
        answer.map_or_else(
            |error| {
                let problem = error.problem();
                match problem.status {
                    500 => Err(Stop::Broken(format!("the server has a fault: {error}"))),
                    _ => Ok(Err(problem)),
                }
            },
            |body| Ok(Ok(body)),
        )
    }
}

/// Carries the questions of one device.
pub struct Wire {
    world: Shared,
    place: usize,
    /// What the network does is drawn from here; none on a calm day.
    weather: Option<Random>,
    skew_ms: Option<i64>,
    limit: usize,
    asked: u32,
}

/// An exchange that asks more often than this does not come to an end.
const QUESTIONS_MAX: u32 = 1500;

/// What the network does to one question, each in so many of a thousand. Checked one after the other.
const FAULTS: [(&str, u32); 7] = [
    ("lost", 35),
    ("answer lost", 35),
    ("answer cut", 25),
    ("doubled", 30),
    ("comes again later", 25),
    ("somebody else answers", 12),
    ("busy", 12),
];
/// How often other things happen while a question or an answer is on its way, in a thousand, and how many at most.
const MEANWHILE: (u32, usize) = (160, 3);
/// How often the server that answers is of a later version, in a thousand.
const LATER: u32 = 100;

impl Wire {
    /// A line for one exchange.
    pub fn new(world: &Shared, place: usize, weather: Option<u64>, skew_ms: Option<i64>) -> Self {
        let mut weather = weather.map(Random::new);
        let limit = match &mut weather {
            Some(weather) => [1000, 7, 3, 40][weather.below(4)],
            None => 1000,
        };
        Self { world: world.clone(), place, weather, skew_ms, limit, asked: 0 }
    }

    fn draw(&mut self) -> Option<&'static str> {
        let weather = self.weather.as_mut()?;
        FAULTS.into_iter().find(|(_, rate)| weather.per_mille(*rate)).map(|(fault, _)| fault)
    }

    /// Other things happen: the next steps of the plan.
    fn meanwhile(&mut self) {
        let Some(weather) = &mut self.weather else { return };
        if weather.per_mille(MEANWHILE.0) {
            let steps = weather.below(MEANWHILE.1) + 1;
            World::meanwhile(&self.world, steps);
        }
    }

    fn planted(&self, planted: Planted) -> bool {
        self.world.borrow().options.planted == Some(planted)
    }

    fn note(&self, fault: &'static str) {
        *self.world.borrow_mut().counts.entry(fault).or_default() += 1;
    }

    /// Carries a question, and once more with the right time if the clock was wrong.
    fn carry(&mut self, question: Question) -> Result<Vec<u8>, SyncError> {
        match self.carry_once(question.clone()) {
            Err(error) if error.code() == Some("clock") => self.carry_once(question),
            answer => answer,
        }
    }

    fn letter(&self, question: Question) -> Letter {
        let world = self.world.borrow();
        let place = &world.places[self.place];
        let path = match &question {
            Question::Feed { after, limit } => format!("/v1/feed?after={after}&limit={limit}&wait_ms=0"),
            Question::Push(_) => "/v1/push".to_owned(),
            Question::Blanks => "/v1/blanks".to_owned(),
        };
        let (method, body) = match &question {
            Question::Feed { .. } => ("GET", &[][..]),
            Question::Push(body) => ("POST", &body[..]),
            Question::Blanks => ("POST", &[][..]),
        };
        let time_ms = place.clock.now_ms() - self.skew_ms.unwrap_or(0);
        let signature = request::sign(&place.key, method, &path, place.device, time_ms, body);
        Letter { question, device: place.device, time_ms, path, signature }
    }

    fn carry_once(&mut self, question: Question) -> Result<Vec<u8>, SyncError> {
        self.asked += 1;
        if self.asked > QUESTIONS_MAX {
            return self
                .kept(Err(Stop::Broken("an exchange asks and asks and does not come to an end".into())));
        }
        self.meanwhile();
        let letter = self.letter(question);
        let fault = self.draw();
        if self.world.borrow().places[self.place].away {
            self.note("partitioned");
            return Err(SyncError::Unreachable);
        }
        if let Some(fault) = fault {
            self.note(fault);
        }
        match fault {
            Some("lost") => return Err(SyncError::Unreachable),
            Some("busy") => return Err(SyncError::Busy),
            Some("somebody else answers") => return Err(SyncError::Rubbish("a page of a hotel".into())),
            _ => {}
        }
        let reply = self.world.borrow_mut().serve(&letter);
        let reply = self.kept(reply)?;
        if fault == Some("doubled") {
            let again = self.world.borrow_mut().serve(&letter);
            // Nobody waits for the answer to a copy.
            let _ = self.kept(again)?;
        }
        if fault == Some("comes again later") {
            self.world.borrow_mut().late.push(letter.clone());
        }
        self.meanwhile();
        match fault {
            Some("answer lost") => return Err(SyncError::Slow),
            Some("answer cut") => return Err(SyncError::CutOff),
            _ => {}
        }
        if !self.planted(Planted::OwnClock) {
            let world = self.world.borrow();
            self.skew_ms = Some(world.places[self.place].clock.now_ms() - world.truth.truth_ms());
        }
        reply.map_err(|problem| match problem.status {
            429 | 503 => SyncError::Busy,
            _ => SyncError::Refused(problem),
        })
    }

    /// Keeps what breaks the run for the one who plays it.
    fn kept<T>(&self, answer: Result<T, Stop>) -> Result<T, SyncError> {
        answer.map_err(|stop| {
            self.world.borrow_mut().trouble.get_or_insert(stop);
            SyncError::Busy
        })
    }

    fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, SyncError> {
        serde_json::from_slice(body).map_err(|error| SyncError::Rubbish(error.to_string()))
    }
}

impl Transport for Wire {
    fn enroll(&mut self, _request: &EnrollRequest) -> Result<EnrollAnswer, SyncError> {
        Err(SyncError::Unreachable)
    }

    fn push(&mut self, body: Vec<u8>) -> Result<PushAnswer, SyncError> {
        if let Some(answer) = crate::faults::instead_of_push(&self.world, self.place, &body) {
            return answer;
        }
        let answer = self.carry(Question::Push(body));
        let dropped = matches!(answer, Err(SyncError::Unreachable | SyncError::Slow | SyncError::CutOff));
        if dropped && self.planted(Planted::CutMarksSent) {
            return Ok(crate::faults::all_held(&self.world, self.place));
        }
        let mut answer: PushAnswer = Self::read(&answer?)?;
        let changed = crate::faults::after_push(&self.world, self.place, &mut answer);
        self.kept(changed)?;
        Ok(answer)
    }

    fn feed(&mut self, after: u64, limit: usize, _wait_ms: u64) -> Result<FeedPage, SyncError> {
        let body = self.carry(Question::Feed { after, limit: limit.min(self.limit) })?;
        let mut page: FeedPage = Self::read(&body)?;
        let later =
            self.weather.as_mut().and_then(|weather| weather.per_mille(LATER).then(|| weather.below(8)));
        if let Some(place) = later {
            self.note("page of a later server");
            let written = crate::versions::later_page(&mut page, place);
            self.kept(written)?;
        }
        let changed = crate::faults::in_page(&self.world, self.place, after, &mut page);
        self.kept(changed)?;
        Ok(page)
    }

    fn blanks(&mut self) -> Result<BlanksAnswer, SyncError> {
        let answer: BlanksAnswer = Self::read(&self.carry(Question::Blanks)?)?;
        let tokens = answer.blanks.iter().map(ToString::to_string);
        // The end of the pool is printed and laid beside the till.
        let pile: Vec<String> = tokens.skip(190).collect();
        self.world.borrow_mut().pile.extend(pile);
        Ok(answer)
    }

    fn skew_ms(&self) -> Option<i64> {
        self.skew_ms
    }
}

/// The terminal's side of an exchange: each piece for itself, with other things happening in between.
pub struct Desk {
    world: Shared,
    place: usize,
    incarnation: u32,
}

impl Desk {
    /// The desk where a terminal runs now.
    pub fn new(world: &Shared, place: usize) -> Self {
        let incarnation = world.borrow().places[place].incarnation;
        Self { world: world.clone(), place, incarnation }
    }

    fn piece<T>(
        &self,
        work: impl FnOnce(&mut stempel_terminal::Terminal) -> Result<T, TerminalError>,
    ) -> Result<T, TerminalError> {
        let mut world = self.world.borrow_mut();
        let place = &mut world.places[self.place];
        match &mut place.terminal {
            Some(terminal) if place.incarnation == self.incarnation => work(terminal),
            _ => Err(TerminalError::NotNow("the power is gone".into())),
        }
    }
}

impl Local for Desk {
    fn begin(&mut self) -> Result<(AuthorId, Progress), TerminalError> {
        self.piece(Local::begin)
    }

    fn pack(
        &mut self,
        epoch: &str,
        after: u64,
        rows_max: usize,
        bytes_max: usize,
    ) -> Result<Parcel, TerminalError> {
        self.piece(|terminal| terminal.pack(epoch, after, rows_max, bytes_max))
    }

    fn has_row(&mut self, seq: u64, hash: &str) -> Result<bool, TerminalError> {
        self.piece(|terminal| terminal.has_row(seq, hash))
    }

    fn delivered(
        &mut self,
        answer: PushAnswer,
        keys: Vec<(MemberId, MemberKey)>,
        held: u64,
    ) -> Result<(), TerminalError> {
        self.piece(|terminal| terminal.delivered(answer, keys, held))?;
        let mut world = self.world.borrow_mut();
        if let Err(stop) = world.acknowledged(self.place) {
            world.trouble.get_or_insert(stop);
        }
        Ok(())
    }

    fn take_page(&mut self, page: FeedPage, verdict: PageVerdict, held: u64) -> Result<(), TerminalError> {
        let members = crate::faults::members_of(&page);
        self.piece(|terminal| terminal.take_page(page, verdict, held))?;
        let mut world = self.world.borrow_mut();
        let looked = members.into_iter().try_for_each(|member| world.look(self.place, member));
        if let Err(stop) = looked {
            world.trouble.get_or_insert(stop);
        }
        Ok(())
    }

    fn take_blanks(&mut self, answer: BlanksAnswer) -> Result<usize, TerminalError> {
        self.piece(|terminal| terminal.take_blanks(answer))
    }

    fn end(&mut self, error: Option<String>, skew_ms: Option<i64>) -> Result<u64, TerminalError> {
        let failed = error.is_some();
        let forget = self.world.borrow().options.planted == Some(Planted::FailureForgotten);
        let error = error.filter(|_| !forget);
        let left = self.piece(|terminal| terminal.end(error, skew_ms))?;
        let place = &mut self.world.borrow_mut().places[self.place];
        place.notes.failed = failed;
        if !failed {
            place.notes.heard_ms = Some(place.clock.now_ms());
        }
        Ok(left)
    }
}

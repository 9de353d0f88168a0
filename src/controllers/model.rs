//! What is on the screen: plain data that the adapters put into the window.

use super::action::{Heard, Language, Look, Route, Volume};
use super::desk::{
    Addition, ArticleCategory, Basket, Colleague, ColleagueId, DaySums, EventId, Gift, Guest, Health, Joined,
    Jpeg, Moment, Money, Refusal, Sample, Sku, Slip, SyncReport, Why,
};
use super::device::{Call, Found, Placement, PlugTest, Question};

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScreenModel {
    /// What every screen has around it.
    pub app: AppModel,
    /// The stamp-card screen.
    pub counter: CounterModel,
    /// The till.
    pub till: TillModel,
    /// The kiosk.
    pub kiosk: KioskModel,
    /// The connection.
    pub sync: SyncModel,
    /// The camera and the other ways in.
    pub scan: ScanModel,
    /// The first run.
    pub setup: SetupModel,
    /// The chooser of pictures and folders.
    pub files: FilesModel,
    /// A PIN is asked for.
    pub pin: Option<PinModel>,
    /// How the device is, is looked at.
    pub diagnostics: Option<DiagnosticsModel>,
    /// A lost card is being replaced.
    pub lost: Option<LostModel>,
    /// Calls from the kiosks, oldest first.
    pub calls: Vec<Call>,
    /// The server is being asked about a reward.
    pub asking: bool,
}

/// How far members were looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Looking {
    /// Too little was typed.
    #[default]
    Nowhere,
    /// Not all were looked at yet.
    On,
    /// More fit than are listed.
    Many,
    /// All were looked at.
    All,
}

/// A lost card is being replaced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LostModel {
    /// Members whose name fits what was typed.
    pub found: Vec<Found>,
    /// How far it was looked for them.
    pub looking: Looking,
    /// What was wrong.
    pub notice: Notice,
    /// The new card.
    pub joined: Option<Joined>,
}

/// What every screen has around it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AppModel {
    /// Which screen.
    pub route: Route,
    /// Where we are and who works here: "Kasse 1 · Lena".
    pub place: String,
    /// The name of the shop.
    pub shop: String,
    /// The time.
    pub now: Moment,
    /// The language.
    pub language: Language,
    /// Light or dark.
    pub look: Look,
    /// Pure ink on pure paper.
    pub high_contrast: bool,
    /// Reduced motion.
    pub still: bool,
    /// The sample shop.
    pub demo: bool,
    /// Everything is read aloud.
    pub speech: bool,
    /// How loud that is.
    pub volume: Volume,
    /// Text is a step larger.
    pub larger: bool,
    /// This machine has a voice.
    pub can_speak: bool,
    /// This machine has a loudspeaker.
    pub can_ring: bool,
    /// The screen is being wiped, for so many seconds more; touches do nothing meanwhile.
    pub cleaning: Option<u32>,
    /// What could be heard a moment ago.
    pub heard: Option<Heard>,
    /// It is night: the screen is dark until somebody comes.
    pub dimmed: bool,
    /// The shop's own picture: a file on this device.
    pub picture: Option<std::path::PathBuf>,
    /// The version of the terms.
    pub terms: String,
}

/// What a message says. The words of each stand in `ui/words.slint`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NoticeKind {
    /// There is none.
    #[default]
    None,
    /// A card that was never seen here.
    NewGuest,
    /// The same card within the pause.
    AlreadyCounted,
    /// The most for one day is reached.
    DayIsFull,
    /// Not a card.
    UnknownCode,
    /// A package whose number no article has; the text is the number.
    UnknownArticle,
    /// Another programme owner's card.
    ForeignCode,
    /// A signature that does not fit.
    ForgedCode,
    /// A card reported lost or replaced.
    BlockedCard,
    /// A picture without a code.
    NoCode,
    /// A reward was taken; the text is its name.
    RewardTaken,
    /// A reward was taken without the server's word; the text is its name.
    RewardUnheard,
    /// A reward cannot be given; the text says why.
    RewardRefused,
    /// Something was taken back.
    Undone,
    /// A sale was taken back; its amount is given back.
    SaleUndone,
    /// It is too late to take it back.
    TooLate,
    /// The camera is gone.
    CameraGone,
    /// No rule gave a stamp.
    NothingStamped,
    /// What was shown proves no purchase that counts; the text says why.
    ProofRefused,
    /// A slip or a receipt came before the card.
    CardFirst,
    /// A wrong PIN.
    WrongPin,
    /// Too many wrong PINs; the text is the wait in seconds.
    PinWait,
    /// Only a manager may do this.
    NeedsManager,
    /// It goes beyond a limit: a second person has to agree; the text says which.
    SecondPerson,
    /// A paper card was taken over; the text is the number of its stamps.
    PaperTaken,
    /// Something that was given away was handed out; the text is its name.
    GiftReleased,
    /// A kiosk has given what the counter confirmed.
    CallDone,
    /// The guest at the kiosk had gone before the counter answered; nothing was given.
    GuestGone,
    /// The counter said no to a reward at the kiosk.
    CounterSaidNo,
    /// The machine failed; the text says what to do.
    Trouble,
}

/// A message: what happened, what it means, what to do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notice {
    /// What it says.
    pub kind: NoticeKind,
    /// The guest it is about.
    pub name: String,
    /// The time it names.
    pub at: Option<Moment>,
    /// The amount it names.
    pub amount: Option<Money>,
    /// A sentence or a name that came with the answer.
    pub text: String,
}

impl Notice {
    /// Makes a message without particulars.
    pub fn of(kind: NoticeKind) -> Self {
        Self { kind, ..Self::default() }
    }

    /// What is said of a reward that was taken.
    pub(super) fn taken(unheard: bool) -> NoticeKind {
        if unheard { NoticeKind::RewardUnheard } else { NoticeKind::RewardTaken }
    }

    /// Makes the message of a refusal, and hands out the guest and the reasons that came with it.
    pub fn refused(refusal: Refusal) -> (Self, Option<Guest>, Vec<Why>) {
        let plain = |kind| (Self::of(kind), None, Vec::new());
        match refusal {
            Refusal::UnknownCode => plain(NoticeKind::UnknownCode),
            Refusal::UnknownArticle { number } => {
                (Self { kind: NoticeKind::UnknownArticle, text: number, ..Self::default() }, None, Vec::new())
            }
            Refusal::ForeignCode => plain(NoticeKind::ForeignCode),
            Refusal::ForgedCode => plain(NoticeKind::ForgedCode),
            Refusal::BlockedCard => plain(NoticeKind::BlockedCard),
            Refusal::NoCode => plain(NoticeKind::NoCode),
            Refusal::TooLate => plain(NoticeKind::TooLate),
            Refusal::CardFirst => plain(NoticeKind::CardFirst),
            Refusal::WrongPin => plain(NoticeKind::WrongPin),
            Refusal::NeedsManager => plain(NoticeKind::NeedsManager),
            Refusal::SecondPerson { why } => {
                (Self { kind: NoticeKind::SecondPerson, text: why, ..Self::default() }, None, Vec::new())
            }
            Refusal::PinWait { seconds } => {
                let text = seconds.to_string();
                (Self { kind: NoticeKind::PinWait, text, ..Self::default() }, None, Vec::new())
            }
            Refusal::ProofRefused { why } => {
                (Self { kind: NoticeKind::ProofRefused, text: why, ..Self::default() }, None, Vec::new())
            }
            Refusal::AlreadyCounted { at, guest } => {
                let notice = Self {
                    kind: NoticeKind::AlreadyCounted,
                    name: guest.name.clone(),
                    at: Some(at),
                    ..Self::default()
                };
                (notice, Some(*guest), Vec::new())
            }
            Refusal::DayIsFull { guest } => {
                let notice =
                    Self { kind: NoticeKind::DayIsFull, name: guest.name.clone(), ..Self::default() };
                (notice, Some(*guest), Vec::new())
            }
            Refusal::NothingGiven { guest, reasons } => {
                let notice =
                    Self { kind: NoticeKind::NothingStamped, name: guest.name.clone(), ..Self::default() };
                (notice, Some(*guest), reasons)
            }
            Refusal::RewardRefused { why } => {
                (Self { kind: NoticeKind::RewardRefused, text: why, ..Self::default() }, None, Vec::new())
            }
            // The screen that waits for the server says so; there is nothing else to say.
            Refusal::AskingServer => plain(NoticeKind::None),
            Refusal::Trouble { what } => {
                (Self { kind: NoticeKind::Trouble, text: what, ..Self::default() }, None, Vec::new())
            }
        }
    }
}

/// The stamp-card screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CounterModel {
    /// Whose card lies there.
    pub guest: Option<Guest>,
    /// The newest stamps on it.
    pub fresh: u32,
    /// Goes up by one whenever stamps land.
    pub landing: u32,
    /// The message.
    pub notice: Notice,
    /// Why this much, or why nothing.
    pub reasons: Vec<Why>,
    /// The last guests, newest first, three at most.
    pub last: Vec<LastGuest>,
    /// How many stamps the next scan gives.
    pub armed: u32,
    /// Stamps of the business day.
    pub today: u32,
    /// "1 of these free" fits, as stamps of this visit lie on the card.
    pub of_these: bool,
    /// The card lies there without a stamp, and the screen asks how many.
    pub asks: bool,
    /// The card was live for the first time a moment ago: a paper card can be taken over by a tap on its last stamp.
    pub paper: bool,
    /// A slip that is to be photographed.
    pub slip: Option<Slip>,
    /// What guests gave away and waits.
    pub gifts: Vec<Gift>,
    /// How this device is.
    pub health: Health,
    /// The sums of the day, while they are looked at.
    pub closing: Option<DaySums>,
}

/// What a PIN is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PinFor {
    /// A manager leaves the kiosk.
    Leaving,
    /// Staff confirm a reward at the kiosk.
    Reward,
    /// A manager lifts the day's limit of paper cards.
    Paper,
    /// A manager says whose a lost card was.
    Lost,
    /// A manager agrees that something goes on beyond a limit.
    Agreeing,
}

/// A PIN is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinModel {
    /// What for.
    pub purpose: PinFor,
    /// Who may type one; empty where it is a manager's.
    pub people: Vec<Colleague>,
    /// Who does.
    pub who: Option<ColleagueId>,
    /// How many digits were typed.
    pub digits: u32,
    /// What was wrong with the last one.
    pub notice: Notice,
    /// Nobody here has a PIN or a staff card: what there is instead is said.
    pub nobody: bool,
    /// The counter was asked, and can confirm it with one tap.
    pub asked: bool,
}

/// One of the last guests.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LastGuest {
    /// What an undo names.
    pub event: EventId,
    /// The first name; empty for a card without one.
    pub name: String,
    /// When.
    pub at: Moment,
    /// Stamps given.
    pub stamps: u32,
    /// A reward was taken.
    pub reward: bool,
    /// It was taken back.
    pub undone: bool,
}

/// The till.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TillModel {
    /// The tabs.
    pub categories: Vec<ArticleCategory>,
    /// The tab that is open.
    pub category: String,
    /// What is searched for.
    pub search: String,
    /// The articles of the tab, or those found.
    pub tiles: Vec<Tile>,
    /// The basket.
    pub basket: Basket,
    /// The message.
    pub notice: Notice,
    /// The cash panel is open.
    pub paying: bool,
    /// What was typed as given; `None` before the first digit.
    pub given: Option<Money>,
    /// The notes that fit.
    pub notes: Vec<QuickNote>,
    /// The sale before.
    pub last_sale: Option<LastSale>,
    /// What is added to an article is being asked.
    pub choosing: Option<Choosing>,
    /// Some article's tax depends on whether it is taken away, so that is asked.
    pub asks_place: bool,
}

/// What is added to an article, before it goes into the basket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choosing {
    /// The article.
    pub sku: Sku,
    /// Its name.
    pub name: String,
    /// What one costs with what is chosen so far.
    pub price: Money,
    /// What there is to choose.
    pub choices: Vec<Choice>,
}

/// Something that can be added, and whether it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// What.
    pub addition: Addition,
    /// It is chosen.
    pub chosen: bool,
}

impl TillModel {
    /// Says what goes back, or below zero what is missing.
    pub fn change(&self) -> Option<Money> {
        self.given.map(|given| Money(given.0 - self.basket.total.0))
    }
}

/// An article on the counter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tile {
    /// The article.
    pub sku: Sku,
    /// Its name.
    pub name: String,
    /// Its price.
    pub price: Money,
    /// Its picture.
    pub picture: String,
    /// Its own photo.
    pub photo: Option<Jpeg>,
    /// How many are in the basket, whatever was added to them.
    pub count: u32,
}

/// A button of the cash panel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QuickNote {
    /// What it stands for.
    pub amount: Money,
    /// It is the exact amount.
    pub exact: bool,
}

/// The sale before: for the change, and for taking it back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LastSale {
    /// What an undo names.
    pub event: EventId,
    /// What it cost.
    pub total: Money,
    /// What was given.
    pub given: Money,
    /// What went back.
    pub change: Money,
    /// When.
    pub at: Moment,
    /// How long it can still be taken back; 0 when no more.
    pub seconds: u32,
}

/// The pages of the kiosk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KioskPage {
    /// The shop's picture and an invitation.
    #[default]
    Attract,
    /// The card is to be held up.
    Scan,
    /// The proof of purchase is to be held up.
    Proof,
    /// The card with its stamps.
    Card,
    /// Something did not go as wished.
    Message,
    /// Thank you.
    Thanks,
    /// A new card: with a name or without.
    Join,
    /// What happens to the name, before it is asked for.
    Privacy,
    /// The name is typed.
    Name,
    /// The code of the new card, to be photographed.
    Code,
    /// The shop's question, from 0 to 10.
    Question,
    /// Why.
    Why,
}

/// The kiosk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KioskModel {
    /// Which page.
    pub page: KioskPage,
    /// Who stands there.
    pub guest: Option<Guest>,
    /// A receipt proves a purchase; otherwise a slip alone does.
    pub receipts: bool,
    /// The newest stamps.
    pub fresh: u32,
    /// Goes up by one whenever stamps land.
    pub landing: u32,
    /// What the message page says.
    pub notice: Notice,
    /// The first name as far as it was typed.
    pub typed: String,
    /// What stands in the code of a card that was made here; empty without one.
    pub code: String,
    /// What this visit brought beside the stamp: a challenge, a birthday. Empty for nothing.
    pub news: String,
    /// The name of the reward that was taken; empty for none.
    pub reward_taken: String,
    /// "Still there?" is on the screen, with so many seconds left.
    pub asking: Option<u32>,
    /// Help was called.
    pub help_called: bool,
    /// The call stands at the counter.
    pub at_counter: bool,
    /// Somebody has heard it and comes.
    pub coming: bool,
    /// The shop's question, while it is asked.
    pub question: Option<Question>,
    /// How far challenges and tickets are, a sentence each.
    pub progress: Vec<String>,
    /// What guests gave away and waits.
    pub gifts: Vec<Gift>,
    /// Nobody has done anything for a while: what somebody left open is closed.
    pub alone: bool,
    /// A manager can leave the kiosk by a PIN.
    pub can_leave: bool,
}

/// The connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncModel {
    /// As the desk reports it.
    pub report: SyncReport,
}

/// What the camera does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CameraState {
    /// It is being opened.
    Starting,
    /// It delivers.
    Live,
    /// There is none.
    #[default]
    None,
    /// Another program has it.
    Busy,
    /// Its picture is dark.
    Dark,
    /// Its picture stands still.
    Frozen,
    /// A picture file is shown.
    Picture,
    /// A folder is played.
    Film,
    /// A scanner types.
    Scanner,
}

/// The camera and the other ways in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScanModel {
    /// What the camera does.
    pub state: CameraState,
    /// The name of the file that is shown.
    pub file: String,
    /// Its place on the film strip, from 1.
    pub frame: u32,
    /// The length of the film strip.
    pub frames: u32,
    /// The cards of the sample shop.
    pub samples: Vec<Sample>,
    /// How long the last picture took to read, in tenths of a millisecond; none before the first.
    pub decode_tenths_ms: Option<u32>,
    /// A scanner that types has read a card here before: where there is no camera, it is what a card is held up to.
    pub hand_scanner: bool,
    /// The camera's pictures are kept in a folder, for support: every screen says so.
    pub recording: bool,
}

/// What is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilesWanted {
    /// One picture.
    Picture,
    /// A folder of pictures.
    Folder,
}

/// The chooser of pictures and folders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilesModel {
    /// It is open, for this.
    pub wanted: Option<FilesWanted>,
    /// The folder that is shown.
    pub folder: String,
    /// There is a folder above it.
    pub has_parent: bool,
    /// It cannot be read.
    pub unreadable: bool,
    /// Folders, then pictures.
    pub entries: Vec<FileEntry>,
    /// How many pictures it holds.
    pub pictures: u32,
}

/// A line of the chooser.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileEntry {
    /// Its name.
    pub name: String,
    /// It is a folder.
    pub folder: bool,
}

/// The first run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetupModel {
    /// What this device is for.
    pub role: Route,
    /// Which page.
    pub step: SetupStep,
    /// The device is a terminal already: only language, look and role are chosen.
    pub settled: bool,
    /// It is being set up.
    pub busy: bool,
    /// The code held up is not what a server shows.
    pub unknown_code: bool,
    /// Why it did not work; empty for nothing.
    pub error: String,
    /// What was wrong with what was done last.
    pub notice: Notice,
    /// It is the first run, and goes on where it was after a start.
    pub under_way: bool,
    /// How the device stands.
    pub placement: Placement,
    /// The cameras, by the names that they give themselves.
    pub cameras: Vec<String>,
    /// The one that is used; empty for the first.
    pub camera: String,
    /// The code of the test card, to be photographed and held up.
    pub test_code: String,
    /// A card was read: the camera works.
    pub read: bool,
    /// The plug test.
    pub plug: Option<PlugTest>,
}

/// The pages of the first run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SetupStep {
    /// Language, look, and what the device is for.
    #[default]
    Device,
    /// A server's shop, alone, or the sample shop.
    Begin,
    /// The server's code is held up.
    Join,
    /// The shop gets its name.
    Alone,
    /// How the device stands.
    Place,
    /// Which camera, and whether it reads.
    Camera,
    /// The plug is pulled.
    Plug,
}

/// How the device is, while it is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DiagnosticsModel {
    /// The terminal's own figures.
    pub health: Health,
    /// Where the file for support lies; empty before it is written.
    pub report: String,
    /// The plug test.
    pub plug: Option<PlugTest>,
}

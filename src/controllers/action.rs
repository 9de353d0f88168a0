//! What a person does, and what the rest of the program is asked to do about it.

use std::path::PathBuf;

use super::desk::{
    Claim, ColleagueId, EventId, LineId, MemberId, PoolId, ProgrammeId, RewardId, SampleId, Sku,
};
use super::device::Note;
use super::setup::Begin;

/// The screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Route {
    /// The first run.
    Setup,
    /// The stamp card beside another till.
    #[default]
    Counter,
    /// The till.
    Till,
    /// The kiosk.
    Kiosk,
}

/// The languages of the screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// English.
    English,
    /// German.
    #[default]
    German,
}

impl Language {
    /// Gives the language's tag.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// Reads a tag such as `de` or `de_DE.UTF-8`; anything else is English.
    pub fn from_tag(tag: &str) -> Self {
        if tag.get(..2).is_some_and(|tag| tag.eq_ignore_ascii_case("de")) {
            Self::German
        } else {
            Self::English
        }
    }
}

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Look {
    /// As the system says.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// How loud the voice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Volume(u8);

impl Default for Volume {
    fn default() -> Self {
        Self(3)
    }
}

impl Volume {
    /// The loudest step; 1 is the softest.
    pub const LOUDEST: u8 = 5;

    /// Which step it is, from 1.
    pub fn step(self) -> u8 {
        self.0
    }

    /// A step louder or softer, as far as there is one.
    #[must_use]
    pub fn turned(self, louder: bool) -> Self {
        Self(if louder { (self.0 + 1).min(Self::LOUDEST) } else { self.0.saturating_sub(1).max(1) })
    }
}

/// Something was done: by a hand, by a scanner, or by the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UiAction {
    /// The time went on; sent once a second.
    Tick,
    /// A code was read, whatever the source.
    Scan(String),
    /// A picture was looked at and held no code.
    NoCode,
    /// More stamps for the guest on the screen.
    AddStamp {
        /// Who.
        member: MemberId,
        /// How many.
        count: u32,
    },
    /// Another card of the guest on the screen.
    PickCard {
        /// Which.
        programme: ProgrammeId,
    },
    /// A reward is taken at the stamp-card screen or the kiosk.
    Claim {
        /// Who; the kiosk leaves it empty, its guest is the one on the screen.
        member: MemberId,
        /// What.
        reward: RewardId,
        /// How.
        how: Claim,
    },
    /// The server has answered what it was asked about a reward.
    ServerAnswered,
    /// Nobody waits for the server any more: the reward is not wanted.
    StopAsking,
    /// A stamp or a sale is taken back.
    Undo {
        /// Which.
        event: EventId,
    },
    /// The next scan gives so many stamps.
    Arm(u32),
    /// The guest's card is put away.
    PutAway,
    /// A paper card with so many stamps is taken over, for the guest on the screen.
    TakePaper {
        /// Its stamps.
        stamps: u32,
    },
    /// A slip for a guest whose card lies at home, good for as many stamps as are armed.
    ForgottenCard,
    /// The slip is photographed.
    CloseSlip,
    /// The slip is to be printed once more.
    PrintSlip,
    /// A guest has lost a card.
    OpenLost,
    /// The guest has a new one, or none is wanted.
    CloseLost,
    /// The name of whoever lost a card, as far as it was typed.
    LostSearch(String),
    /// Not all members were looked through for that name yet.
    LostSearchOn,
    /// The card with this number was lost.
    LostPick(String),
    /// The second code of a lost card, typed.
    LostSecond(String),
    /// Somebody at the counter answers a kiosk's call.
    AnswerCall {
        /// Which call.
        id: String,
        /// Somebody comes; the reward is to be given.
        yes: bool,
    },
    /// Something that was given away is handed out.
    ReleaseGift {
        /// From which pool.
        pool: PoolId,
    },
    /// The sums of the day are looked at.
    OpenClosing,
    /// They were.
    CloseClosing,
    /// Who types the PIN.
    PinWho(ColleagueId),
    /// A digit of it.
    PinKey(String),
    /// The last digit goes.
    PinErase,
    /// It is typed.
    PinDone,
    /// No PIN after all.
    PinCancel,
    /// A manager wants to leave the kiosk.
    LeaveKiosk,
    /// The screen is to be wiped: touches do nothing for a while.
    Clean,
    /// The screen is clean.
    EndCleaning,
    /// The message is read.
    CloseNotice,
    /// A transfer is wanted now.
    SyncNow,
    /// An article goes into the basket.
    AddToBasket {
        /// Which.
        sku: Sku,
    },
    /// Something is added to the article that is asked about, or not any more.
    PickAddition(String),
    /// The article goes into the basket with what was chosen.
    AddChosen,
    /// It does not.
    CloseAdditions,
    /// The basket is taken away rather than eaten in the house.
    ServeAway(bool),
    /// One of a line comes out of the basket.
    RemoveLine {
        /// Which.
        line: LineId,
    },
    /// The member comes out of the basket.
    RemoveMember,
    /// A reward goes into the basket, or comes out.
    BasketReward {
        /// Which.
        reward: RewardId,
        /// In or out.
        take: bool,
    },
    /// A tab of the till.
    PickCategory(String),
    /// The search field of the till.
    Search(String),
    /// The cash panel opens.
    OpenCash,
    /// The cash panel closes without a sale.
    CloseCash,
    /// Digits of the amount given.
    CashKey(String),
    /// The last digit goes.
    CashErase,
    /// The amount typed is what was given.
    PayTyped,
    /// The sale is paid in cash.
    PayCash {
        /// What was given, in minor units.
        given: i64,
    },
    /// A picture file is to be chosen and read.
    OpenImage,
    /// A folder of pictures is to be chosen and played.
    OpenFolder,
    /// An entry of the chooser.
    PickFile(String),
    /// The folder that the chooser shows.
    PickFolder,
    /// The folder above it.
    FolderUp,
    /// The chooser closes without an answer.
    CloseFiles,
    /// A scanner that types is to be used.
    UseScanner,
    /// A scanner that types has read a card: there is one here.
    ScannerHeard,
    /// The camera is to be looked for again.
    UseCamera,
    /// A card of the sample shop is held up.
    SampleCard {
        /// Which.
        id: SampleId,
    },
    /// The guest begins at the kiosk.
    KioskStart,
    /// The guest has no card yet.
    KioskJoin,
    /// The new card shall have no name.
    KioskJoinAnonymous,
    /// The new card shall have a first name.
    KioskJoinNamed,
    /// The guest is old enough, and has read what happens to the name.
    KioskAgree,
    /// A letter of the name.
    KioskKey(String),
    /// The last letter goes.
    KioskErase,
    /// The name is typed.
    KioskNameDone,
    /// The guest is done, or gives up.
    KioskLeave,
    /// The guest is still there.
    KioskStay,
    /// The guest calls for help.
    KioskHelp,
    /// The guest answers the question, from 0 to 10.
    KioskScore(u32),
    /// The guest says why.
    KioskWhy(String),
    /// The guest would rather not say.
    KioskSkip,
    /// Another screen.
    Navigate(Route),
    /// Another language.
    SetLanguage(Language),
    /// Light or dark.
    SetLook(Look),
    /// High contrast on or off.
    SetHighContrast(bool),
    /// Less motion on or off.
    SetStill(bool),
    /// Reading aloud on or off.
    SetSpeech(bool),
    /// The voice a step louder, or softer.
    Louder(bool),
    /// Larger text on or off.
    SetLarger(bool),
    /// The screen has something to say aloud.
    Say(String),
    /// The device's job, chosen at the first run.
    ChooseRole(Route),
    /// The first run is done.
    FinishSetup,
    /// The sample shop is to be opened.
    TryDemo,
    /// The next page of the first run.
    SetupNext,
    /// The page before.
    SetupBack,
    /// The device shall belong to a server's shop.
    SetupJoin,
    /// The device shall work alone.
    SetupAlone,
    /// What the shop is called.
    SetupName(String),
    /// The server's address and code, typed.
    SetupAddress(String),
    /// The screen faces the guest, or whoever works at the counter.
    SetupFacing(bool),
    /// How high the middle of the screen is, in millimetres.
    SetupHeight(u32),
    /// This camera is to be used.
    SetupCamera(String),
    /// The camera's picture is to be turned to the right by a quarter.
    SetupTurn,
    /// The stamps of the plug test are to be given.
    PlugTest,
    /// How the device is, is looked at.
    OpenDiagnostics,
    /// It was.
    CloseDiagnostics,
    /// A file for support is wanted.
    WriteReport,
}

/// What a controller asks for that it cannot do itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Play a sound.
    Play(Sound),
    /// Read this picture file.
    OpenImage(PathBuf),
    /// Play the pictures of this folder.
    OpenFolder(PathBuf),
    /// Listen to a scanner that types.
    UseScanner,
    /// Look for the camera again.
    UseCamera,
    /// Ring: a guest at the kiosk wants help.
    CallHelp,
    /// Say this aloud, in the language of the screens, instead of what is being said.
    Say(String),
    /// Be silent at once.
    Hush,
    /// Print the slip with this code.
    PrintSlip(String),
    /// Do this once what was touched meanwhile is done.
    Then(UiAction),
    /// Keep language, look and role.
    KeepSettings,
    /// Make the device a terminal.
    Begin(Begin),
    /// Keep the device's job.
    KeepRole(Route),
    /// See which cameras there are.
    ListCameras,
    /// Use this camera from now on.
    UseCameraNamed(String),
    /// Tell the other devices of the shop.
    Tell(Note),
    /// Write a file for support, without a name, a card or a sum.
    WriteReport,
}

/// Something that can be heard, as it is written for those who cannot hear it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Heard {
    /// One of the four sounds.
    Sound(Sound),
    /// The bell: somebody is called.
    Bell,
}

/// The four sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sound {
    /// A soft thud.
    Stamp,
    /// Two rising notes.
    Reward,
    /// One low note.
    AlreadyCounted,
    /// Two low notes.
    Refused,
}

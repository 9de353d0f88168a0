//! What is on the screen, without a screen.
//!
//! A controller is a reducer: it takes what was done ([`UiAction`]), asks the [`Desk`], and keeps a model of plain data
//! that says what to show. It opens no window, reads no clock (the time is handed in as a [`Moment`]) and knows no
//! rule: the desk answers, the controller arranges. [`Face`] is the whole of them.

mod action;
mod calls;
mod counter;
mod desk;
mod device;
mod face;
mod files;
mod kiosk;
mod lost;
mod model;
mod pin;
mod setup;
mod till;

#[cfg(test)]
#[path = "../../tests/support/sample_desk.rs"]
mod sample_desk;

pub use action::{Effect, Heard, Language, Look, Route, Sound, UiAction, Volume};
pub use counter::CounterController;
pub use desk::{
    Addition, Article, ArticleCategory, Asking, Basket, BasketItem, Beyond, CardState, Catalogue, Claim,
    Colleague, ColleagueId, DaySums, Desk, EventId, Gift, Guest, Health, Joined, Jpeg, Limit, LineId,
    MemberId, Moment, Money, Paid, Paper, PoolId, ProgrammeId, Refusal, Reward, RewardId, Sample, SampleId,
    Sku, Slip, Stamped, Stamping, SyncReport, SyncState, Usual, Why, WhyKind,
};
pub use device::{
    Call, Found, HEIGHT_MM, HEIGHT_REACH_MM, Looked, Note, Owner, Placement, PlugResult, PlugTest, Question,
};
pub use face::{CLEANING_SECONDS, Face, FaceOptions, TERMS};
pub use files::FilesController;
pub use kiosk::{KIOSK_PATIENCE_SECONDS, KioskController};
pub use lost::LISTED_MAX;
pub use model::{
    AppModel, CameraState, Choice, Choosing, CounterModel, DiagnosticsModel, FileEntry, FilesModel,
    FilesWanted, KioskModel, KioskPage, LastGuest, LastSale, Looking, LostModel, Notice, NoticeKind, PinFor,
    PinModel, QuickNote, ScanModel, ScreenModel, SetupModel, SetupStep, SyncModel, Tile, TillModel,
};
pub use setup::{Begin, SetupController};
pub use till::{TillController, UNDO_SECONDS};

//! What an owner does with the server: functions for the command line and, later, for pages.

mod adopt;
mod article;
mod backup;
mod cards;
mod catalogue;
mod demo;
mod devices;
mod inbox;
mod members;
mod r#move;
mod programmes;
mod report;
mod review;
mod shop;
mod tenants;
mod verify;

pub use adopt::{Adopted, Adoption};
pub use backup::{Restored, restore};
pub use catalogue::Imported;
pub use demo::{Demo, DemoGuest, DemoMember, demo_guests};
pub use devices::DeviceInfo;
pub use inbox::{CaseInfo, Inbox, JudgementInfo, RowInfo};
pub use members::{AddedMember, MemberInfo, NewMember, WhyLine};
pub(crate) use members::{genuine_card, keys_of};
pub use r#move::Moved;
pub use programmes::ProgrammeInfo;
pub(crate) use programmes::{newest as newest_version, write_version};
pub use report::{BOARD_CONSENT, BoardPlace, CauseTotal, ClearingReport, StockLevel};
pub use tenants::TenantInfo;
pub use verify::VerifyReport;

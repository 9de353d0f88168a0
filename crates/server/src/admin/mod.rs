//! What an owner does with the server: functions for the command line and, later, for pages.

mod backup;
mod devices;
mod inbox;
mod members;
mod tenants;
mod verify;

pub use backup::{Restored, restore};
pub use devices::DeviceInfo;
pub use inbox::{CaseInfo, Inbox, RowInfo};
pub use members::{AddedMember, MemberInfo, NewMember, WhyLine};
pub use tenants::TenantInfo;
pub use verify::VerifyReport;

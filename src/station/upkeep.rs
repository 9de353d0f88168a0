//! What is done at a device beside the counter: lost cards, how it stands, the plug test.

use stempel_terminal::cards::Joined;
use stempel_terminal::lost::Ownership;
use stempel_terminal::operators::Authority;
use stempel_terminal::settings::Facing;
use stempel_terminal::{Operator, Terminal, TerminalError};

use crate::controllers::{
    Found, LISTED_MAX, Looked, MemberId, Moment, Owner, Placement, PlugResult, PlugTest,
};

/// Members found at once: one more than the screen lists, so that it can say that there are more.
const FOUND_MAX: usize = LISTED_MAX + 1;
/// Members looked at in one step: some milliseconds on a tablet.
const LOOKED_MAX: usize = 1000;

/// Members whose first name fits, with the number of their card, among some of them.
pub(super) fn find_named(
    terminal: &Terminal,
    text: &str,
    behind: Option<stempel_domain::MemberId>,
) -> Result<Looked, TerminalError> {
    let (members, behind) = terminal.view().find_by_name_behind(text, behind, LOOKED_MAX, FOUND_MAX)?;
    let mut found = Vec::new();
    for (member, profile) in members {
        if let Some(card) = terminal.card_of(member)? {
            found.push(Found { name: profile.name, card: card.number().to_string() });
        }
    }
    Ok(Looked { found, behind: behind.map(|member| MemberId(member.to_string())) })
}

/// Blocks a lost card and gives the next one.
pub(super) fn replace_lost(
    terminal: &mut Terminal,
    owner: &Owner,
    operator: &Operator,
) -> Result<Joined, TerminalError> {
    match owner {
        Owner::Second(text) => terminal.replace_lost("", Ownership::Second(text), operator),
        Owner::Manager { card, pin } => {
            terminal.replace_lost(card, Ownership::Manager(Authority::Pin(pin)), &None)
        }
    }
}

/// How the device stands, as far as somebody has said it.
pub(super) fn placement(terminal: &Terminal) -> Result<Placement, TerminalError> {
    let set = terminal.settings()?;
    let height_mm = set.mounting_mm.unwrap_or(Placement::default().height_mm);
    let quarter_turns = u8::try_from(set.camera_turned / 90).unwrap_or(0);
    Ok(Placement { faces_guest: set.facing == Facing::Guest, height_mm, quarter_turns })
}

/// Keeps how the device stands.
pub(super) fn keep_placement(terminal: &mut Terminal, placement: Placement) -> Result<(), TerminalError> {
    let mut set = terminal.settings()?;
    set.mounting_mm = Some(placement.height_mm);
    set.facing = if placement.faces_guest { Facing::Guest } else { Facing::Staff };
    set.camera_turned = u16::from(placement.quarter_turns % 4) * 90;
    terminal.set_settings(&set)
}

/// The plug test as the screens show it.
pub(super) fn plug_test(terminal: &Terminal, offset_minutes: i32) -> Result<Option<PlugTest>, TerminalError> {
    let test = terminal.plug_test()?.filter(|test| test.ready);
    Ok(test.map(|test| PlugTest {
        given: u32::try_from(test.stamps.len()).unwrap_or(u32::MAX),
        result: test.result.map(|result| PlugResult {
            found: result.found,
            at: Moment { unix_ms: result.at_ms, offset_minutes },
            machine: result.machine,
        }),
    }))
}

/// The system's name of this start of the machine; empty where it has none.
pub(super) fn start_of_machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    name.trim().to_owned()
}
